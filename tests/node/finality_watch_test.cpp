// SPDX-License-Identifier: Apache-2.0
#include "node/demo/finality_watch.hpp"

#include <gtest/gtest.h>

namespace belfry::node {
namespace {

FinalityWatch::Clock::time_point at(std::uint64_t ms)
{
    return FinalityWatch::Clock::time_point{} + std::chrono::milliseconds(ms);
}

TEST(FinalityWatch, each_slot_waits_from_when_it_was_processed)
{
    FinalityWatch watch;
    EXPECT_EQ(watch.finalized_ms().slots, 0U);
    watch.note({.processed = Slot{10}, .finalized = Slot{0}, .super_root = Slot{0}}, at(1000));
    watch.note({.processed = Slot{10}, .finalized = Slot{0}, .super_root = Slot{0}}, at(1100));
    watch.note({.processed = Slot{11}, .finalized = Slot{9}, .super_root = Slot{0}}, at(1600));
    EXPECT_EQ(watch.finalized_ms().slots, 0U) << "9 was never seen processed";
    watch.note({.processed = Slot{12}, .finalized = Slot{11}, .super_root = Slot{10}}, at(2000));
    const FinalityWatch::Quantiles finalized = watch.finalized_ms();
    EXPECT_EQ(finalized.slots, 2U);
    EXPECT_EQ(finalized.p50, 1000U);
    EXPECT_EQ(finalized.max, 1000U);
    EXPECT_EQ(watch.super_rooted_ms().slots, 1U) << "11 is final but not yet rooted by all";
    EXPECT_EQ(watch.super_rooted_ms().max, 1000U);
    watch.note({.processed = Slot{12}, .finalized = Slot{12}, .super_root = Slot{12}}, at(2300));
    EXPECT_EQ(watch.finalized_ms().slots, 3U);
    EXPECT_EQ(watch.super_rooted_ms().p50, 700U);
}

TEST(FinalityWatch, quantiles_are_of_the_sorted_times)
{
    FinalityWatch watch;
    for (std::uint64_t slot = 1; slot <= 100; ++slot) { // the later the faster: 100 ms down to 1
        watch.note({.processed = Slot{slot}, .finalized = Slot{slot - 1}, .super_root = {}},
                   at(slot * 1000));
        watch.note({.processed = Slot{slot}, .finalized = Slot{slot}, .super_root = {}},
                   at(slot * 1000 + 101 - slot));
    }
    const FinalityWatch::Quantiles seen = watch.finalized_ms();
    EXPECT_EQ(seen.slots, 100U);
    EXPECT_EQ(seen.p50, 51U);
    EXPECT_EQ(seen.p90, 91U);
    EXPECT_EQ(seen.p99, 100U);
    EXPECT_EQ(seen.max, 100U);
}

TEST(FinalityWatch, no_more_wait_than_the_bound)
{
    FinalityWatch watch;
    const std::uint64_t more = FinalityWatch::slots_max + 10;
    for (std::uint64_t slot = 1; slot <= more; ++slot) {
        watch.note({.processed = Slot{slot}, .finalized = {}, .super_root = {}}, at(slot));
    }
    watch.note({.processed = Slot{more}, .finalized = Slot{more}, .super_root = {}}, at(more));
    EXPECT_EQ(watch.finalized_ms().slots, FinalityWatch::slots_max);
}

} // namespace
} // namespace belfry::node
