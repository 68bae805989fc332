// SPDX-License-Identifier: Apache-2.0
// Every kernel this CPU can run, not only the chosen ones, and none that is broken.
#include "crypto/keccak_choice.hpp"
#include "crypto/poh_choice.hpp"
#include "crypto/rs_choice.hpp"
#include "crypto/sha256_choice.hpp"
#include "crypto/sha512_choice.hpp"
#include "tests/crypto/random_bytes.hpp"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <algorithm>
#include <functional>
#include <iostream>

namespace belfry::crypto {
namespace {

constexpr std::size_t length_max = 1300;

/// check(kernel) for each that this CPU can run.
template <class Run>
void for_each_supported(std::span<const Kernel<Run>> kernels,
                        const std::function<void(const Run&)>& check)
{
    for (const Kernel<Run>& kernel : kernels) {
        if (!kernel.supported(cpu_features())) {
            std::cout << kernel.name << " skipped: not on this CPU\n";
            continue;
        }
        SCOPED_TRACE(kernel.name);
        check(kernel.run);
    }
}

/// Every length to 1,300, in one batch whose order mixes short and long.
std::vector<ByteView> all_lengths(const Bytes& pool)
{
    std::vector<ByteView> messages;
    for (std::size_t length = 0; length <= length_max; ++length) {
        messages.push_back(ByteView(pool).subspan(length % 3, length));
    }
    std::mt19937_64 random(1);
    std::ranges::shuffle(messages, random);
    return messages;
}

TEST(EveryKernel, of_sha512_equals_openssl_for_every_length_to_1300)
{
    const Bytes pool = random_bytes(length_max + 2, 1);
    const std::vector<ByteView> messages = all_lengths(pool);
    for_each_supported<Sha512Lanes8>(sha512_lanes_kernels(), [&](const Sha512Lanes8& kernel) {
        std::vector<Digest512> digests(messages.size());
        sha512_many_with(kernel, messages, digests);
        for (std::size_t i = 0; i < messages.size(); ++i) {
            Digest512 expected;
            SHA512(messages[i].data(), messages[i].size(), expected.bytes.data());
            ASSERT_EQ(digests[i], expected) << messages[i].size();
        }
    });
}

TEST(EveryKernel, of_sha256_equals_openssl_for_every_length_to_1300_and_every_prefix)
{
    const Bytes pool = random_bytes(length_max + 2, 2);
    const std::vector<ByteView> messages = all_lengths(pool);
    const auto expect_equal = [&](const Sha256Single& single, const Sha256Lanes& lanes,
                                  std::size_t prefix_bytes) {
        const ByteView prefix = ByteView(pool).first(prefix_bytes);
        std::vector<Hash> digests(messages.size());
        sha256_many_with(single, lanes, prefix, messages, digests);
        for (std::size_t i = 0; i < messages.size(); ++i) {
            Bytes whole(prefix.begin(), prefix.end());
            whole.insert(whole.end(), messages[i].begin(), messages[i].end());
            Hash expected;
            SHA256(whole.data(), whole.size(), expected.bytes.data());
            ASSERT_EQ(digests[i], expected) << prefix_bytes << " + " << messages[i].size();
        }
    };
    for (const std::size_t prefix_bytes : {0UL, 1UL, 19UL, 55UL, 56UL, 63UL}) {
        for_each_supported<Sha256Single>(sha256_single_kernels(), [&](const Sha256Single& single) {
            expect_equal(single, {}, prefix_bytes);
        });
        for_each_supported<Sha256Lanes>(sha256_lanes_kernels(), [&](const Sha256Lanes& lanes) {
            expect_equal(sha256_single_kernel().run, lanes, prefix_bytes);
        });
    }
}

TEST(EveryKernel, of_keccak_equals_the_portable_one_for_every_length_to_1300)
{
    const Bytes pool = random_bytes(length_max + 2, 3);
    const std::vector<ByteView> messages = all_lengths(pool);
    for_each_supported<KeccakLanes8>(keccak_lanes_kernels(), [&](const KeccakLanes8& kernel) {
        std::vector<Hash> digests(messages.size());
        keccak256_many_with(kernel, messages, digests);
        for (std::size_t i = 0; i < messages.size(); ++i) {
            ASSERT_EQ(digests[i], keccak256(messages[i])) << messages[i].size();
        }
    });
}

Hash naive_chain(Hash state, std::uint64_t count)
{
    for (; count != 0; --count) {
        SHA256(state.bytes.data(), 32, state.bytes.data());
    }
    return state;
}

TEST(EveryKernel, of_the_chain_equals_the_naive_loop)
{
    for_each_supported<Sha256Single>(sha256_single_kernels(), [&](const Sha256Single& single) {
        for (std::uint64_t count = 0; count < 30; ++count) {
            const Hash start = Hash::from(random_bytes(32, count));
            const Hash end = naive_chain(start, count);
            std::vector<PohSegment> segments{
                {.start = start, .end = end, .hash_count = count, .mixin = {}}};
            EXPECT_TRUE(poh_verify_with(single, {}, segments)) << count;
            segments[0].end.bytes[count] ^= 1;
            EXPECT_FALSE(poh_verify_with(single, {}, segments)) << count;
        }
    });
}

TEST(EveryKernel, of_chain_verification_finds_one_wrong_segment_at_any_place)
{
    constexpr std::size_t segment_count = 50;
    std::vector<PohSegment> segments;
    for (std::size_t i = 0; i < segment_count; ++i) {
        const Hash start = Hash::from(random_bytes(32, i));
        const std::uint64_t count = i * 7 % 23;
        segments.push_back(
            {.start = start, .end = naive_chain(start, count), .hash_count = count, .mixin = {}});
    }
    for_each_supported<Sha256Lanes>(sha256_lanes_kernels(), [&](const Sha256Lanes& lanes) {
        const Sha256Single& single = sha256_single_kernel().run;
        for (std::size_t count = 0; count <= segment_count; ++count) {
            EXPECT_TRUE(poh_verify_with(single, lanes, std::span(segments).first(count))) << count;
        }
        for (std::size_t i = 0; i < segment_count; ++i) {
            std::vector<PohSegment> wrong = segments;
            wrong[i].end.bytes[i % 32] ^= 0x10;
            EXPECT_FALSE(poh_verify_with(single, lanes, wrong)) << i;
        }
    });
}

/// Parity and recovered rows of one shape by one kernel.
std::vector<Bytes> coded_by(const RsKernelSet& kernel, std::size_t k, std::size_t m,
                            std::size_t row_bytes, std::uint64_t seed)
{
    std::vector<Bytes> rows(k + m, Bytes(row_bytes));
    for (std::size_t i = 0; i < k; ++i) {
        rows[i] = random_bytes(row_bytes, seed + i);
    }
    const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(k);
    rs_encode_with(kernel, std::vector<ByteView>(rows.begin(), middle),
                   std::vector<std::span<std::uint8_t>>(middle, rows.end()));
    std::mt19937_64 random(seed);
    std::vector<std::size_t> order(k + m);
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    std::ranges::shuffle(order, random);
    std::vector<RsRow> at_hand;
    std::vector<Bytes> found(m, Bytes(row_bytes));
    for (std::size_t i = 0; i < k; ++i) {
        at_hand.push_back({order[i], rows[order[i]]});
    }
    const std::vector<std::span<std::uint8_t>> out(found.begin(), found.end());
    EXPECT_TRUE(rs_recover_with(kernel, k, m, at_hand, std::span(order).subspan(k), out));
    for (std::size_t i = 0; i < m; ++i) {
        EXPECT_EQ(found[i], rows[order[k + i]]) << k << ":" << m << " row " << order[k + i];
    }
    return rows;
}

TEST(EveryKernel, of_reed_solomon_gives_the_same_bytes)
{
    constexpr RsKernelSet portable{.combine = rs_combine_portable};
    std::mt19937_64 random(4);
    std::vector<std::pair<std::size_t, std::size_t>> shapes{
        {32, 32}, {64, 64},   {64, 32}, {32, 96}, {16, 16}, {1, 1}, {1, 128},
        {128, 1}, {128, 128}, {31, 33}, {33, 31}, {63, 65}, {2, 62}};
    while (shapes.size() < 60) {
        shapes.emplace_back(random() % 128 + 1, random() % 128 + 1);
    }
    for_each_supported<RsKernelSet>(rs_kernels(), [&](const RsKernelSet& kernel) {
        for (const auto& [k, m] : shapes) {
            for (const std::size_t row_bytes : {1UL, 31UL, 33UL, 64UL, 65UL, 150UL}) {
                ASSERT_EQ(coded_by(kernel, k, m, row_bytes, 5),
                          coded_by(portable, k, m, row_bytes, 5))
                    << k << ":" << m << " rows of " << row_bytes;
            }
        }
    });
}

TEST(EveryKernel, of_reed_solomon_takes_rows_at_any_alignment_and_writes_nothing_else)
{
    for_each_supported<RsKernelSet>(rs_kernels(), [&](const RsKernelSet& kernel) {
        for (std::size_t shift = 0; shift < 64; ++shift) {
            constexpr std::size_t k = 32;
            const std::size_t row_bytes = 100 + shift;
            const std::size_t stride = row_bytes + 64;
            Bytes data = random_bytes(k * stride, shift);
            Bytes parity(k * stride, 0xAA);
            std::vector<ByteView> in;
            std::vector<std::span<std::uint8_t>> out;
            for (std::size_t i = 0; i < k; ++i) {
                in.push_back(ByteView(data).subspan(i * stride + shift, row_bytes));
                out.push_back(std::span(parity).subspan(i * stride + 63 - shift, row_bytes));
            }
            rs_encode_with(kernel, in, out);
            std::vector<Bytes> expected(k, Bytes(row_bytes));
            rs_encode_with({.combine = rs_combine_portable}, in,
                           std::vector<std::span<std::uint8_t>>(expected.begin(), expected.end()));
            for (std::size_t i = 0; i < k; ++i) {
                ASSERT_TRUE(std::ranges::equal(out[i], expected[i])) << shift << " row " << i;
                std::ranges::fill(out[i], std::uint8_t{0xAA});
            }
            ASSERT_TRUE(std::ranges::all_of(parity, [](auto byte) { return byte == 0xAA; }));
        }
    });
}

// Kernels that are right but for one bit somewhere.

void sha512_wrong_in_lane_7(std::uint64_t* state, const std::uint8_t** blocks,
                            const std::uint64_t* advance, std::size_t block_count)
{
    for (std::size_t l = 0; l < 8; ++l) {
        std::uint64_t lane[8];
        for (std::size_t w = 0; w < 8; ++w) {
            lane[w] = state[8 * w + l];
        }
        for (std::size_t i = 0; i < block_count; ++i, blocks[l] += advance[l]) {
            sha512_compress_portable(lane, blocks[l], 1);
        }
        lane[3] ^= l == 7 ? 1 : 0;
        for (std::size_t w = 0; w < 8; ++w) {
            state[8 * w + l] = lane[w];
        }
    }
}

void chain_wrong_after_the_third(std::uint32_t* state, std::uint64_t hash_count)
{
    sha256_chain_portable(state, hash_count);
    state[7] ^= hash_count > 3 ? 0x80000000U : 0;
}

void combine_wrong_in_the_last_byte(const RsCombination& job)
{
    rs_combine_portable(job);
    job.out[job.out_count - 1][job.row_bytes - 1] ^= 1;
}

TEST(EveryKernel, that_is_broken_is_refused_by_its_self_test)
{
    EXPECT_FALSE(sha512_lanes_self_test(sha512_wrong_in_lane_7));
    EXPECT_FALSE(sha256_single_self_test({sha256_compress_portable, chain_wrong_after_the_third}));
    EXPECT_FALSE(sha256_single_self_test(
        {[](std::uint32_t*, const std::uint8_t*, std::size_t) {}, sha256_chain_portable}));
    EXPECT_FALSE(rs_self_test({.combine = combine_wrong_in_the_last_byte}));
    EXPECT_FALSE(rs_self_test({.combine = rs_combine_portable,
                               .encode_shapes = nullptr,
                               .recover = [](const RsRecovery&) {},
                               .row_bytes_min = 1}));
    EXPECT_FALSE(keccak_lanes_self_test(
        [](std::uint64_t*, const std::uint8_t**, const std::uint64_t*, std::size_t) {}));
    EXPECT_TRUE(sha256_single_self_test({sha256_compress_portable, sha256_chain_portable}));
    EXPECT_TRUE(rs_self_test({.combine = rs_combine_portable}));
}

TEST(EveryKernel, in_use_has_a_name_and_is_within_the_tier_allowed)
{
    for (const KernelInUse& used : kernels_in_use()) {
        EXPECT_FALSE(used.work.empty());
        EXPECT_FALSE(used.kernel.empty()) << used.work;
    }
    EXPECT_LE(rs_kernel().tier, tier_limit());
    EXPECT_LE(sha256_single_kernel().tier, tier_limit());
    EXPECT_LE(sha512_lanes_kernel().tier, tier_limit());
    EXPECT_LE(keccak_lanes_kernel().tier, tier_limit());
}

} // namespace
} // namespace belfry::crypto
