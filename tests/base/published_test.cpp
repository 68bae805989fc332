// SPDX-License-Identifier: Apache-2.0
#include "base/published.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <thread>
#include <vector>

namespace belfry {
namespace {

/// 37 words that all follow from the first: a mix of two publications cannot pass.
struct Snapshot {
    std::uint64_t number = 0;
    std::array<std::uint64_t, 36> followers{};
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

TEST(Published, never_gives_a_torn_or_an_older_value_while_one_thread_writes)
{
    constexpr std::uint64_t publication_count = 100'000;
    Published<Snapshot> published(Snapshot::of(0));
    Latch done;
    std::array<std::uint64_t, 2> torn_count{};
    std::array<std::uint64_t, 2> backward_count{};
    std::array<std::uint64_t, 2> last{};
    std::vector<std::thread> readers;
    for (std::size_t i = 0; i < torn_count.size(); ++i) {
        readers.emplace_back([&, i] {
            bool last_round = false;
            while (!last_round) {
                last_round = done.is_set();
                const Snapshot snapshot = published.read();
                torn_count[i] += snapshot.whole() ? 0U : 1U;
                backward_count[i] += snapshot.number < last[i] ? 1U : 0U;
                last[i] = snapshot.number;
            }
        });
    }
    for (std::uint64_t number = 1; number <= publication_count; ++number) {
        published.publish(Snapshot::of(number));
    }
    done.set();
    for (std::thread& reader : readers) {
        reader.join();
    }
    for (std::size_t i = 0; i < torn_count.size(); ++i) {
        EXPECT_EQ(torn_count[i], 0U);
        EXPECT_EQ(backward_count[i], 0U);
        EXPECT_EQ(last[i], publication_count);
    }
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
