// SPDX-License-Identifier: Apache-2.0
#pragma once
// keccak_kernels.hpp: private to this room. What the islands of Keccak and their chooser share.

#include <cstddef>
#include <cstdint>

namespace belfry::crypto {

inline constexpr std::size_t keccak_words = 25;
inline constexpr std::size_t keccak_rate_words = 17; // 136 bytes: capacity 512 bits
inline constexpr std::size_t keccak_block_bytes = 8 * keccak_rate_words;
inline constexpr std::size_t keccak_round_count = 24;
extern const std::uint64_t keccak_round_constants[keccak_round_count];

/// Exclusive-ors consecutive blocks into state, permuting after each.
void keccak_absorb_portable(std::uint64_t* state, const std::uint8_t* blocks,
                            std::size_t block_count);

/// Eight messages at once (lane_batch.hpp says how). nullptr: one after the other.
using KeccakLanes8 = void (*)(std::uint64_t* state, const std::uint8_t** blocks,
                              const std::uint64_t* advance, std::size_t block_count);
void keccak_lanes8_avx512(std::uint64_t* state, const std::uint8_t** blocks,
                          const std::uint64_t* advance, std::size_t block_count);

} // namespace belfry::crypto
