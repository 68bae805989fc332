// SPDX-License-Identifier: Apache-2.0
#include "crypto/keccak.hpp"

#include "base/check.hpp"
#include "crypto/keccak_kernels.hpp"

#include <array>
#include <cstring>

namespace belfry::crypto {
namespace {

/// rest, 0x01, zeros, 0x80 in the last byte (both in one when only one is left).
void write_last_block(ByteView rest, std::uint8_t* out)
{
    std::memset(out, 0, keccak_block_bytes);
    if (!rest.empty()) {
        std::memcpy(out, rest.data(), rest.size());
    }
    out[rest.size()] = 0x01;
    out[keccak_block_bytes - 1] |= 0x80;
}

} // namespace

Hash keccak256(ByteView message)
{
    std::array<std::uint64_t, keccak_words> state{};
    const std::size_t whole = message.size() / keccak_block_bytes;
    keccak_absorb_portable(state.data(), message.data(), whole);
    std::array<std::uint8_t, keccak_block_bytes> last;
    write_last_block(message.subspan(whole * keccak_block_bytes), last.data());
    keccak_absorb_portable(state.data(), last.data(), 1);
    Hash digest;
    std::memcpy(digest.bytes.data(), state.data(), Hash::size_bytes);
    return digest;
}

void keccak256_many(std::span<const ByteView> messages, std::span<Hash> digests)
{
    BELFRY_CHECK(messages.size() == digests.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
        digests[i] = keccak256(messages[i]);
    }
}

} // namespace belfry::crypto
