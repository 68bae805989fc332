// SPDX-License-Identifier: Apache-2.0
#pragma once
// sha512_kernels.hpp: private to this room. What the islands of SHA-512 and their chooser share.

#include <cstddef>
#include <cstdint>

namespace belfry::crypto {

inline constexpr std::size_t sha512_block_bytes = 128;
inline constexpr std::size_t sha512_round_count = 80;
extern const std::uint64_t sha512_constants[sha512_round_count];
extern const std::uint64_t sha512_initial_state[8];

/// Compresses consecutive blocks into state.
using Sha512Compress = void (*)(std::uint64_t* state, const std::uint8_t* blocks,
                                std::size_t block_count);
void sha512_compress_portable(std::uint64_t* state, const std::uint8_t* blocks,
                              std::size_t block_count);

/// Eight messages at once (lane_batch.hpp says how). nullptr: one after the other.
using Sha512Lanes8 = void (*)(std::uint64_t* state, const std::uint8_t** blocks,
                              const std::uint64_t* advance, std::size_t block_count);
void sha512_lanes8_avx2(std::uint64_t* state, const std::uint8_t** blocks,
                        const std::uint64_t* advance, std::size_t block_count);
void sha512_lanes8_avx512(std::uint64_t* state, const std::uint8_t** blocks,
                          const std::uint64_t* advance, std::size_t block_count);

} // namespace belfry::crypto
