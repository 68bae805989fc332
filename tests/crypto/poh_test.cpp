// SPDX-License-Identifier: Apache-2.0
// The oracle is a loop over OpenSSL's SHA-256.
#include "crypto/poh.hpp"
#include "tests/crypto/random_bytes.hpp"

#include <gtest/gtest.h>
#include <openssl/sha.h>

namespace belfry::crypto {
namespace {

Hash naive_append(Hash state, std::uint64_t count)
{
    for (; count != 0; --count) {
        SHA256(state.bytes.data(), 32, state.bytes.data());
    }
    return state;
}

Hash naive_mix(const Hash& state, const Hash& mixin)
{
    Bytes both(state.bytes.begin(), state.bytes.end());
    both.insert(both.end(), mixin.bytes.begin(), mixin.bytes.end());
    Hash out;
    SHA256(both.data(), both.size(), out.bytes.data());
    return out;
}

Hash random_hash(std::uint64_t seed)
{
    return Hash::from(random_bytes(32, seed));
}

PohSegment right_segment(std::uint64_t seed, std::uint64_t count, bool mixed)
{
    PohSegment segment{.start = random_hash(seed), .end = {}, .hash_count = count, .mixin = {}};
    if (mixed) {
        segment.mixin = random_hash(seed + 1'000'000);
        segment.end = naive_mix(naive_append(segment.start, count - 1), *segment.mixin);
    } else {
        segment.end = naive_append(segment.start, count);
    }
    return segment;
}

TEST(Poh, append_equals_the_naive_loop)
{
    const Hash start = random_hash(1);
    for (std::uint64_t count = 0; count < 40; ++count) {
        ASSERT_EQ(poh_append(start, count), naive_append(start, count)) << count;
    }
    EXPECT_EQ(poh_append(start, 5000), naive_append(start, 5000));
}

TEST(Poh, mix_is_the_hash_of_state_and_mixin)
{
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        ASSERT_EQ(poh_mix(random_hash(seed), random_hash(seed + 50)),
                  naive_mix(random_hash(seed), random_hash(seed + 50)));
    }
}

TEST(Poh, accepts_right_segments_of_any_number_and_length)
{
    std::mt19937_64 random(2);
    for (std::size_t segment_count = 0; segment_count <= 70; ++segment_count) {
        std::vector<PohSegment> segments;
        for (std::size_t i = 0; i < segment_count; ++i) {
            const bool mixed = random() % 2 == 0;
            segments.push_back(
                right_segment(random() % 1000, random() % 60 + (mixed ? 1 : 0), mixed));
        }
        ASSERT_TRUE(poh_verify(segments)) << segment_count;
    }
}

TEST(Poh, refuses_when_any_one_segment_is_wrong_in_any_part)
{
    std::vector<PohSegment> segments;
    for (std::uint64_t i = 0; i < 50; ++i) {
        segments.push_back(right_segment(i, i % 37 + 1, i % 3 == 0));
    }
    ASSERT_TRUE(poh_verify(segments));
    for (std::size_t i = 0; i < segments.size(); ++i) {
        std::vector<PohSegment> wrong = segments;
        wrong[i].end.bytes[i % 32] ^= 1;
        ASSERT_FALSE(poh_verify(wrong)) << i;
        wrong = segments;
        wrong[i].start.bytes[31 - i % 32] ^= 0x80;
        ASSERT_FALSE(poh_verify(wrong)) << i;
        wrong = segments;
        wrong[i].hash_count += 1;
        ASSERT_FALSE(poh_verify(wrong)) << i;
        wrong = segments;
        wrong[i].mixin = wrong[i].mixin ? std::nullopt : std::optional(random_hash(9));
        ASSERT_FALSE(poh_verify(wrong)) << i;
    }
}

TEST(Poh, refuses_a_mixin_without_a_hash_and_takes_the_empty_segment)
{
    const Hash state = random_hash(3);
    const PohSegment still{.start = state, .end = state, .hash_count = 0, .mixin = {}};
    EXPECT_TRUE(poh_verify({{still}}));
    PohSegment impossible = still;
    impossible.mixin = random_hash(4);
    EXPECT_FALSE(poh_verify({{impossible}}));
    impossible.end = naive_mix(state, *impossible.mixin);
    EXPECT_FALSE(poh_verify({{impossible}}));
}

} // namespace
} // namespace belfry::crypto
