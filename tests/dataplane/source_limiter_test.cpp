// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ingress/source_limiter.hpp"
#include "tests/dataplane/slow_limiter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace belfry::dataplane {
namespace {

using Verdict = SourceLimiter::Verdict;
using Random = std::mt19937_64;

constexpr std::uint64_t second_ns = 1'000'000'000;

Endpoint endpoint(std::string_view text)
{
    return *Endpoint::parse(text);
}

TEST(SourceLimiter, a_rested_source_may_send_its_burst_and_then_its_rate)
{
    SourceLimiter limiter({.packets_per_second = 1000, .burst_packets = 5});
    const Endpoint from = endpoint("10.0.0.1:5");
    std::uint64_t now = second_ns;
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(limiter.take(from, now), Verdict::pass);
    }
    EXPECT_EQ(limiter.take(from, now), Verdict::over_rate);
    EXPECT_EQ(limiter.take(from, now + 999'999), Verdict::over_rate);
    EXPECT_EQ(limiter.take(from, now + 1'000'000), Verdict::pass);
    EXPECT_EQ(limiter.take(from, now + 1'000'000), Verdict::over_rate);
    std::uint64_t passed_count = 0;
    for (std::uint64_t us = 0; us < 1'000'000; us += 10) { // 100,000 a second
        passed_count += limiter.take(from, now + 1'000'000 + us * 1000) == Verdict::pass ? 1U : 0U;
    }
    EXPECT_EQ(passed_count, 999U);
    now += 100 * second_ns;
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(limiter.take(from, now), Verdict::pass) << "no more than the burst is saved up";
    }
    EXPECT_EQ(limiter.take(from, now), Verdict::over_rate);
}

TEST(SourceLimiter, a_source_is_an_ipv4_address_or_an_ipv6_half)
{
    const auto same = [](std::string_view a, std::string_view b) {
        return SourceLimiter::source_of(endpoint(a)) == SourceLimiter::source_of(endpoint(b));
    };
    EXPECT_TRUE(same("10.0.0.1:5", "10.0.0.1:6")) << "ports are for the taking";
    EXPECT_FALSE(same("10.0.0.1:5", "10.0.0.2:5"));
    EXPECT_FALSE(same("10.0.0.1:5", "11.0.0.1:5"));
    EXPECT_TRUE(same("[2001:db8:1:2::1]:5", "[2001:db8:1:2:ffff:ffff:ffff:ffff]:5"));
    EXPECT_FALSE(same("[2001:db8:1:2::1]:5", "[2001:db8:1:3::1]:5"));
    EXPECT_FALSE(same("[fe80::1%2]:5", "[fe80::1%3]:5")) << "the link tells them apart";
    EXPECT_FALSE(same("0.0.0.1:5", "[::1]:5"));
    EXPECT_FALSE(same("10.0.0.1:5", "[::ffff:0a00:0001]:5"));
}

TEST(SourceLimiter, every_verdict_is_that_of_the_slow_model_of_one_set)
{
    std::array<std::uint64_t, 3> verdicts{};
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Random random(seed);
        const SourceLimiter::Options options{.packets_per_second = seed % 2 == 0 ? 1000U : 40U,
                                             .burst_packets = 1 + random() % 6,
                                             .sources_max = SourceLimiter::places_per_set,
                                             .secret = 0};
        SourceLimiter limiter(options);
        SlowLimiter model(options, SourceLimiter::places_per_set);
        // From fewer sources than places to three times as many.
        const std::uint64_t source_count = 2 + random() % 24;
        std::uint64_t now = second_ns;
        for (int step = 0; step < 4000; ++step) {
            if (random() % 3 == 0) {
                now += random() % (random() % 20 == 0 ? 400'000'000U : 3'000'000U);
            }
            const auto number = static_cast<std::uint32_t>(random() % source_count);
            Endpoint from = ipv4(0x0a000000U + number, static_cast<std::uint16_t>(random()));
            if (number % 3 == 0) {
                from.family = Endpoint::Family::ipv6;
                from.address[15] = static_cast<std::uint8_t>(random());
                from.scope = number % 2;
            }
            const Verdict expected = model.take(from, now);
            ++verdicts[static_cast<std::size_t>(expected)];
            ASSERT_EQ(limiter.take(from, now), expected) << "seed " << seed << " step " << step;
        }
    }
    for (const std::uint64_t count : verdicts) {
        EXPECT_GT(count, 5000U) << "each verdict was asked for";
    }
}

TEST(SourceLimiter, with_many_sets_the_verdicts_are_those_of_a_table_without_bound)
{
    // 2,000 sources on 8,192 places, as many as send at once here: no set has too many of them.
    Random random(7);
    const SourceLimiter::Options options{
        .packets_per_second = 100, .burst_packets = 3, .sources_max = 65'536, .secret = 11};
    SourceLimiter limiter(options);
    SlowLimiter model(options, SIZE_MAX);
    std::uint64_t now = second_ns;
    std::uint64_t refused_count = 0;
    for (int step = 0; step < 200'000; ++step) {
        now += random() % 10'000;
        const Endpoint from = ipv4(static_cast<std::uint32_t>(random() % 2000));
        const Verdict expected = model.take(from, now);
        refused_count += expected == Verdict::over_rate ? 1U : 0U;
        ASSERT_EQ(limiter.take(from, now), expected) << step;
    }
    EXPECT_GT(refused_count, 1000U);
}

TEST(SourceLimiter, a_million_forged_sources_neither_grow_it_nor_keep_a_quiet_one_out)
{
    SourceLimiter limiter({.packets_per_second = 1000, .burst_packets = 100});
    const std::size_t before_bytes = limiter.memory_bytes();
    EXPECT_LE(before_bytes, std::size_t{512} << 10);
    Random random(3);
    const Endpoint quiet = endpoint("192.0.2.7:1");
    std::uint64_t now = second_ns;
    for (int i = 0; i < 1'000'000; ++i) {
        now += 1000; // a million a second
        (void)limiter.take(ipv4(static_cast<std::uint32_t>(random())), now);
        if (i % 2000 == 0) {
            ASSERT_EQ(limiter.take(quiet, now), Verdict::pass) << i;
        }
    }
    EXPECT_EQ(limiter.memory_bytes(), before_bytes);
}

TEST(SourceLimiter, a_loud_source_takes_nothing_from_another)
{
    SourceLimiter limiter({.packets_per_second = 1000, .burst_packets = 100});
    std::uint64_t now = second_ns;
    std::uint64_t loud_count = 0;
    for (int i = 0; i < 1'000'000; ++i) {
        now += 2000;
        loud_count += limiter.take(endpoint("198.51.100.1:9"), now) == Verdict::pass ? 1U : 0U;
        if (i % 500 == 0) { // its full rate
            ASSERT_EQ(limiter.take(endpoint("198.51.100.2:9"), now), Verdict::pass);
        }
    }
    EXPECT_GE(loud_count, 2000U);
    EXPECT_LE(loud_count, 2101U);
}

} // namespace
} // namespace belfry::dataplane
