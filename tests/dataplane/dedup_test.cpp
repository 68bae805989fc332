// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ingress/dedup.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace belfry::dataplane {
namespace {

Hash random_hash(std::mt19937_64& random)
{
    Hash hash;
    for (std::uint8_t& byte : hash.bytes) {
        byte = static_cast<std::uint8_t>(random());
    }
    return hash;
}

TEST(DuplicateFilter, knows_what_was_filled_and_nothing_else)
{
    std::mt19937_64 random(1);
    DuplicateFilter filter({.entries_max = 1 << 16});
    std::vector<Hash> filled;
    filled.reserve(10'000);
    for (int i = 0; i < 10'000; ++i) {
        filled.push_back(random_hash(random));
        EXPECT_FALSE(filter.seen(filled.back()));
        filter.fill(filled.back());
        EXPECT_TRUE(filter.seen(filled.back()));
    }
    int forgotten_count = 0;
    for (const Hash& hash : filled) {
        forgotten_count += filter.seen(hash) ? 0 : 1;
    }
    EXPECT_LE(forgotten_count, 5); // lines of eight at 1.2 entries each on average
}

TEST(DuplicateFilter, one_other_bit_is_another_message)
{
    std::mt19937_64 random(2);
    DuplicateFilter filter;
    const Hash hash = random_hash(random);
    filter.fill(hash);
    for (std::size_t bit = 0; bit < 256; ++bit) {
        Hash other = hash;
        other.bytes[bit / 8] = static_cast<std::uint8_t>(other.bytes[bit / 8] ^ (1U << (bit % 8)));
        EXPECT_FALSE(filter.seen(other)) << bit;
    }
}

TEST(DuplicateFilter, memory_stays_the_same_and_the_newest_stay_known_in_a_flood)
{
    std::mt19937_64 random(3);
    DuplicateFilter filter({.entries_max = 4096});
    const std::size_t before = filter.memory_bytes();
    EXPECT_EQ(before, 4096U * 8);
    for (int i = 0; i < 100'000; ++i) {
        filter.fill(random_hash(random));
    }
    EXPECT_EQ(filter.memory_bytes(), before);
    std::vector<Hash> newest;
    newest.reserve(400);
    for (int i = 0; i < 400; ++i) {
        newest.push_back(random_hash(random));
        filter.fill(newest.back());
    }
    for (const Hash& hash : newest) {
        EXPECT_TRUE(filter.seen(hash));
    }
}

TEST(DuplicateFilter, a_repeat_gets_through_after_its_generations)
{
    std::mt19937_64 random(4);
    DuplicateFilter filter({.entries_max = 1024, .generations_kept = 3});
    const Hash hash = random_hash(random);
    const Hash refreshed = random_hash(random);
    filter.fill(hash);
    filter.fill(refreshed);
    for (int age = 1; age < 3; ++age) {
        filter.next_generation();
        EXPECT_TRUE(filter.seen(hash));
        filter.fill(refreshed);
    }
    filter.next_generation();
    EXPECT_FALSE(filter.seen(hash));
    EXPECT_TRUE(filter.seen(refreshed));
    filter.fill(hash);
    EXPECT_TRUE(filter.seen(hash));
}

TEST(DuplicateFilter, generations_wrap_without_a_step)
{
    std::mt19937_64 random(5);
    DuplicateFilter filter({.entries_max = 1024, .generations_kept = 2});
    for (int i = 0; i < 70'000; ++i) {
        const Hash hash = random_hash(random);
        filter.fill(hash);
        filter.next_generation();
        ASSERT_TRUE(filter.seen(hash)) << i;
        filter.next_generation();
        ASSERT_FALSE(filter.seen(hash)) << i;
    }
}

TEST(DuplicateFilter, whatever_the_seed_finds_the_same_but_not_at_the_same_place)
{
    std::mt19937_64 random(6);
    // With one line of eight the ninth fill must push out the first, whatever the seed.
    for (std::uint64_t seed = 1; seed < 100; ++seed) {
        DuplicateFilter filter({.entries_max = 8, .seed = {seed, seed * 77}});
        const Hash first = random_hash(random);
        filter.fill(first);
        for (int i = 0; i < 7; ++i) {
            filter.fill(random_hash(random));
            EXPECT_TRUE(filter.seen(first));
        }
        filter.fill(random_hash(random));
        EXPECT_FALSE(filter.seen(first));
    }
}

} // namespace
} // namespace belfry::dataplane
