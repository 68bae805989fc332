// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256.hpp"

#include "base/check.hpp"
#include "crypto/lane_batch.hpp"
#include "crypto/sha256_choice.hpp"
#include "crypto/sha2_stream.hpp"

namespace belfry::crypto {
namespace {

void write_digest(const std::uint32_t* state, std::size_t stride, Hash& out)
{
    for (std::size_t i = 0; i < 8; ++i) {
        const std::uint32_t word = __builtin_bswap32(state[i * stride]);
        std::memcpy(&out.bytes[4 * i], &word, 4);
    }
}

struct Format {
    using Word = std::uint32_t;
    using Digest = Hash;
    static constexpr std::size_t block_bytes = sha256_block_bytes;
    static constexpr std::size_t state_words = 8;
    static constexpr std::size_t last_blocks_max = 2;
    static Word initial(std::size_t word) { return sha256_initial_state[word]; }
    static std::size_t write_last_blocks(ByteView rest, std::uint64_t total, std::uint8_t* out)
    {
        return crypto::write_last_blocks<block_bytes>(rest, total, out);
    }
    static void extract(const Word* state, std::size_t stride, Hash& out)
    {
        write_digest(state, stride, out);
    }
};

Hash finish_with(Sha256Compress compress, std::uint32_t* state, ByteView rest, std::uint64_t total)
{
    std::array<std::uint8_t, 2 * sha256_block_bytes> last;
    const std::size_t count = write_last_blocks<sha256_block_bytes>(rest, total, last.data());
    compress(state, last.data(), count);
    Hash digest;
    write_digest(state, 1, digest);
    return digest;
}

Hash single_with(Sha256Compress compress, ByteView prefix, ByteView message)
{
    std::array<std::uint32_t, 8> state;
    std::ranges::copy(sha256_initial_state, state.begin());
    std::array<std::uint8_t, sha256_block_bytes> block;
    std::uint64_t total = 0;
    const auto feed = [&](const std::uint8_t* blocks, std::size_t count) {
        compress(state.data(), blocks, count);
    };
    absorb(block, total, prefix, feed);
    absorb(block, total, message, feed);
    return finish_with(compress, state.data(), ByteView(block).first(total % block.size()), total);
}

std::array<std::uint8_t, 300> test_bytes()
{
    std::array<std::uint8_t, 300> pool;
    for (std::size_t i = 0; i < pool.size(); ++i) {
        pool[i] = static_cast<std::uint8_t>(i * i + 7 * i);
    }
    return pool;
}

bool everywhere(const CpuFeatures&)
{
    return true;
}

} // namespace

bool sha256_single_self_test(const Sha256Single& single)
{
    const auto pool = test_bytes();
    for (std::size_t length = 0; length < pool.size(); length += 23) {
        const ByteView message = ByteView(pool).first(length);
        if (single_with(single.compress, {}, message) !=
            single_with(sha256_compress_portable, {}, message)) {
            return false;
        }
    }
    std::array<std::uint32_t, 8> expected;
    std::memcpy(expected.data(), pool.data(), sizeof expected);
    std::array<std::uint32_t, 8> actual = expected;
    sha256_chain_portable(expected.data(), 5);
    single.chain(actual.data(), 5);
    return actual == expected;
}

bool sha256_lanes_self_test(const Sha256Lanes& lanes)
{
    const auto pool = test_bytes();
    std::array<ByteView, 2 * sha256_lanes> messages;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        messages[i] = ByteView(pool).subspan(i, i * 8);
    }
    std::array<Hash, messages.size()> digests;
    LaneBatch<Format, sha256_lanes>(lanes.compress).run({}, messages, digests);
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (digests[i] != single_with(sha256_compress_portable, {}, messages[i])) {
            return false;
        }
    }
    alignas(64) std::array<std::uint32_t, 8 * sha256_lanes> actual;
    for (std::size_t i = 0; i < actual.size(); ++i) {
        actual[i] = static_cast<std::uint32_t>(i * 0x9E3779B9);
    }
    const auto start = actual;
    lanes.chain(actual.data(), 3);
    for (std::size_t l = 0; l < sha256_lanes; ++l) {
        std::array<std::uint32_t, 8> lane;
        for (std::size_t w = 0; w < lane.size(); ++w) {
            lane[w] = start[w * sha256_lanes + l];
        }
        sha256_chain_portable(lane.data(), 3);
        for (std::size_t w = 0; w < lane.size(); ++w) {
            if (actual[w * sha256_lanes + l] != lane[w]) {
                return false;
            }
        }
    }
    return true;
}

