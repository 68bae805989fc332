// SPDX-License-Identifier: Apache-2.0
#include "node/retention.hpp"

#include <gtest/gtest.h>

namespace belfry::node {
namespace {

constexpr RetentionLimits limits{.keep_slots = 10'000, .map_bytes = 1'000'000};

std::optional<Slot> below_of(std::uint64_t lowest, std::uint64_t newest, std::uint64_t held_bytes)
{
    return prune_below(
        limits, {.lowest = Slot{lowest}, .newest_final = Slot{newest}, .held_bytes = held_bytes});
}

TEST(Retention, keeps_the_slots_that_were_asked_for_while_there_is_space)
{
    EXPECT_EQ(below_of(1, 9'999, 0), std::nullopt);
    EXPECT_EQ(below_of(1, 10'000, 0), std::nullopt);
    EXPECT_EQ(below_of(1, 10'001, 750'000), Slot{1});
    EXPECT_EQ(below_of(900, 12'000, 750'000), Slot{2'000});
}

TEST(Retention, gives_up_the_oldest_step_by_step_while_short_of_space)
{
    EXPECT_EQ(below_of(1, 9'000, 750'001), Slot{1 + space_step_slots});
    EXPECT_EQ(below_of(5'000, 9'000, 990'000), Slot{5'000 + space_step_slots});
    // What is too old goes first, at once.
    EXPECT_EQ(below_of(500, 12'000, 990'000), Slot{2'000});
}

TEST(Retention, never_goes_below_what_a_restart_and_peers_need)
{
    EXPECT_EQ(below_of(1, kept_slots_min, 990'000), std::nullopt);
    EXPECT_EQ(below_of(8'970, 10'000, 990'000), Slot{10'000 - kept_slots_min});
    EXPECT_EQ(below_of(9'500, 10'000, 990'000), Slot{10'000 - kept_slots_min});
}

} // namespace
} // namespace belfry::node
