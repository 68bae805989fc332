// SPDX-License-Identifier: Apache-2.0
#include "base/published.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <thread>
#include <vector>

namespace belfry {
namespace {

/// Words that all follow from the first: a mix of two publications cannot pass. So many that the
/// writer often laps a reader.
struct Snapshot {
    std::uint64_t number = 0;
    std::array<std::uint64_t, 1000> followers{};
    std::uint8_t tail = 0;

    static Snapshot of(std::uint64_t number)
    {
        Snapshot out;
        out.number = number;
        for (std::size_t i = 0; i < out.followers.size(); ++i) {
            out.followers[i] = (number * 31) + i;
        }
        out.tail = static_cast<std::uint8_t>(number);
        return out;
    }
    [[nodiscard]] bool whole() const
    {
        const Snapshot expected = of(number);
        return followers == expected.followers && tail == expected.tail;
    }
};

TEST(Published, gives_the_initial_value_before_the_first_publication)
{
    const Published<Snapshot> published(Snapshot::of(7));
    EXPECT_EQ(published.read().number, 7U);
    EXPECT_EQ(published.version(), 0U);
}

TEST(Published, gives_the_newest_value)
{
    Published<Snapshot> published;
    for (std::uint64_t number = 1; number < 10; ++number) {
        published.publish(Snapshot::of(number));
        EXPECT_EQ(published.read().number, number);
        EXPECT_EQ(published.version(), number);
    }
}

TEST(Published, never_gives_a_torn_value_while_one_thread_writes)
{
    constexpr std::uint64_t publication_count = 20'000;
    std::vector<Snapshot> prepared; // so that the writer is fast enough to lap a reader
    prepared.reserve(64);
    for (std::uint64_t number = 0; number < 64; ++number) {
        prepared.push_back(Snapshot::of(number));
    }
    Published<Snapshot> published(prepared[0]);
    Latch done;
    std::array<std::uint64_t, 2> torn_count{};
    std::vector<std::thread> readers;
    readers.reserve(torn_count.size());
    for (std::uint64_t& torn : torn_count) {
        readers.emplace_back([&] {
            while (!done.is_set()) {
                torn += published.read().whole() ? 0U : 1U;
            }
        });
    }
    for (std::uint64_t i = 1; i <= publication_count; ++i) {
        published.publish(prepared[i % prepared.size()]);
    }
    done.set();
    for (std::thread& reader : readers) {
        reader.join();
    }
    EXPECT_EQ(torn_count, (std::array<std::uint64_t, 2>{}));
    EXPECT_EQ(published.read().number, publication_count % prepared.size());
    EXPECT_EQ(published.version(), publication_count);
}

TEST(Published, never_goes_back_for_a_reader)
{
    constexpr std::uint64_t publication_count = 200'000;
    Published<std::uint64_t> published(0);
    std::thread writer([&] {
        for (std::uint64_t number = 1; number <= publication_count; ++number) {
            published.publish(number);
        }
    });
    std::uint64_t last = 0;
    while (last < publication_count) {
        const std::uint64_t now = published.read();
        ASSERT_GE(now, last);
        last = now;
    }
    writer.join();
}

TEST(Counter, is_read_by_others_while_one_thread_adds)
{
    constexpr std::uint64_t total = 200'000;
    Counter counter;
    std::thread writer([&] {
        for (std::uint64_t i = 0; i < total; ++i) {
            counter.add();
        }
    });
    std::uint64_t last = 0;
    while (last < total) {
        const std::uint64_t now = counter.read();
        ASSERT_GE(now, last);
        last = now;
    }
    writer.join();
    EXPECT_EQ(counter.read(), total);
}

} // namespace
} // namespace belfry
