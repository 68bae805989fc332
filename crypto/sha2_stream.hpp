// SPDX-License-Identifier: Apache-2.0
#pragma once
// sha2_stream.hpp: private to this room. What SHA-256 and SHA-512 share around their compression:
// cutting a stream into blocks, and the padding of the last ones (FIPS 180-4, section 5.1).

#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace belfry::crypto {

/// Bytes of the length field at the end of the last block.
template <std::size_t block_bytes>
inline constexpr std::size_t length_field_bytes = block_bytes / 8;

/// Writes the last blocks of a message of message_bytes into out (two blocks of room): rest, 0x80,
/// zeros, length in bits. Returns how many blocks it took. Precondition: rest is under one block.
template <std::size_t block_bytes>
std::size_t write_last_blocks(ByteView rest, std::uint64_t message_bytes, std::uint8_t* out)
{
    const std::size_t block_count =
        rest.size() + 1 + length_field_bytes<block_bytes> <= block_bytes ? 1 : 2;
    std::memset(out, 0, block_count * block_bytes);
    if (!rest.empty()) {
        std::memcpy(out, rest.data(), rest.size());
    }
    out[rest.size()] = 0x80;
    const std::uint64_t bits = __builtin_bswap64(message_bytes * 8);
    std::memcpy(out + block_count * block_bytes - sizeof bits, &bits, sizeof bits);
    return block_count;
}

/// Feeds piece through block, calling compress(first byte, block count) for whole blocks.
template <std::size_t block_bytes, class Compress>
void absorb(std::array<std::uint8_t, block_bytes>& block, std::uint64_t& message_bytes,
            ByteView piece, const Compress& compress)
{
    const std::size_t held = message_bytes % block_bytes;
    message_bytes += piece.size();
    if (held != 0) {
        const std::size_t taken = std::min(piece.size(), block_bytes - held);
        std::copy_n(piece.begin(), taken, block.begin() + static_cast<std::ptrdiff_t>(held));
        piece = piece.subspan(taken);
        if (held + taken < block_bytes) {
            return;
        }
        compress(block.data(), 1);
    }
    const std::size_t whole = piece.size() / block_bytes;
    if (whole != 0) {
        compress(piece.data(), whole);
    }
    std::ranges::copy(piece.subspan(whole * block_bytes), block.begin());
}

} // namespace belfry::crypto
