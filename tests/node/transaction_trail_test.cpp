// SPDX-License-Identifier: Apache-2.0
#include "node/transaction_trail.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <set>
#include <thread>

namespace belfry::node {
namespace {

Signature signature_of(std::uint64_t number)
{
    Signature out;
    for (std::size_t i = 0; i < 8; ++i) {
        out.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
        out.bytes[8 + i] = static_cast<std::uint8_t>((number * 7) >> (8 * i));
    }
    return out;
}

std::vector<TrailEvent> found_in(const TrailRing& ring, const Signature& signature)
{
    std::vector<TrailEvent> out;
    ring.find(signature, out);
    return out;
}

TEST(TransactionTrail, tells_what_was_noted_and_of_nobody_else)
{
    TrailRing ring(100);
    ring.note(signature_of(1), {.stage = TrailStage::pooled, .slot = Slot{5}, .time_ns = 10});
    ring.note(signature_of(2), {.stage = TrailStage::pool_full, .slot = Slot{6}, .time_ns = 11});
    ring.note(signature_of(1), {.stage = TrailStage::forwarded,
                                .slot = Slot{0xffffffff},
                                .detail = 0xffffff,
                                .time_ns = 12});
    const std::vector<TrailEvent> events = found_in(ring, signature_of(1));
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].stage, TrailStage::pooled);
    EXPECT_EQ(events[0].slot, Slot{5});
    EXPECT_EQ(events[1].stage, TrailStage::forwarded);
    EXPECT_EQ(events[1].slot, Slot{0xffffffff});
    EXPECT_EQ(events[1].detail, 0xffffffU);
    EXPECT_EQ(events[1].time_ns, 12U);
    EXPECT_TRUE(found_in(ring, signature_of(3)).empty());
}

TEST(TransactionTrail, a_signature_is_its_first_sixteen_bytes)
{
    TrailRing ring(8);
    Signature noted = signature_of(1);
    ring.note(noted, {.time_ns = 1});
    for (const std::size_t differs : {0U, 7U, 8U, 15U}) {
        Signature other = noted;
        other.bytes[differs] ^= 1;
        EXPECT_TRUE(found_in(ring, other).empty()) << differs;
    }
}

/// Nothing was ever noted of it: neither an entry that is still empty nor a signature of zeros may
/// say otherwise.
TEST(TransactionTrail, an_empty_entry_is_nobodys)
{
    const TrailRing ring(8);
    EXPECT_TRUE(found_in(ring, Signature{}).empty());
}

TEST(TransactionTrail, keeps_exactly_the_newest)
{
    constexpr std::uint64_t entries_max = 50;
    TrailRing ring(entries_max);
    for (std::uint64_t i = 1; i <= 3 * entries_max + 7; ++i) {
        ring.note(signature_of(i), {.time_ns = i});
        for (const std::uint64_t back : {std::uint64_t{0}, entries_max - 1, entries_max}) {
            if (i > back) {
                EXPECT_EQ(found_in(ring, signature_of(i - back)).size(),
                          back < entries_max ? 1U : 0U);
            }
        }
    }
}

TEST(TransactionTrail, of_one_that_comes_very_often_the_newest_are_told)
{
    TrailRing ring(1000);
    for (std::uint64_t i = 0; i < 500; ++i) {
        ring.note(signature_of(1), {.stage = TrailStage::duplicate_datagram, .time_ns = i});
    }
    const std::vector<TrailEvent> events = found_in(ring, signature_of(1));
    ASSERT_EQ(events.size(), TrailRing::found_max);
    EXPECT_EQ(events.back().time_ns, 499U);
    EXPECT_EQ(events.front().time_ns, 500 - TrailRing::found_max);
}

