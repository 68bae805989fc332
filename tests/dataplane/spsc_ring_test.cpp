// SPDX-License-Identifier: Apache-2.0
#include "dataplane/link/spsc_ring.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace belfry::dataplane {
namespace {

using namespace std::chrono_literals;

TEST(SpscRing, refuses_when_full_and_leaves_the_value_untouched)
{
    SpscRing<std::unique_ptr<int>> ring(4);
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(ring.push(std::make_unique<int>(i)));
    }
    auto fifth = std::make_unique<int>(4);
    EXPECT_FALSE(ring.push(std::move(fifth)));
    ASSERT_NE(fifth, nullptr); // NOLINT(bugprone-use-after-move): that is the contract
    std::unique_ptr<int> first;
    ASSERT_TRUE(ring.pop(first));
    EXPECT_EQ(*first, 0);
    EXPECT_TRUE(ring.push(std::move(fifth)));
}

TEST(SpscRing, shows_staged_items_only_after_publish)
{
    SpscRing<int> ring(8);
    EXPECT_TRUE(ring.stage(1));
    *ring.claim() = 2;
    ring.commit();
    EXPECT_EQ(ring.front(), nullptr);
    EXPECT_TRUE(ring.empty());
    ring.publish();
    ASSERT_NE(ring.front(), nullptr);
    EXPECT_EQ(*ring.front(), 1);
    int out = 0;
    EXPECT_TRUE(ring.pop(out));
    EXPECT_TRUE(ring.pop(out));
    EXPECT_EQ(out, 2);
    EXPECT_FALSE(ring.pop(out));
}

TEST(SpscRing, gives_slots_back_only_with_release)
{
    SpscRing<int> ring(2);
    EXPECT_TRUE(ring.push(1));
    EXPECT_TRUE(ring.push(2));
    EXPECT_EQ(*ring.front(), 1);
    ring.advance();
    EXPECT_EQ(ring.claim(), nullptr);
    ring.release();
    EXPECT_EQ(ring.free_count(), 1U);
    EXPECT_NE(ring.claim(), nullptr);
}

TEST(SpscRing, behaves_as_a_bounded_queue_under_random_steps)
{
    std::mt19937_64 random(3);
    for (std::size_t capacity = 1; capacity <= 64; capacity *= 2) {
        SpscRing<std::uint64_t> ring(capacity);
        std::deque<std::uint64_t> model;
        for (std::uint64_t step = 0; step < 20'000; ++step) {
            if (random() % 2 == 0) {
                const bool pushed = ring.push(step);
                ASSERT_EQ(pushed, model.size() < capacity);
                if (pushed) {
                    model.push_back(step);
                }
            } else {
                std::uint64_t out = 0;
                ASSERT_EQ(ring.pop(out), !model.empty());
                if (!model.empty()) {
                    ASSERT_EQ(out, model.front());
                    model.pop_front();
                }
            }
        }
    }
}

TEST(SpscRing, two_threads_pass_a_sequence_whole_and_in_order)
{
    struct Big {
        std::array<std::uint64_t, 20> words{};
    };
    constexpr std::uint64_t total = 300'000;
    SpscRing<Big> ring(64);
    std::thread producer([&] {
        std::mt19937_64 random(1);
        std::uint64_t next = 0;
        while (next < total) {
            const std::uint64_t batch = 1 + (random() % 40);
            for (std::uint64_t i = 0; i < batch && next < total; ++i) {
                Big* const slot = ring.claim();
                if (slot == nullptr) {
                    std::this_thread::yield();
                    break;
                }
                slot->words.fill(next++);
                ring.commit();
            }
            ring.publish();
        }
    });
    std::uint64_t expected = 0;
    std::uint64_t wrong_count = 0;
    while (expected < total) {
        const std::size_t count = ring.drain(32, [&](const Big& big) {
            for (const std::uint64_t word : big.words) {
                wrong_count += word == expected ? 0U : 1U;
            }
            ++expected;
        });
        if (count == 0) {
            std::this_thread::yield();
        }
    }
    producer.join();
    EXPECT_EQ(wrong_count, 0U);
    EXPECT_EQ(ring.front(), nullptr);
}

