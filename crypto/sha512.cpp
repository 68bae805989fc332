// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha512.hpp"

#include "base/check.hpp"
#include "crypto/sha2_stream.hpp"
#include "crypto/sha512_kernels.hpp"

namespace belfry::crypto {

Sha512::Sha512()
{
    std::ranges::copy(sha512_initial_state, state_.begin());
}

void Sha512::update(ByteView piece)
{
    absorb(block_, message_bytes_, piece, [this](const std::uint8_t* blocks, std::size_t count) {
        sha512_compress_portable(state_.data(), blocks, count);
    });
}

Digest512 Sha512::finish()
{
    std::array<std::uint8_t, 2 * sha512_block_bytes> last;
    const ByteView rest = ByteView(block_).first(message_bytes_ % sha512_block_bytes);
    const std::size_t count =
        write_last_blocks<sha512_block_bytes>(rest, message_bytes_, last.data());
    sha512_compress_portable(state_.data(), last.data(), count);
    Digest512 digest;
    for (std::size_t i = 0; i < state_.size(); ++i) {
        const std::uint64_t word = __builtin_bswap64(state_[i]);
        std::memcpy(&digest.bytes[8 * i], &word, 8);
    }
    return digest;
}

Digest512 sha512(ByteView message)
{
    Sha512 hasher;
    hasher.update(message);
    return hasher.finish();
}

void sha512_many(std::span<const ByteView> messages, std::span<Digest512> digests)
{
    BELFRY_CHECK(messages.size() == digests.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
        digests[i] = sha512(messages[i]);
    }
}

} // namespace belfry::crypto
