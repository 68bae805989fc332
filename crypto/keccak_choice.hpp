// SPDX-License-Identifier: Apache-2.0
#pragma once
// keccak_choice.hpp: private to this room. The kernels of Keccak for the tests, which run each.

#include "crypto/keccak.hpp"
#include "crypto/keccak_kernels.hpp"
#include "crypto/kernels.hpp"

namespace belfry::crypto {

[[nodiscard]] std::span<const Kernel<KeccakLanes8>> keccak_lanes_kernels();
[[nodiscard]] const Kernel<KeccakLanes8>& keccak_lanes_kernel();
/// A kernel that is wrong in any lane or round disagrees with the portable code here.
[[nodiscard]] bool keccak_lanes_self_test(const KeccakLanes8& absorb);

/// keccak256_many with this kernel.
void keccak256_many_with(KeccakLanes8 absorb, std::span<const ByteView> messages,
                         std::span<Hash> digests);

} // namespace belfry::crypto