TEST(Doorbell, a_sleep_without_a_ring_ends_with_its_time)
{
    Doorbell bell;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(bell.sleep(20ms, [] { return false; }));
    EXPECT_GE(std::chrono::steady_clock::now() - start, 19ms);
    EXPECT_TRUE(bell.sleep(10s, [] { return true; }));
}

TEST(Doorbell, a_ring_before_the_sleep_ends_it_at_once)
{
    Doorbell bell;
    bell.ring();
    EXPECT_TRUE(bell.sleep(10s, [] { return false; }));
    EXPECT_FALSE(bell.sleep(1ms, [] { return false; }));
}

TEST(Doorbell, only_a_consumer_that_announced_its_sleep_is_rung)
{
    Doorbell bell;
    bell.ring_if_asleep();
    EXPECT_FALSE(bell.sleep(1ms, [] { return false; }));
    bell.announce_sleep();
    bell.ring_if_asleep();
    EXPECT_TRUE(bell.sleep(10s, [] { return false; }));
}

TEST(Doorbell, an_item_that_comes_just_after_the_last_look_at_the_ring_ends_the_sleep)
{
    Doorbell bell;
    SpscRing<int> ring(4, &bell);
    const bool rung = bell.sleep(2s, [&] {
        const bool seen = !ring.empty();
        EXPECT_TRUE(ring.push(1)); // the producer's, between the look and the sleep
        return seen;
    });
    EXPECT_TRUE(rung);
}

/// Every item is answered before the next is sent, so that one lost wake-up stops the exchange: a
/// sleep that runs into its long time-out fails.
TEST(Doorbell, loses_no_wake_up_between_two_tiles_that_sleep_at_every_item)
{
    constexpr std::uint64_t total = 20'000;
    Doorbell ping_bell;
    Doorbell pong_bell;
    SpscRing<std::uint64_t> ping(4, &ping_bell);
    SpscRing<std::uint64_t> pong(4, &pong_bell);
    const auto sleep_for = [](Doorbell& bell, const SpscRing<std::uint64_t>& ring) {
        return bell.sleep(5s, [&] { return !ring.empty(); });
    };
    std::uint64_t lost_count = 0;
    std::thread answerer([&] {
        std::uint64_t item = 0;
        for (std::uint64_t i = 0; i < total;) {
            if (ping.pop(item)) {
                ++i;
                (void)pong.push(item + 1);
            } else if (!sleep_for(ping_bell, ping)) {
                ++lost_count;
            }
        }
    });
    std::uint64_t lost_here_count = 0;
    for (std::uint64_t i = 0; i < total; ++i) {
        ASSERT_TRUE(ping.push(i));
        std::uint64_t answer = 0;
        while (!pong.pop(answer)) {
            lost_here_count += sleep_for(pong_bell, pong) ? 0U : 1U;
        }
        ASSERT_EQ(answer, i + 1);
    }
    answerer.join();
    EXPECT_EQ(lost_count, 0U);
    EXPECT_EQ(lost_here_count, 0U);
}

/// Several producers share the bell of one consumer: who takes the announcement must ring for all.
TEST(Doorbell, loses_no_wake_up_with_two_producers_and_one_sleeper)
{
    constexpr std::uint64_t each_total = 30'000;
    Doorbell bell;
    SpscRing<std::uint64_t> left(8, &bell);
    SpscRing<std::uint64_t> right(8, &bell);
    const auto produce = [](SpscRing<std::uint64_t>& ring) {
        for (std::uint64_t i = 0; i < each_total;) {
            if (ring.push(i)) {
                ++i;
            } else {
                std::this_thread::yield();
            }
        }
    };
    std::thread left_producer([&] { produce(left); });
    std::thread right_producer([&] { produce(right); });
    std::uint64_t count = 0;
    std::uint64_t lost_count = 0;
    while (count < 2 * each_total) {
        const auto ignore = [](std::uint64_t) {
        };
        const std::size_t taken = left.drain(4, ignore) + right.drain(4, ignore);
        count += taken;
        if (taken == 0 && !bell.sleep(5s, [&] { return !left.empty() || !right.empty(); })) {
            ++lost_count;
        }
    }
    left_producer.join();
    right_producer.join();
    EXPECT_EQ(lost_count, 0U);
}

} // namespace
} // namespace belfry::dataplane
