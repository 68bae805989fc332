// SPDX-License-Identifier: Apache-2.0
#include "base/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace belfry {
namespace {

/// The slow model: all values, sorted.
std::uint64_t exact_percentile(std::vector<std::uint64_t> values, double percent)
{
    std::ranges::sort(values);
    const double rank = std::ceil(percent * static_cast<double>(values.size()) / 100.0);
    return values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

TEST(Histogram, says_nothing_of_nothing)
{
    const Histogram histogram;
    EXPECT_EQ(histogram.count(), 0U);
    EXPECT_EQ(histogram.min(), 0U);
    EXPECT_EQ(histogram.max(), 0U);
    EXPECT_EQ(histogram.percentile(99), 0U);
}

TEST(Histogram, percentiles_are_at_most_one_32nd_above_the_sorted_values)
{
    std::mt19937_64 random(7);
    for (int round = 0; round < 50; ++round) {
        Histogram histogram;
        std::vector<std::uint64_t> values;
        values.reserve(500);
        for (int i = 0; i < 500; ++i) {
            values.push_back(random() >> (random() % 64));
            histogram.record(values.back());
        }
        for (const double percent : {0.0, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
            const std::uint64_t exact = exact_percentile(values, percent);
            const std::uint64_t told = histogram.percentile(percent);
            ASSERT_GE(told, exact);
            ASSERT_LE(told - exact, exact / 32) << "round " << round << " p" << percent;
        }
        EXPECT_EQ(histogram.min(), std::ranges::min(values));
        EXPECT_EQ(histogram.max(), std::ranges::max(values));
    }
}

TEST(Histogram, small_values_are_exact)
{
    for (std::uint64_t value = 0; value < 64; ++value) {
        Histogram histogram;
        histogram.record(value);
        histogram.record(1'000'000);
        EXPECT_EQ(histogram.percentile(50), value);
    }
}

TEST(Histogram, a_merge_equals_recording_everything_in_one)
{
    std::mt19937_64 random(8);
    Histogram one;
    Histogram two;
    Histogram all;
    for (int i = 0; i < 2000; ++i) {
        const std::uint64_t value = random() >> (random() % 64);
        (i % 3 == 0 ? one : two).record(value);
        all.record(value);
    }
    one.merge(two);
    EXPECT_EQ(one.count(), all.count());
    EXPECT_EQ(one.min(), all.min());
    EXPECT_EQ(one.max(), all.max());
    for (int half_percent = 0; half_percent <= 200; ++half_percent) {
        EXPECT_EQ(one.percentile(half_percent / 2.0), all.percentile(half_percent / 2.0));
    }
}

} // namespace
} // namespace belfry
