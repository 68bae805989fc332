// SPDX-License-Identifier: Apache-2.0
#pragma once
// sha256_kernels.hpp: private to this room. What the islands of SHA-256 and their chooser share.

#include <cstddef>
#include <cstdint>

namespace belfry::crypto {

inline constexpr std::size_t sha256_block_bytes = 64;
inline constexpr std::size_t sha256_round_count = 64;
extern const std::uint32_t sha256_constants[sha256_round_count];
extern const std::uint32_t sha256_initial_state[8];

/// Compresses consecutive blocks into state.
using Sha256Compress = void (*)(std::uint32_t* state, const std::uint8_t* blocks,
                                std::size_t block_count);
void sha256_compress_portable(std::uint32_t* state, const std::uint8_t* blocks,
                              std::size_t block_count);
void sha256_compress_shani(std::uint32_t* state, const std::uint8_t* blocks,
                           std::size_t block_count);

/// state = SHA-256(state), hash_count times; the eight words of state stand for its 32 bytes.
using Sha256Chain = void (*)(std::uint32_t* state, std::uint64_t hash_count);
void sha256_chain_portable(std::uint32_t* state, std::uint64_t hash_count);
void sha256_chain_shani(std::uint32_t* state, std::uint64_t hash_count);

/// Sixteen messages at once (lane_batch.hpp says how). nullptr: one after the other.
using Sha256Lanes16 = void (*)(std::uint32_t* state, const std::uint8_t** blocks,
                               const std::uint64_t* advance, std::size_t block_count);
void sha256_lanes16_shani(std::uint32_t* state, const std::uint8_t** blocks,
                          const std::uint64_t* advance, std::size_t block_count);
void sha256_lanes16_avx512(std::uint32_t* state, const std::uint8_t** blocks,
                           const std::uint64_t* advance, std::size_t block_count);

/// Sixteen chains at once; word w of lane l is state[16 * w + l]. nullptr: one after the other.
using Sha256ChainLanes16 = void (*)(std::uint32_t* state, std::uint64_t hash_count);
void sha256_chain_lanes16_shani(std::uint32_t* state, std::uint64_t hash_count);
void sha256_chain_lanes16_avx512(std::uint32_t* state, std::uint64_t hash_count);

} // namespace belfry::crypto
