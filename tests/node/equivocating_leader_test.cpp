// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/entry.hpp"
#include "node/equivocating_leader.hpp"
#include "tests/dataplane/shred_samples.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace belfry::node {
namespace {

namespace samples = dataplane::samples;

/// A block's stream of at least this many bytes.
Bytes stream_of(std::size_t bytes_min)
{
    Bytes stream;
    ledger::EntryWriter writer(stream);
    while (stream.size() < bytes_min) {
        writer.tick(1, Hash{});
    }
    writer.certificate(Bytes(40, 7));
    writer.footer(Hash{}, Hash{});
    return stream;
}

/// What the leader sends of the second version when the first comes in pieces.
Bytes second_stream(EquivocatingLeader& leader, Slot slot, const Bytes& first,
                    std::vector<ledger::ShredSet>& sets)
{
    constexpr std::size_t piece_bytes = 40'000;
    Bytes second;
    for (std::size_t done = 0; done < first.size();) {
        const bool last = first.size() - done <= piece_bytes;
        const std::size_t count = last ? first.size() - done : piece_bytes - 100;
        const auto begin = first.begin() + static_cast<std::ptrdiff_t>(done);
        const OwnStream own{.slot = slot,
                            .parent = samples::genesis_block(),
                            .piece = Bytes(begin, begin + static_cast<std::ptrdiff_t>(count)),
                            .last = last};
        for (const dataplane::SetOut& out : leader.push(own)) {
            second.insert(second.end(), out.set.payload.begin(), out.set.payload.end());
            sets.push_back(out.set);
        }
        done += count;
    }
    return second;
}

TEST(EquivocatingLeader, signs_a_whole_second_block_for_each_slot)
{
    const crypto::Keypair key = samples::keypair(1);
    EquivocatingLeader leader(samples::genesis(), key);
    for (std::uint64_t slot = 4; slot < 8; ++slot) {
        for (const std::size_t bytes : {100U, 100'000U}) {
            const Bytes first = stream_of(bytes);
            std::vector<ledger::ShredSet> sets;
            const Bytes second = second_stream(leader, Slot{slot}, first, sets);
            ASSERT_FALSE(sets.empty());
            EXPECT_TRUE(sets.back().last);
            const auto block = ledger::assemble_block(sets);
            ASSERT_TRUE(block);
            EXPECT_EQ(block->stream, second);
            EXPECT_NE(second, first);
            const auto entries = ledger::decode_entries(second);
            ASSERT_TRUE(entries);
            const bool same_state = entries->back().state_hash == Hash{};
            EXPECT_EQ(same_state, EquivocatingLeader::second_is_valid(Slot{slot}));
            EXPECT_EQ(ledger::certificates_of(second).size(), same_state ? 2U : 1U);
            EXPECT_EQ(second.size() == first.size(), !same_state);
            EXPECT_EQ(EquivocatingLeader::second_is_valid(Slot{slot}), slot < 6);
        }
    }
}

TEST(EquivocatingLeader, whoever_sees_a_shred_of_each_has_the_proof)
{
    const crypto::Keypair key = samples::keypair(1);
    const Slot slot{4};
    const Bytes first = stream_of(100);
    const auto honest = samples::make_block(key, slot, samples::genesis_block(), first);
    EquivocatingLeader leader(samples::genesis(), key);
    const auto sets = leader.push(
        {.slot = slot, .parent = samples::genesis_block(), .piece = first, .last = true});
    ASSERT_EQ(sets.size(), 1U);
    dataplane::FecResolver resolver(
        {.genesis = samples::genesis(),
         .leader_of = [&key](Slot) -> std::optional<Pubkey> { return key.pubkey(); }});
    const auto one = resolver.accept(honest.sets.front().datagrams.at(0), {});
    ASSERT_TRUE(one);
    EXPECT_FALSE(one->equivocation);
    const auto two = resolver.accept(sets.front().datagrams.at(1), {});
    ASSERT_TRUE(two);
    EXPECT_TRUE(two->equivocation);
}

TEST(EquivocatingLeader, every_slot_has_takers_of_both_versions)
{
    for (std::uint64_t slot = 0; slot < 8; ++slot) {
        int second = 0;
        for (std::uint16_t validator = 0; validator < 4; ++validator) {
            second += static_cast<int>(EquivocatingLeader::gets_second(Slot{slot}, validator));
        }
        EXPECT_EQ(second, 2);
    }
}

} // namespace
} // namespace belfry::node
