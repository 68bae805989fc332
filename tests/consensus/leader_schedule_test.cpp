// SPDX-License-Identifier: Apache-2.0
#include "consensus/leader_schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace belfry::consensus {
namespace {

Hash counting_hash()
{
    Hash hash;
    std::ranges::generate(hash.bytes, [byte = std::uint8_t{0}]() mutable { return byte++; });
    return hash;
}

StakeTable table(const std::vector<std::uint64_t>& amounts)
{
    std::vector<Stake> stakes;
    for (const std::uint64_t amount : amounts) {
        stakes.push_back(Stake{amount});
    }
    const auto made = StakeTable::make(stakes);
    EXPECT_TRUE(made.has_value());
    return *made;
}

std::vector<unsigned> schedule(std::uint64_t epoch, const StakeTable& stakes,
                               std::uint64_t slots_per_epoch)
{
    std::vector<unsigned> leaders;
    for (const ValidatorIndex leader : make_schedule(
             {.genesis_hash = counting_hash(), .epoch = Epoch{epoch}}, stakes, slots_per_epoch)) {
        leaders.push_back(leader.value);
    }
    return leaders;
}

// Made by a separate program with its own ChaCha20 (key 00..1f, 64-bit nonce and counter), shuffle
// and round robin.
TEST(LeaderSchedule, equals_the_schedules_of_another_implementation)
{
    using Leaders = std::vector<unsigned>;
    EXPECT_EQ(schedule(0, table({1, 1, 1, 1, 1, 1, 1}), 64),
              (Leaders{0, 5, 4, 6, 3, 1, 2, 0, 5, 4, 6, 3, 1, 2, 0, 5}));
    EXPECT_EQ(schedule(1, table({1, 1, 1, 1, 1, 1, 1}), 64),
              (Leaders{6, 1, 5, 0, 4, 2, 3, 6, 1, 5, 0, 4, 2, 3, 6, 1}));
    EXPECT_EQ(schedule(5, table({3, 1, 1, 2}), 64),
              (Leaders{0, 3, 2, 0, 1, 3, 0, 3, 0, 2, 0, 1, 3, 0, 3, 0}));
    EXPECT_EQ(schedule(300, table(std::vector<std::uint64_t>(20, 1)), 84),
              (Leaders{10, 9, 11, 12, 1, 19, 7, 6, 2, 3, 8, 18, 15, 16, 4, 14, 17, 5, 0, 13, 10}));
}

TEST(LeaderSchedule, equal_stakes_rotate_so_that_n_windows_in_a_row_have_n_leaders)
{
    for (const std::size_t count : {1U, 2U, 4U, 7U, 100U}) {
        const std::vector<unsigned> leaders =
            schedule(9, table(std::vector<std::uint64_t>(count, 5'000)), 10'000);
        ASSERT_EQ(leaders.size(), 2'500U);
        for (std::size_t first = 0; first + count <= leaders.size(); ++first) {
            const auto from = leaders.begin() + static_cast<std::ptrdiff_t>(first);
            const std::set<unsigned> distinct(from, from + static_cast<std::ptrdiff_t>(count));
            ASSERT_EQ(distinct.size(), count) << "windows from " << first;
        }
    }
}

TEST(LeaderSchedule, shares_are_exact_and_nobody_with_half_or_less_leads_twice_in_a_row)
{
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        std::vector<std::uint64_t> amounts(1 + random() % 12);
        for (std::uint64_t& amount : amounts) {
            amount = random() % 10;
        }
        amounts.back() += 1; // somebody has stake
        const std::uint64_t total = std::accumulate(amounts.begin(), amounts.end(), 0ULL);
        const std::uint64_t unit =
            std::accumulate(amounts.begin(), amounts.end(), std::uint64_t{0},
                            [](std::uint64_t a, std::uint64_t b) { return std::gcd(a, b); });
        const std::uint64_t round = total / unit;
        const std::vector<unsigned> leaders = schedule(seed, table(amounts), 3 * round * 4);
        for (std::uint64_t start = 0; start < leaders.size(); start += round) {
            const std::span<const unsigned> windows{leaders.data() + start, round};
            for (std::size_t who = 0; who < amounts.size(); ++who) {
                ASSERT_EQ(static_cast<std::uint64_t>(std::ranges::count(windows, who)) * unit,
                          amounts[who]);
            }
        }
        for (std::size_t i = 1; i < leaders.size(); ++i) {
            ASSERT_TRUE(leaders[i] != leaders[i - 1] || 2 * amounts[leaders[i]] > total) << i;
        }
    }
}

TEST(LeaderSchedule, the_largest_stakes_do_not_overflow)
{
    const std::vector<unsigned> leaders =
        schedule(1, table({UINT64_MAX / 2, UINT64_MAX / 4, UINT64_MAX / 4}), 400);
    EXPECT_EQ(std::ranges::count(leaders, 0U), 50);
}

TEST(LeaderSchedule, a_slot_belongs_to_the_window_of_its_epoch)
{
    const StakeTable stakes = table({1, 2, 3, 4});
    LeaderSchedule cached(counting_hash(), stakes, 66); // the last window has two slots
    for (const std::uint64_t slot : {0U, 3U, 4U, 65U, 66U, 69U, 70U, 1000U, 65U, 0U}) {
        const std::uint64_t epoch = slot / 66;
        EXPECT_EQ(cached.leader_at(Slot{slot}).value, schedule(epoch, stakes, 66)[(slot % 66) / 4]);
        EXPECT_EQ(cached.epoch_at(Slot{slot}), Epoch{epoch});
    }
    EXPECT_EQ(cached.window_start(Slot{66 + 5}), Slot{66 + 4});
    EXPECT_EQ(cached.first_slot(Epoch{2}), Slot{132});
}

TEST(LeaderSchedule, epochs_and_clusters_differ)
{
    const StakeTable stakes = table(std::vector<std::uint64_t>(50, 1));
    EXPECT_NE(schedule(0, stakes, 200), schedule(1, stakes, 200));
    const auto other = make_schedule({.genesis_hash = Hash{}, .epoch = Epoch{0}}, stakes, 200);
    const auto ours =
        make_schedule({.genesis_hash = counting_hash(), .epoch = Epoch{0}}, stakes, 200);
    EXPECT_NE(other, ours);
}

} // namespace
} // namespace belfry::consensus
