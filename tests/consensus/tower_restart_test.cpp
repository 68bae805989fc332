// SPDX-License-Identifier: Apache-2.0
// What a Tower engine does with the journal and the ledger that it finds on start.
#include "tests/consensus/tower_bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace belfry::consensus {
namespace {

/// An engine that voted for slots 1..votes of one chain and began to build slot 8.
TowerBench voter(std::uint64_t votes)
{
    TowerBench bench;
    for (std::uint64_t slot = 1; slot <= votes; ++slot) {
        bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        bench.persisted();
    }
    bench.build(8);
    return bench;
}

TEST(TowerRestart, goes_on_where_its_journal_ends)
{
    const TowerBench before = voter(4);
    const std::vector<JournalRecord> journal = before.journal();
    ASSERT_EQ(journal.size(), 5U);
    TowerBench after({.self = ValidatorIndex{0}, .may_sign = true}, journal);
    ASSERT_TRUE(after.restored.has_value());
    EXPECT_EQ(after.engine.own().tower(), before.engine.own().tower());
    EXPECT_EQ(after.engine.status().last_vote, name(4));
    after.tick();
    EXPECT_EQ(after.voted(), name(4)) << "its newest vote is said again on start";
    for (std::uint64_t slot = 1; slot <= 4; ++slot) {
        after.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        EXPECT_TRUE(after.kept.empty()) << "no second vote for slot " << slot;
    }
    after.build(8);
    EXPECT_TRUE(after.all<Build>().empty()) << "slot 8 was begun before";
    for (const std::uint16_t who : others) { // index 4 asks for more than its own quarter
        after.vote(who, name(4), {1, 2, 3});
    }
    after.block(name(5), name(4));
    EXPECT_EQ(after.voted(), name(5));
    ASSERT_EQ(after.all<Persist>().size(), 1U);
    EXPECT_EQ(after.all<Persist>()[0].sequence.value(), 6U);
}

TEST(TowerRestart, votes_for_blocks_that_the_ledger_lost_bind_until_they_expire)
{
    const TowerBench before = voter(4); // slot 1 binds through 17, slot 4 through 6
    TowerBench after({.self = ValidatorIndex{0}, .may_sign = true}, before.journal());
    after.block(name(5, 7), genesis);
    after.block(name(17, 7), name(5, 7));
    after.tick();
    ASSERT_EQ(after.all<Want>().size(), 1U);
    EXPECT_EQ(after.all<Want>()[0].block, name(4)) << "it asks for the block of its last vote";
    after.vote(1, name(5, 7));
    after.vote(2, name(17, 7));
    EXPECT_TRUE(after.kept.empty());
    after.block(name(18, 7), name(17, 7));
    EXPECT_EQ(after.voted(), name(18, 7));
    ASSERT_TRUE(after.engine.last_switch().has_value());
    EXPECT_EQ(after.engine.last_switch()->reason, SwitchReason::proof);
    EXPECT_EQ(after.engine.last_switch()->proof.stake, Stake{2});
}

/// Everybody votes for one chain of 40 blocks.
void vote_to_forty(TowerBench& bench)
{
    for (std::uint64_t slot = 1; slot <= 40; ++slot) {
        bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        for (const std::uint16_t who : others) {
            bench.vote(who, name(slot));
        }
        bench.persisted();
    }
}

TEST(TowerRestart, does_not_vote_while_the_ledger_is_older_than_its_root)
{
    TowerBench before;
    vote_to_forty(before);
    ASSERT_EQ(before.engine.status().rooted, name(9));
    TowerBench after({.self = ValidatorIndex{0}, .may_sign = true}, before.journal());
    // Another chain, far above every expiry but the root's: no vote.
    after.block(name(1, 1), genesis);
    const Slot far{after.engine.window_end().value - 1};
    after.block({.slot = far, .id = {}}, name(1, 1));
    EXPECT_TRUE(after.kept.empty());
    // The own chain again: it votes once past what it voted for.
    for (std::uint64_t slot = 1; slot <= 40; ++slot) {
        after.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        EXPECT_TRUE(after.kept.empty());
    }
    for (const std::uint16_t who : others) {
        after.vote(who, name(40), {30, 31, 32, 33, 34, 35, 36, 37, 38, 39});
    }
    after.block(name(41), name(40));
    EXPECT_EQ(after.voted(), name(41));
}

TEST(TowerRestart, drops_votes_at_or_below_the_ledgers_final_block)
{
    const TowerBench before = voter(4);
    TowerBench after({.self = ValidatorIndex{0}, .finalized = name(3), .may_sign = true},
                     before.journal());
    EXPECT_EQ(after.engine.own().tower().depth(), 1U);
    EXPECT_EQ(after.engine.status().rooted, name(3));
    after.block(name(4), name(3));
    after.block(name(5), name(4));
    EXPECT_EQ(after.voted(), name(5));
}

TEST(TowerRestart, keeps_votes_that_the_final_chain_shows_to_be_on_another_fork)
{
    const TowerBench before = voter(4); // slot 2 binds through 10, slot 1 through 17
    const std::vector<BlockName> chain{genesis, name(1), name(3, 9)};
    TowerBench after({.self = ValidatorIndex{0},
                      .finalized = name(3, 9),
                      .final_chain = chain,
                      .may_sign = true},
                     before.journal());
    EXPECT_EQ(after.engine.own().tower().depth(), 3U);
    after.block(name(10, 9), name(3, 9));
    EXPECT_TRUE(after.kept.empty());
    after.block(name(11, 9), name(10, 9));
    EXPECT_EQ(after.voted(), name(11, 9));
}

TEST(TowerRestart, refuses_a_journal_that_cannot_be_its_own)
{
    const TowerBench before = voter(4);
    const auto refuse = [](const std::vector<JournalRecord>& records, std::uint16_t self) {
        TowerEngine engine({.self = ValidatorIndex{self}, .may_sign = true});
        return engine.restore(records).error();
    };
    std::vector<JournalRecord> records = before.journal();
    EXPECT_EQ(refuse(records, 1), RestoreError::not_ours);
    std::vector<JournalRecord> gap{records[0], records[2]};
    EXPECT_EQ(refuse(gap, 0), RestoreError::sequence_gap);
    std::vector<JournalRecord> back{records[1],
                                    {.sequence = records[2].sequence, .bytes = records[0].bytes}};
    EXPECT_EQ(refuse(back, 0), RestoreError::goes_back);
    const Bytes torn{before.kept[0].begin(), before.kept[0].end() - 1};
    EXPECT_EQ(refuse({{.sequence = records[0].sequence, .bytes = torn}}, 0),
              RestoreError::malformed_record);
}

TEST(TowerRestart, inside_its_own_window_it_builds_what_it_had_not_begun_and_nothing_again)
{
    TowerBench before;
    before.block(name(7), genesis);
    before.persisted();
    before.build(8);
    before.build(9);
    ASSERT_EQ(before.all<Build>().size(), 1U);
    TowerBench after({.self = ValidatorIndex{0}, .may_sign = true}, before.journal());
    after.block(name(7), genesis);
    for (const std::uint64_t slot : {8U, 9U}) {
        after.build(slot);
        EXPECT_TRUE(after.all<Build>().empty()) << "slot " << slot << " may be out already";
    }
    after.build(10);
    ASSERT_EQ(after.all<Build>().size(), 1U);
    EXPECT_EQ(after.all<Build>()[0].slot, Slot{10});
}

// T19. The cluster agreed to go on from slot 2 although it had voted for slots 3 and 4.
TEST(HardFork, discards_the_votes_above_its_slot_and_votes_there_again)
{
    const TowerBench before = voter(4);
    const TowerConfig declared{.self = ValidatorIndex{0}, .may_sign = true, .hard_fork = Slot{2}};
    TowerBench after(declared, before.journal());
    EXPECT_EQ(after.kept.size(), 1U) << "it is written down";
    EXPECT_EQ(after.engine.own().tower().depth(), 2U);
    after.tick();
    EXPECT_EQ(after.voted(), std::nullopt) << "the vote for slot 4 is not repeated";
    after.block(name(1), genesis);
    after.block(name(2), name(1));
    after.block(name(4, 7), name(2));
    EXPECT_EQ(after.voted(), name(4, 7));

    TowerBench undeclared({.self = ValidatorIndex{0}, .may_sign = true}, before.journal());
    undeclared.block(name(1), genesis);
    undeclared.block(name(2), name(1));
    undeclared.block(name(5, 7), name(2));
    EXPECT_EQ(undeclared.voted(), std::nullopt) << "slot 4 binds through 6";
}

TEST(HardFork, is_declared_once_so_that_later_votes_survive_the_next_start)
{
    const TowerBench before = voter(4);
    const TowerConfig declared{.self = ValidatorIndex{0}, .may_sign = true, .hard_fork = Slot{2}};
    TowerBench after(declared, before.journal());
    after.block(name(1), genesis);
    after.block(name(2), name(1));
    after.block(name(4, 7), name(2));
    ASSERT_EQ(after.voted(), name(4, 7));
    std::vector<JournalRecord> records = before.journal();
    for (const Bytes& bytes : after.kept) {
        records.push_back({.sequence = records.back().sequence.next(), .bytes = bytes});
    }
    for (const bool still : {true, false}) { // whether the option is still given
        TowerConfig config = declared;
        config.hard_fork = still ? config.hard_fork : std::nullopt;
        TowerBench again(config, records);
        EXPECT_TRUE(again.restored.has_value());
        EXPECT_TRUE(again.kept.empty());
        EXPECT_EQ(again.engine.status().last_vote, name(4, 7));
        EXPECT_EQ(again.engine.own().tower().depth(), 3U);
    }
}

TEST(HardFork, below_the_own_root_begins_an_empty_tower)
{
    TowerBench before;
    vote_to_forty(before);
    ASSERT_EQ(before.engine.status().rooted, name(9));
    TowerBench after({.self = ValidatorIndex{0}, .may_sign = true, .hard_fork = Slot{5}},
                     before.journal());
    EXPECT_EQ(after.engine.own().tower().depth(), 0U);
    EXPECT_EQ(after.engine.status().rooted, genesis);
    after.block(name(6, 7), genesis);
    EXPECT_EQ(after.voted(), name(6, 7));
}

// T19 with the whole cluster: all voted above the fork's slot, and all vote again.
TEST(HardFork, a_cluster_that_declares_it_confirms_again)
{
    std::vector<TowerBench> cluster;
    for (std::uint16_t who = 0; who < 4; ++who) {
        const TowerConfig config{.self = ValidatorIndex{who}, .may_sign = true};
        TowerBench before(config);
        for (std::uint64_t slot = 1; slot <= 4; ++slot) {
            before.block(name(slot), slot == 1 ? genesis : name(slot - 1), 9);
            before.persisted();
        }
        TowerConfig declared = config;
        declared.hard_fork = Slot{2};
        cluster.emplace_back(declared, before.journal());
    }
    std::vector<Bytes> votes;
    for (TowerBench& bench : cluster) {
        bench.block(name(1), genesis, 9);
        bench.block(name(2), name(1), 9);
        bench.block(name(3, 7), name(2), 9);
        ASSERT_EQ(bench.all<Send>().size(), 1U);
        const ByteView body = bench.all<Send>()[0].body;
        votes.emplace_back(body.begin(), body.end());
    }
    for (TowerBench& bench : cluster) {
        bench.persisted();
        for (std::uint16_t who = 0; who < 4; ++who) {
            bench.step(VoteMessage{.from = ValidatorIndex{who}, .body = votes[who]});
        }
        EXPECT_EQ(bench.engine.status().confirmed, name(3, 7));
        EXPECT_TRUE(bench.engine.status().may_sign);
    }
}

TEST(PlantedDefect, a_root_that_is_not_restored_is_seen)
{
    TowerBench before;
    for (std::uint64_t slot = 1; slot <= 40; ++slot) {
        before.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        for (const std::uint16_t who : others) {
            before.vote(who, name(slot));
        }
        before.persisted();
    }
    const auto restarted_root = [&](const TowerDefects& defects) {
        const TowerBench after({.self = ValidatorIndex{0}, .may_sign = true, .defects = defects},
                               before.journal());
        return after.engine.status().rooted;
    };
    EXPECT_EQ(restarted_root({}), name(9));
    EXPECT_EQ(restarted_root({.root_not_persisted = true}), genesis);
}

TEST(PlantedDefect, a_vote_that_is_not_repeated_is_seen)
{
    TowerBench bench(
        {.self = ValidatorIndex{0}, .may_sign = true, .defects = {.no_refresh = true}});
    bench.block(name(1), genesis);
    bench.persisted();
    bench.tick();
    bench.tick();
    EXPECT_EQ(bench.voted(), std::nullopt);
}

TEST(PlantedDefect, a_journal_that_is_not_read_is_seen)
{
    const TowerBench before = voter(4);
    const TowerBench after(
        {.self = ValidatorIndex{0}, .may_sign = true, .defects = {.journal_not_replayed = true}},
        before.journal());
    EXPECT_EQ(after.engine.status().last_vote, std::nullopt);
}

} // namespace
} // namespace belfry::consensus
