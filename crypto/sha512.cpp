// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha512.hpp"

#include "base/check.hpp"
#include "crypto/lane_batch.hpp"
#include "crypto/sha2_stream.hpp"
#include "crypto/sha512_choice.hpp"

namespace belfry::crypto {
namespace {

void write_digest(const std::uint64_t* state, std::size_t stride, Digest512& out)
{
    for (std::size_t i = 0; i < 8; ++i) {
        const std::uint64_t word = __builtin_bswap64(state[i * stride]);
        std::memcpy(&out.bytes[8 * i], &word, 8);
    }
}

struct Format {
    using Word = std::uint64_t;
    using Digest = Digest512;
    static constexpr std::size_t block_bytes = sha512_block_bytes;
    static constexpr std::size_t state_words = 8;
    static constexpr std::size_t last_blocks_max = 2;
    static Word initial(std::size_t word) { return sha512_initial_state[word]; }
    static std::size_t write_last_blocks(ByteView rest, std::uint64_t total, std::uint8_t* out)
    {
        return crypto::write_last_blocks<block_bytes>(rest, total, out);
    }
    static void extract(const Word* state, std::size_t stride, Digest512& out)
    {
        write_digest(state, stride, out);
    }
};

constexpr std::size_t lanes = 8;
constexpr std::size_t lanes_pay_from = 3; // messages; below, one after the other is faster

} // namespace

bool sha512_lanes_self_test(const Sha512Lanes8& compress)
{
    std::array<std::uint8_t, 300> pool;
    for (std::size_t i = 0; i < pool.size(); ++i) {
        pool[i] = static_cast<std::uint8_t>(i * i + 7 * i);
    }
    std::array<ByteView, 2 * lanes> messages;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        messages[i] = ByteView(pool).subspan(i, i * 18);
    }
    std::array<Digest512, messages.size()> digests;
    LaneBatch<Format, lanes>(compress).run({}, messages, digests);
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (digests[i] != sha512(messages[i])) {
            return false;
        }
    }
    return true;
}

std::span<const Kernel<Sha512Lanes8>> sha512_lanes_kernels()
{
    static constexpr std::array<Kernel<Sha512Lanes8>, 3> kernels{{
        {"avx512x8", KernelTier::avx512,
         [](const CpuFeatures& cpu) { return cpu.avx512f && cpu.avx512bw; }, sha512_lanes8_avx512},
        {"avx2x4", KernelTier::avx2, [](const CpuFeatures& cpu) { return cpu.avx2; },
         sha512_lanes8_avx2},
        {"none", KernelTier::portable, [](const CpuFeatures&) { return true; }, nullptr},
    }};
    return kernels;
}

const Kernel<Sha512Lanes8>& sha512_lanes_kernel()
{
    static const Kernel<Sha512Lanes8>& kernel =
        choose_kernel<Sha512Lanes8>(sha512_lanes_kernels(), sha512_lanes_self_test);
    return kernel;
}

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
    write_digest(state_.data(), 1, digest);
    return digest;
}

Digest512 sha512(ByteView message)
{
    Sha512 hasher;
    hasher.update(message);
    return hasher.finish();
}

void sha512_many_with(Sha512Lanes8 compress, std::span<const ByteView> messages,
                      std::span<Digest512> digests)
{
    BELFRY_CHECK(messages.size() == digests.size());
    if (compress == nullptr || messages.size() < lanes_pay_from) {
        for (std::size_t i = 0; i < messages.size(); ++i) {
            digests[i] = sha512(messages[i]);
        }
        return;
    }
    LaneBatch<Format, lanes>(compress).run({}, messages, digests);
}

void sha512_many(std::span<const ByteView> messages, std::span<Digest512> digests)
{
    sha512_many_with(sha512_lanes_kernel().run, messages, digests);
}

} // namespace belfry::crypto
