// SPDX-License-Identifier: Apache-2.0
#include "node/slot_clock.hpp"

#include <gtest/gtest.h>

namespace belfry::node {
namespace {

constexpr std::uint64_t slot_ns = 600;

TEST(SlotClock, counts_on_from_the_slot_that_ended_at_start)
{
    const SlotClock clock(slot_ns, Slot{9}, 1'000'000);
    EXPECT_EQ(clock.slot_at(1'000'000), Slot{10});
    EXPECT_EQ(clock.slot_at(1'000'599), Slot{10});
    EXPECT_EQ(clock.slot_at(1'000'600), Slot{11});
    EXPECT_EQ(clock.start_of(Slot{12}), 1'001'200u);
    EXPECT_EQ(clock.end_of(Slot{12}), 1'001'800u);
}

TEST(SlotClock, silent_slots_go_on_counting)
{
    const SlotClock clock(slot_ns, Slot{0}, 0);
    EXPECT_EQ(clock.slot_at(slot_ns * 1000), Slot{1001});
}

TEST(SlotClock, moves_earlier_when_a_slot_ended_sooner_than_it_thought)
{
    SlotClock clock(slot_ns, Slot{0}, 10'000);
    EXPECT_TRUE(clock.slot_ended(Slot{5}, 10'100));
    EXPECT_EQ(clock.slot_at(10'100), Slot{6});
    EXPECT_EQ(clock.start_of(Slot{7}), 10'700u);
}

TEST(SlotClock, never_moves_later_by_a_late_block)
{
    SlotClock clock(slot_ns, Slot{0}, 10'000);
    EXPECT_FALSE(clock.slot_ended(Slot{1}, 10'000 + slot_ns * 3));
    EXPECT_EQ(clock.start_of(Slot{1}), 10'000u);
}

TEST(SlotClock, a_slot_that_is_kept_begins_again_and_others_may_still_be_ahead)
{
    SlotClock clock(slot_ns, Slot{0}, 0);
    clock.hold(Slot{7}, 10'000);
    EXPECT_EQ(clock.slot_at(10'000), Slot{7});
    EXPECT_EQ(clock.slot_at(10'000 + slot_ns - 1), Slot{7});
    EXPECT_EQ(clock.slot_at(10'000 + slot_ns), Slot{8});
    EXPECT_TRUE(clock.slot_ended(Slot{8}, 10'100));
    EXPECT_EQ(clock.slot_at(10'100), Slot{9});
}

TEST(SlotClock, a_node_that_starts_at_a_high_slot_has_an_origin_before_zero)
{
    const SlotClock clock(slot_ns, Slot{1'000'000}, 5);
    EXPECT_EQ(clock.start_of(Slot{3}), 0u);
    EXPECT_EQ(clock.slot_at(5), Slot{1'000'001});
}

} // namespace
} // namespace belfry::node