TEST(TransactionTrail, what_is_dropped_is_remembered_while_much_passes)
{
    TransactionTrail trail;
    trail.note(signature_of(1), {.stage = TrailStage::blockhash_expired, .time_ns = 1});
    for (std::uint64_t i = 0; i < 200'000; ++i) {
        trail.note(signature_of(10 + i), {.stage = TrailStage::processed, .time_ns = 2 + i});
    }
    const std::array<const TrailRing*, 2> rings{&trail.passed, &trail.dropped};
    const std::vector<TrailEvent> events = find_trail(signature_of(1), rings);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].stage, TrailStage::blockhash_expired);
    EXPECT_EQ(find_trail(signature_of(10 + 199'999), rings).size(), 1U);
    EXPECT_TRUE(find_trail(signature_of(10), rings).empty());
}

TEST(TransactionTrail, rings_are_read_as_one_in_the_order_of_time)
{
    TransactionTrail trail;
    trail.note(signature_of(1), {.stage = TrailStage::evicted_by_fee, .time_ns = 30});
    trail.note(signature_of(1), {.stage = TrailStage::pooled, .time_ns = 20});
    trail.note(signature_of(1), {.stage = TrailStage::forwarded, .time_ns = 20});
    const std::vector<TrailEvent> events =
        find_trail(signature_of(1), std::array<const TrailRing*, 2>{&trail.dropped, &trail.passed});
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[0].stage, TrailStage::pooled);
    EXPECT_EQ(events[1].stage, TrailStage::forwarded);
    EXPECT_EQ(events[2].stage, TrailStage::evicted_by_fee);
    EXPECT_EQ(trail_json(std::span(events).first(1), 5'000'020),
              R"({"events":[{"stage":"pooled","text":"its signatures are good; it waits in the )"
              R"(pool","dropped":false,"slot":0,"leaders":0,"msAgo":5}]})");
    EXPECT_EQ(trail_json({}, 0), R"({"events":[]})");
}

TEST(TransactionTrail, every_stage_has_a_name_and_a_sentence_of_its_own)
{
    std::set<std::string_view> names;
    std::set<std::string_view> sentences;
    const auto count = static_cast<std::size_t>(TrailStage::count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto stage = static_cast<TrailStage>(i);
        names.insert(to_string(stage));
        sentences.insert(explanation(stage));
        EXPECT_EQ(is_drop(stage), explanation(stage).starts_with("dropped: ")) << i;
    }
    EXPECT_EQ(names.size(), count);
    EXPECT_EQ(sentences.size(), count);
}

/// The writer overtakes the reader over and over. Whatever is found must be as it was noted: every
/// field of an entry is worked out from its time.
TEST(TransactionTrail, a_reader_sees_whole_entries_while_the_writer_goes_on)
{
    constexpr std::uint64_t signatures = 4;
    TrailRing ring(64);
    std::jthread writer([&ring](const std::stop_token& stop) {
        for (std::uint64_t i = 0; !stop.stop_requested(); ++i) {
            ring.note(signature_of(i % signatures),
                      {.stage = static_cast<TrailStage>(i % 11),
                       .slot = Slot{(i * 2'654'435'761U) & 0xffffffffU},
                       .detail = static_cast<std::uint32_t>((i * 40'503U) & 0xffffffU),
                       .time_ns = i});
        }
    });
    std::size_t found = 0;
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    while (std::chrono::steady_clock::now() < end) {
        for (std::uint64_t asked = 0; asked < signatures; ++asked) {
            for (const TrailEvent& event : found_in(ring, signature_of(asked))) {
                const std::uint64_t i = event.time_ns;
                ASSERT_EQ(i % signatures, asked);
                ASSERT_EQ(event.stage, static_cast<TrailStage>(i % 11));
                ASSERT_EQ(event.slot.value, (i * 2'654'435'761U) & 0xffffffffU);
                ASSERT_EQ(event.detail, (i * 40'503U) & 0xffffffU);
                ++found;
            }
        }
    }
    EXPECT_GT(found, 0U);
}

} // namespace
} // namespace belfry::node
