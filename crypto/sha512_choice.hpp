// SPDX-License-Identifier: Apache-2.0
#pragma once
// sha512_choice.hpp: private to this room. The kernels of SHA-512 for the tests, which run each.

#include "crypto/kernels.hpp"
#include "crypto/sha512.hpp"
#include "crypto/sha512_kernels.hpp"

namespace belfry::crypto {

[[nodiscard]] std::span<const Kernel<Sha512Lanes8>> sha512_lanes_kernels();
[[nodiscard]] const Kernel<Sha512Lanes8>& sha512_lanes_kernel();
/// A kernel that is wrong in any lane, round or constant disagrees with the portable code here.
[[nodiscard]] bool sha512_lanes_self_test(const Sha512Lanes8& compress);

/// sha512_many with this kernel.
void sha512_many_with(Sha512Lanes8 compress, std::span<const ByteView> messages,
                      std::span<Digest512> digests);

} // namespace belfry::crypto
