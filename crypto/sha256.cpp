// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256.hpp"

#include "base/check.hpp"
#include "crypto/sha256_kernels.hpp"
#include "crypto/sha2_stream.hpp"

namespace belfry::crypto {

Sha256::Sha256()
{
    std::ranges::copy(sha256_initial_state, state_.begin());
}

void Sha256::update(ByteView piece)
{
    absorb(block_, message_bytes_, piece, [this](const std::uint8_t* blocks, std::size_t count) {
        sha256_compress_portable(state_.data(), blocks, count);
    });
}

Hash Sha256::finish()
{
    std::array<std::uint8_t, 2 * sha256_block_bytes> last;
    const ByteView rest = ByteView(block_).first(message_bytes_ % sha256_block_bytes);
    const std::size_t count =
        write_last_blocks<sha256_block_bytes>(rest, message_bytes_, last.data());
    sha256_compress_portable(state_.data(), last.data(), count);
    Hash digest;
    for (std::size_t i = 0; i < state_.size(); ++i) {
        const std::uint32_t word = __builtin_bswap32(state_[i]);
        std::memcpy(&digest.bytes[4 * i], &word, 4);
    }
    return digest;
}

Hash sha256(ByteView message)
{
    Sha256 hasher;
    hasher.update(message);
    return hasher.finish();
}

Hash sha256(std::initializer_list<ByteView> parts)
{
    Sha256 hasher;
    for (const ByteView part : parts) {
        hasher.update(part);
    }
    return hasher.finish();
}

void sha256_many(std::span<const ByteView> messages, std::span<Hash> digests)
{
    BELFRY_CHECK(messages.size() == digests.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
        digests[i] = sha256(messages[i]);
    }
}

} // namespace belfry::crypto