std::span<const Kernel<Sha256Single>> sha256_single_kernels()
{
    static constexpr std::array<Kernel<Sha256Single>, 2> kernels{{
        {"shani",
         KernelTier::avx2,
         [](const CpuFeatures& cpu) { return cpu.sha_ni; },
         {sha256_compress_shani, sha256_chain_shani}},
        {"portable",
         KernelTier::portable,
         everywhere,
         {sha256_compress_portable, sha256_chain_portable}},
    }};
    return kernels;
}

std::span<const Kernel<Sha256Lanes>> sha256_lanes_kernels()
{
    static constexpr std::array<Kernel<Sha256Lanes>, 3> kernels{{
        {"avx512x16",
         KernelTier::avx512,
         [](const CpuFeatures& cpu) { return cpu.avx512f && cpu.avx512bw; },
         {sha256_lanes16_avx512, sha256_chain_lanes16_avx512, 9, 6}},
        {"shani-pairs",
         KernelTier::avx2,
         [](const CpuFeatures& cpu) { return cpu.sha_ni; },
         {sha256_lanes16_shani, sha256_chain_lanes16_shani, 2, 10}},
        {"none", KernelTier::portable, everywhere, {}},
    }};
    return kernels;
}

const Kernel<Sha256Single>& sha256_single_kernel()
{
    static const Kernel<Sha256Single>& kernel =
        choose_kernel<Sha256Single>(sha256_single_kernels(), sha256_single_self_test);
    return kernel;
}

const Kernel<Sha256Lanes>& sha256_few_lanes_kernel()
{
    static const Kernel<Sha256Lanes>& kernel =
        choose_kernel<Sha256Lanes>(sha256_lanes_kernels().subspan(1), sha256_lanes_self_test);
    return kernel;
}

const Kernel<Sha256Lanes>& sha256_lanes_kernel()
{
    static const Kernel<Sha256Lanes>& kernel =
        choose_kernel<Sha256Lanes>(sha256_lanes_kernels(), sha256_lanes_self_test);
    return kernel;
}

Sha256::Sha256()
{
    std::ranges::copy(sha256_initial_state, state_.begin());
}

void Sha256::update(ByteView piece)
{
    const Sha256Compress compress = sha256_single_kernel().run.compress;
    absorb(block_, message_bytes_, piece, [&](const std::uint8_t* blocks, std::size_t count) {
        compress(state_.data(), blocks, count);
    });
}

Hash Sha256::finish()
{
    const ByteView rest = ByteView(block_).first(message_bytes_ % sha256_block_bytes);
    return finish_with(sha256_single_kernel().run.compress, state_.data(), rest, message_bytes_);
}

Hash sha256(ByteView message)
{
    return single_with(sha256_single_kernel().run.compress, {}, message);
}

Hash sha256(std::initializer_list<ByteView> parts)
{
    Sha256 hasher;
    for (const ByteView part : parts) {
        hasher.update(part);
    }
    return hasher.finish();
}

void sha256_many_with(const Sha256Single& single, const Sha256Lanes& lanes, ByteView prefix,
                      std::span<const ByteView> messages, std::span<Hash> digests)
{
    BELFRY_CHECK(messages.size() == digests.size());
    BELFRY_CHECK(prefix.size() < sha256_block_bytes);
    if (lanes.compress != nullptr && messages.size() >= lanes.messages_min) {
        LaneBatch<Format, sha256_lanes>(lanes.compress).run(prefix, messages, digests);
        return;
    }
    for (std::size_t i = 0; i < messages.size(); ++i) {
        digests[i] = single_with(single.compress, prefix, messages[i]);
    }
}

void sha256_many(ByteView prefix, std::span<const ByteView> messages, std::span<Hash> digests)
{
    const Sha256Lanes& many = sha256_lanes_kernel().run;
    const bool few = messages.size() < many.messages_min;
    sha256_many_with(sha256_single_kernel().run, few ? sha256_few_lanes_kernel().run : many, prefix,
                     messages, digests);
}

void sha256_many(std::span<const ByteView> messages, std::span<Hash> digests)
{
    sha256_many({}, messages, digests);
}

} // namespace belfry::crypto
