// SPDX-License-Identifier: Apache-2.0
#pragma once
// sha256_choice.hpp: private to this room. The kernels of SHA-256: who uses them besides sha256.cpp
// (chains, trees) asks here, and tests run each.

#include "crypto/kernels.hpp"
#include "crypto/sha256.hpp"
#include "crypto/sha256_kernels.hpp"

namespace belfry::crypto {

/// One message at a time.
struct Sha256Single {
    Sha256Compress compress = nullptr;
    Sha256Chain chain = nullptr;
};
/// Sixteen at a time; both nullptr: there is no such kernel.
struct Sha256Lanes {
    Sha256Lanes16 compress = nullptr;
    Sha256ChainLanes16 chain = nullptr;
    std::size_t messages_min = 0; // below, one after the other is faster
    std::size_t segments_min = 0;
};
inline constexpr std::size_t sha256_lanes = 16;

[[nodiscard]] std::span<const Kernel<Sha256Single>> sha256_single_kernels();
[[nodiscard]] std::span<const Kernel<Sha256Lanes>> sha256_lanes_kernels();
[[nodiscard]] const Kernel<Sha256Single>& sha256_single_kernel();
[[nodiscard]] const Kernel<Sha256Lanes>& sha256_lanes_kernel();
/// For fewer messages than that one pays from: the best of the others.
[[nodiscard]] const Kernel<Sha256Lanes>& sha256_few_lanes_kernel();
/// A kernel that is wrong in any lane, round or constant disagrees with the portable code here.
[[nodiscard]] bool sha256_single_self_test(const Sha256Single& single);
[[nodiscard]] bool sha256_lanes_self_test(const Sha256Lanes& lanes);

/// digests[i] = sha256(prefix | messages[i]). Preconditions: equal counts, prefix under one block.
void sha256_many(ByteView prefix, std::span<const ByteView> messages, std::span<Hash> digests);

/// The same with these kernels.
void sha256_many_with(const Sha256Single& single, const Sha256Lanes& lanes, ByteView prefix,
                      std::span<const ByteView> messages, std::span<Hash> digests);

} // namespace belfry::crypto
