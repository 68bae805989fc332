// SPDX-License-Identifier: Apache-2.0
// The engine against the slow and obvious one of tower_model.hpp over random forks and votes.
#include "tests/consensus/tower_model.hpp"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace belfry::consensus {
namespace {

TEST(TowerModel, stands_and_votes_as_the_book_says_over_random_forks_and_votes)
{
    std::uint64_t switches = 0;
    std::uint64_t votes = 0;
    std::uint64_t purges = 0;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        TowerPair pair{Choices(seed)};
        for (int i = 0; i < 70; ++i) {
            pair.change();
            pair.compare();
            if (::testing::Test::HasFailure()) {
                return;
            }
        }
        switches += pair.switches();
        votes += pair.votes();
        purges += pair.purges();
    }
    EXPECT_GT(switches, 20U);
    EXPECT_GT(votes, 1000U);
    EXPECT_GT(purges, 100U);
}

/// Seeds until the engine with this defect differs from the book; seed_count + 1 when none does.
std::uint64_t seeds_to_differ(const TowerDefects& defects, std::uint64_t seed_count)
{
    for (std::uint64_t seed = 1; seed <= seed_count; ++seed) {
        ::testing::TestPartResultArray differences;
        const ::testing::ScopedFakeTestPartResultReporter quiet(
            ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD,
            &differences);
        TowerPair pair(Choices(seed), defects);
        for (int i = 0; i < 70; ++i) {
            pair.change();
            pair.compare();
            if (differences.size() > 0) {
                return seed;
            }
        }
    }
    return seed_count + 1;
}

TEST(PlantedDefect, engines_that_differ_from_the_book_are_seen)
{
    EXPECT_LE(seeds_to_differ({.threshold_unchecked = true}, 200), 200U);
    EXPECT_LE(seeds_to_differ({.no_switch_proof = true}, 200), 200U);
    EXPECT_LE(seeds_to_differ({.old_votes_switch = true}, 200), 200U);
    EXPECT_LE(seeds_to_differ({.own_side_switches = true}, 200), 200U);
    EXPECT_LE(seeds_to_differ({.voter_counted_twice = true}, 200), 200U);
    EXPECT_LE(seeds_to_differ({.duplicate_ignored = true}, 200), 200U);
    EXPECT_LE(seeds_to_differ({.duplicate_stays_invalid = true}, 200), 200U);
    EXPECT_LE(seeds_to_differ({.ancestors_not_marked = true}, 200), 200U);
    EXPECT_LE(seeds_to_differ({.lockout_unchecked = true}, 200), 200U);
    EXPECT_LE(seeds_to_differ({.resets_to_heaviest = true}, 200), 200U);
    EXPECT_LE(seeds_to_differ({.no_expiry = true}, 200), 200U);
}

} // namespace
} // namespace belfry::consensus
