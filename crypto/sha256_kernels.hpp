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

} // namespace belfry::crypto
