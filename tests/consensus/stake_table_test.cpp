// SPDX-License-Identifier: Apache-2.0
#include "consensus/stake_table.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace belfry::consensus {
namespace {

TEST(StakeTable, shares_are_strict_and_exact_for_every_part_of_a_hundred)
{
    for (std::uint64_t part = 0; part <= 100; ++part) {
        EXPECT_EQ(is_more_than(Stake{part}, Stake{100}, two_thirds), part >= 67) << part;
        EXPECT_EQ(is_more_than(Stake{part}, Stake{100}, switch_share), part >= 39) << part;
        EXPECT_EQ(is_more_than(Stake{part}, Stake{100}, one_third), part >= 34) << part;
        EXPECT_EQ(is_more_than(Stake{part}, Stake{99}, two_thirds), part >= 67) << part;
        EXPECT_EQ(is_more_than(Stake{part}, Stake{3}, two_thirds), part >= 3) << part;
    }
}

TEST(StakeTable, shares_are_exact_where_doubles_and_64_bits_are_not)
{
    const std::uint64_t third = UINT64_MAX / 3; // UINT64_MAX is divisible by three
    EXPECT_FALSE(is_more_than(Stake{2 * third}, Stake{UINT64_MAX}, two_thirds));
    EXPECT_TRUE(is_more_than(Stake{2 * third + 1}, Stake{UINT64_MAX}, two_thirds));
    EXPECT_FALSE(is_more_than(Stake{0}, Stake{0}, two_thirds));
}

TEST(StakeTable, refuses_what_is_no_roster)
{
    EXPECT_EQ(StakeTable::make({}).error(), StakeError::no_validator);
    const std::vector<Stake> nothing(3);
    EXPECT_EQ(StakeTable::make(nothing).error(), StakeError::no_stake);
    const std::vector<Stake> crowd(validator_count_max + 1, Stake{1});
    EXPECT_EQ(StakeTable::make(crowd).error(), StakeError::too_many_validators);
    const std::vector<Stake> rich{Stake{UINT64_MAX}, Stake{1}};
    EXPECT_EQ(StakeTable::make(rich).error(), StakeError::overflow);
}

TEST(StakeTable, adds_up_sets_and_gives_strangers_nothing)
{
    const std::vector<Stake> stakes{Stake{5}, Stake{7}, Stake{11}};
    const auto table = StakeTable::make(stakes);
    ASSERT_TRUE(table.has_value());
    ValidatorSet some;
    EXPECT_TRUE(some.insert(ValidatorIndex{0}));
    EXPECT_TRUE(some.insert(ValidatorIndex{2}));
    EXPECT_FALSE(some.insert(ValidatorIndex{2}));
    EXPECT_EQ(table->of(some), Stake{16});
    EXPECT_EQ(table->total(), Stake{23});
    EXPECT_EQ(table->stake(ValidatorIndex{3}), Stake{0});
    EXPECT_EQ(some.count(), 2U);
}

} // namespace
} // namespace belfry::consensus
