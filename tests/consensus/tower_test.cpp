// SPDX-License-Identifier: Apache-2.0
#include "consensus/tower/tower.hpp"
#include "tests/consensus/slow_tower.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace belfry::consensus {
namespace {

// The check vectors of the specification: tower {1:4, 2:3, 3:2, 4:1} and the votes that follow.
TEST(Tower, pushes_as_the_check_vectors_say)
{
    Tower tower;
    for (const std::uint64_t slot : {1U, 2U, 3U, 4U}) {
        (void)tower.push(Slot{slot});
    }
    ASSERT_EQ(shown(tower), (Pairs{{1, 4}, {2, 3}, {3, 2}, {4, 1}}));
    (void)tower.push(Slot{9});
    EXPECT_EQ(shown(tower), (Pairs{{1, 4}, {2, 3}, {9, 1}}));
    (void)tower.push(Slot{10});
    EXPECT_EQ(shown(tower), (Pairs{{1, 4}, {2, 3}, {9, 2}, {10, 1}}));
    (void)tower.push(Slot{11});
    EXPECT_EQ(shown(tower), (Pairs{{1, 5}, {2, 4}, {9, 3}, {10, 2}, {11, 1}}));
    (void)tower.push(Slot{18});
    EXPECT_EQ(shown(tower), (Pairs{{1, 5}, {2, 4}, {18, 1}}));
}

TEST(Tower, an_entry_still_binds_at_the_slot_of_its_expiry)
{
    Tower tower;
    (void)tower.push(Slot{5}); // expires at 7
    Tower at_expiry = tower;
    at_expiry.expire(Slot{7});
    EXPECT_EQ(at_expiry.depth(), 1U);
    tower.expire(Slot{8});
    EXPECT_TRUE(tower.empty());
}

TEST(Tower, the_thirty_second_vote_in_a_row_makes_the_first_the_root)
{
    Tower tower;
    for (std::uint64_t slot = 1; slot <= 31; ++slot) {
        EXPECT_EQ(tower.push(Slot{slot}), std::nullopt);
    }
    EXPECT_EQ(tower.root(), Slot{0});
    const std::optional<Lockout> rooted = tower.push(Slot{32});
    ASSERT_TRUE(rooted.has_value());
    EXPECT_EQ(rooted->slot, Slot{1});
    EXPECT_EQ(rooted->confirmations, 31);
    EXPECT_EQ(tower.root(), Slot{1});
    EXPECT_EQ(tower.depth(), 31U);
    EXPECT_EQ(tower.entries().front(), (Lockout{.slot = Slot{2}, .confirmations = 31}));
}

TEST(Tower, dropping_what_is_final_keeps_the_rest_as_it_was)
{
    Tower tower;
    for (const std::uint64_t slot : {1U, 2U, 3U, 4U}) {
        (void)tower.push(Slot{slot});
    }
    tower.drop_through(Slot{2});
    EXPECT_EQ(shown(tower), (Pairs{{3, 2}, {4, 1}}));
    EXPECT_EQ(tower.root(), Slot{2});
    EXPECT_TRUE(well_formed(tower.root(), tower.entries()));
}

TEST(Tower, a_malformed_one_is_recognised)
{
    const auto formed = [](std::uint64_t root, std::vector<Lockout> entries) {
        return well_formed(Slot{root}, entries);
    };
    EXPECT_TRUE(formed(0, {}));
    EXPECT_TRUE(formed(0, {{Slot{1}, 2}, {Slot{2}, 1}}));
    EXPECT_FALSE(formed(1, {{Slot{1}, 2}, {Slot{2}, 1}})) << "not above the root";
    EXPECT_FALSE(formed(0, {{Slot{2}, 2}, {Slot{2}, 1}})) << "slots do not rise";
    EXPECT_FALSE(formed(0, {{Slot{1}, 2}, {Slot{2}, 2}})) << "confirmations do not fall";
    EXPECT_FALSE(formed(0, {{Slot{1}, 1}, {Slot{2}, 1}, {Slot{3}, 1}})) << "too shallow";
}

TEST(Tower, agrees_with_a_slow_model_over_random_gaps)
{
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        Tower tower;
        SlowTower model;
        std::uint64_t slot = 0;
        for (int i = 0; i < 300; ++i) {
            // Mostly steps of one, so that towers grow deep; now and then a gap of any size.
            const std::uint64_t kind = random() % 100;
            slot += kind < 85 ? 1 : kind < 97 ? 1 + random() % 8 : 1 + random() % 3000;
            const std::optional<Lockout> rooted = tower.push(Slot{slot});
            const std::optional<std::uint64_t> expected = model.push(slot);
            ASSERT_EQ(rooted.has_value(), expected.has_value());
            ASSERT_TRUE(!rooted || rooted->slot.value == *expected);
            ASSERT_EQ(shown(tower), model.shown());
            ASSERT_TRUE(well_formed(tower.root(), tower.entries()));
        }
    }
}

} // namespace
} // namespace belfry::consensus
