// SPDX-License-Identifier: Apache-2.0
#include "crypto/keccak.hpp"

#include "base/check.hpp"
#include "crypto/keccak_choice.hpp"
#include "crypto/lane_batch.hpp"

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

struct Format {
    using Word = std::uint64_t;
    using Digest = Hash;
    static constexpr std::size_t block_bytes = keccak_block_bytes;
    static constexpr std::size_t state_words = keccak_words;
    static constexpr std::size_t last_blocks_max = 1;
    static Word initial(std::size_t) { return 0; }
    static std::size_t write_last_blocks(ByteView rest, std::uint64_t, std::uint8_t* out)
    {
        write_last_block(rest, out);
        return 1;
    }
    static void extract(const Word* state, std::size_t stride, Hash& out)
    {
        for (std::size_t i = 0; i < 4; ++i) {
            std::memcpy(&out.bytes[8 * i], &state[i * stride], 8);
        }
    }
};

constexpr std::size_t lanes = 8;
constexpr std::size_t lanes_pay_from = 2; // messages

} // namespace

bool keccak_lanes_self_test(const KeccakLanes8& absorb)
{
    std::array<std::uint8_t, 300> pool;
    for (std::size_t i = 0; i < pool.size(); ++i) {
        pool[i] = static_cast<std::uint8_t>(i * i + 7 * i);
    }
    std::array<ByteView, 2 * lanes> messages;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        messages[i] = ByteView(pool).subspan(i, i * 18);
    }
    std::array<Hash, messages.size()> digests;
    LaneBatch<Format, lanes>(absorb).run({}, messages, digests);
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (digests[i] != keccak256(messages[i])) {
            return false;
        }
    }
    return true;
}

std::span<const Kernel<KeccakLanes8>> keccak_lanes_kernels()
{
    static constexpr std::array<Kernel<KeccakLanes8>, 2> kernels{{
        {"avx512x8", KernelTier::avx512, [](const CpuFeatures& cpu) { return cpu.avx512f; },
         keccak_lanes8_avx512},
        {"none", KernelTier::portable, [](const CpuFeatures&) { return true; }, nullptr},
    }};
    return kernels;
}

const Kernel<KeccakLanes8>& keccak_lanes_kernel()
{
    static const Kernel<KeccakLanes8>& kernel =
        choose_kernel<KeccakLanes8>(keccak_lanes_kernels(), keccak_lanes_self_test);
    return kernel;
}

Hash keccak256(ByteView message)
{
    std::array<std::uint64_t, keccak_words> state{};
    const std::size_t whole = message.size() / keccak_block_bytes;
    keccak_absorb_portable(state.data(), message.data(), whole);
    std::array<std::uint8_t, keccak_block_bytes> last;
    write_last_block(message.subspan(whole * keccak_block_bytes), last.data());
    keccak_absorb_portable(state.data(), last.data(), 1);
    Hash digest;
    Format::extract(state.data(), 1, digest);
    return digest;
}

void keccak256_many_with(KeccakLanes8 absorb, std::span<const ByteView> messages,
                         std::span<Hash> digests)
{
    BELFRY_CHECK(messages.size() == digests.size());
    if (absorb != nullptr && messages.size() >= lanes_pay_from) {
        LaneBatch<Format, lanes>(absorb).run({}, messages, digests);
        return;
    }
    for (std::size_t i = 0; i < messages.size(); ++i) {
        digests[i] = keccak256(messages[i]);
    }
}

void keccak256_many(std::span<const ByteView> messages, std::span<Hash> digests)
{
    keccak256_many_with(keccak_lanes_kernel().run, messages, digests);
}

} // namespace belfry::crypto
