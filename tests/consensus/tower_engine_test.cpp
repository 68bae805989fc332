// SPDX-License-Identifier: Apache-2.0
#include "tests/consensus/tower_bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace belfry::consensus {
namespace {

TEST(TowerEngine, votes_for_a_new_block_and_names_the_record_that_must_be_durable_first)
{
    Bench bench;
    bench.block(name(1), genesis);
    const auto persists = bench.all<Persist>();
    const auto sends = bench.all<Send>();
    ASSERT_EQ(persists.size(), 1U);
    ASSERT_EQ(sends.size(), 1U);
    EXPECT_EQ(sends[0].after, persists[0].sequence);
    EXPECT_EQ(bench.voted(), name(1));
    const auto record = decode_tower_record(persists[0].record);
    ASSERT_TRUE(record.has_value());
    Bytes body;
    encode_tower_vote(std::get<VoteRecord>(*record).vote, body);
    EXPECT_TRUE(std::ranges::equal(body, sends[0].body)) << "what is sent is what is written";
}

TEST(TowerEngine, never_votes_for_the_block_it_started_from)
{
    Bench bench;
    bench.tick();
    EXPECT_TRUE(bench.effects.list().empty());
}

TEST(TowerEngine, signs_nothing_without_permission)
{
    Bench bench({.self = ValidatorIndex{0}, .may_sign = false});
    bench.block(name(1), genesis);
    bench.build(2);
    bench.tick();
    EXPECT_TRUE(bench.kept.empty());
    EXPECT_TRUE(bench.all<Send>().empty());
    EXPECT_FALSE(bench.engine.status().may_sign);
    EXPECT_EQ(bench.engine.status().best, name(1)) << "it follows all the same";
}

TEST(TowerEngine, its_own_vote_counts_only_once_it_is_durable)
{
    Bench bench;
    bench.block(name(1), genesis);
    bench.vote(1, name(1));
    bench.vote(2, name(1));
    EXPECT_TRUE(bench.commits(Level::confirmed).empty()) << "2 of 4";
    bench.persisted();
    EXPECT_EQ(bench.commits(Level::confirmed), std::vector{name(1)}) << "3 of 4";
}

TEST(TowerEngine, has_one_vote_at_a_time_under_way_to_the_disk)
{
    Bench bench;
    bench.block(name(1), genesis);
    bench.block(name(2), name(1));
    EXPECT_TRUE(bench.all<Send>().empty());
    bench.persisted();
    EXPECT_EQ(bench.voted(), name(2));
}

TEST(TowerEngine, repeats_its_newest_vote_in_a_slot_without_a_new_one)
{
    Bench bench;
    bench.block(name(1), genesis);
    bench.persisted();
    bench.tick();
    EXPECT_EQ(bench.voted(), std::nullopt) << "it has just voted";
    bench.tick();
    EXPECT_EQ(bench.voted(), name(1));
    EXPECT_EQ(bench.kept.size(), 1U) << "a repetition needs no new record";
}

TEST(TowerEngine, confirms_on_exactly_the_block_and_its_ancestors_with_it)
{
    Bench bench({.self = std::nullopt});
    bench.block(name(1, 1), genesis);
    bench.block(name(1, 2), genesis);
    bench.block(name(2), name(1, 1));
    bench.vote(0, name(1, 1));
    bench.vote(1, name(1, 2));
    bench.vote(2, name(1, 1));
    EXPECT_TRUE(bench.commits(Level::confirmed).empty());
    for (const std::uint16_t who : first_three) {
        bench.vote(who, name(2));
    }
    EXPECT_EQ(bench.commits(Level::confirmed), std::vector{name(2)});
    EXPECT_TRUE(bench.engine.forks().confirmed(bench.engine.forks().find(name(1, 1))));
    EXPECT_TRUE(bench.engine.forks().find(name(1, 2)).is_none()) << "the wrong version is gone";
}

TEST(TowerEngine, a_vote_for_a_block_not_held_waits_and_asks_for_it_once)
{
    Bench bench({.self = std::nullopt});
    bench.vote(1, name(1));
    EXPECT_EQ(bench.all<Want>().size(), 1U);
    bench.vote(2, name(1));
    EXPECT_TRUE(bench.all<Want>().empty());
    bench.vote(3, name(1));
    bench.block(name(1), genesis);
    EXPECT_EQ(bench.commits(Level::confirmed), std::vector{name(1)});
    EXPECT_EQ(bench.engine.counters().votes_waiting, 3U);
}

TEST(TowerEngine, an_equivocators_first_vote_counts_and_its_second_only_toward_a_quorum)
{
    Bench bench({.self = std::nullopt});
    bench.block(name(1, 1), genesis);
    bench.block(name(1, 2), genesis);
    bench.vote(3, name(1, 1));
    bench.vote(3, name(1, 2));
    const auto accusations = bench.all<Accuse>();
    ASSERT_EQ(accusations.size(), 1U);
    EXPECT_EQ(accusations[0].who, ValidatorIndex{3});
    EXPECT_EQ(accusations[0].first, name(1, 1));
    EXPECT_EQ(accusations[0].second, name(1, 2));
    const ForkTree& forks = bench.engine.forks();
    EXPECT_EQ(forks.name(forks.marked(Mark::vote, ValidatorIndex{3})), name(1, 1));
    bench.vote(3, name(1, 2));
    EXPECT_TRUE(bench.all<Accuse>().empty()) << "once is enough";
    bench.vote(1, name(1, 2));
    bench.vote(2, name(1, 2));
    EXPECT_EQ(bench.commits(Level::confirmed), std::vector{name(1, 2)});
}

TEST(TowerEngine, an_equivocator_is_seen_though_neither_block_is_held)
{
    Bench bench({.self = std::nullopt});
    bench.vote(3, name(1, 1));
    bench.vote(3, name(1, 2));
    EXPECT_EQ(bench.all<Accuse>().size(), 1U);
    bench.vote(3, name(1, 3));
    EXPECT_TRUE(bench.all<Accuse>().empty());
    bench.vote(1, name(1, 2));
    bench.vote(2, name(1, 2));
    bench.block(name(1, 2), genesis);
    EXPECT_EQ(bench.commits(Level::confirmed), std::vector{name(1, 2)});
}

TEST(TowerEngine, a_newer_tower_replaces_the_older_and_an_older_one_changes_nothing)
{
    Bench bench({.self = std::nullopt});
    bench.block(name(1, 1), genesis);
    bench.block(name(1, 2), genesis);
    bench.block(name(2), name(1, 1));
    bench.vote(1, name(2), {1});
    bench.vote(1, name(1, 2));
    const ForkTree& forks = bench.engine.forks();
    EXPECT_EQ(forks.name(forks.marked(Mark::vote, ValidatorIndex{1})), name(2));
    EXPECT_EQ(bench.engine.status().best, name(2));
}

TEST(TowerEngine, malformed_foreign_and_misattributed_votes_are_counted_and_dropped)
{
    Bench bench({.self = std::nullopt});
    const Bytes nonsense{1, 2, 3};
    bench.step(VoteMessage{.from = ValidatorIndex{1}, .body = nonsense});
    EXPECT_EQ(bench.engine.counters().votes_malformed, 1U);
    bench.vote(9, name(1));
    EXPECT_EQ(bench.engine.counters().votes_unknown_voter, 1U);
    Tower tower;
    (void)tower.push(Slot{1});
    Bytes body;
    encode_tower_vote(
        {.voter = ValidatorIndex{1}, .tower = tower, .block_id = {}, .state_hash = {}}, body);
    bench.step(VoteMessage{.from = ValidatorIndex{2}, .body = body});
    EXPECT_EQ(bench.engine.counters().votes_malformed, 2U);
}

TEST(TowerEngine, stays_on_the_fork_it_is_bound_to_until_the_lockout_has_expired)
{
    Bench bench;
    bench.block(name(1, 1), genesis);
    bench.persisted(); // bound through slot 3
    bench.block(name(2, 2), genesis);
    for (const std::uint16_t who : others) {
        bench.vote(who, name(2, 2));
    }
    EXPECT_EQ(bench.engine.status().best, name(2, 2));
    bench.block(name(3, 2), name(2, 2));
    EXPECT_EQ(bench.engine.status().best, name(3, 2)) << "builds where three quarters are";
    EXPECT_EQ(bench.voted(), std::nullopt);
    bench.block(name(4, 2), name(3, 2));
    EXPECT_EQ(bench.voted(), name(4, 2));
    EXPECT_EQ(bench.all<BestFork>().back().block, name(4, 2));
}

TEST(TowerEngine, builds_its_own_slots_once_on_the_best_block_below_them)
{
    Bench bench;
    bench.block(name(1), genesis);
    bench.build(2);
    const auto builds = bench.all<Build>();
    const auto persists = bench.all<Persist>();
    ASSERT_EQ(builds.size(), 1U);
    EXPECT_EQ(builds[0].slot, Slot{2});
    EXPECT_EQ(builds[0].parent, name(1));
    EXPECT_EQ(builds[0].after, persists.at(0).sequence);
    bench.build(2);
    EXPECT_TRUE(bench.all<Build>().empty());
    bench.build(4);
    EXPECT_TRUE(bench.all<Build>().empty()) << "slots 4 to 7 belong to another";
    bench.block(name(9), name(1));
    bench.build(8);
    ASSERT_EQ(bench.all<Build>().size(), 1U);
    EXPECT_EQ(bench.all<Build>()[0].parent, name(1)) << "a parent is below its child";
}

// ---- Restart ------------------------------------------------------------------------------------

/// An engine that voted for slots 1..votes of one chain and began to build slot 8.
Bench voter(std::uint64_t votes)
{
    Bench bench;
    for (std::uint64_t slot = 1; slot <= votes; ++slot) {
        bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        bench.persisted();
    }
    bench.build(8);
    return bench;
}

TEST(TowerRestart, goes_on_where_its_journal_ends)
{
    const Bench before = voter(4);
    const std::vector<JournalRecord> journal = before.journal();
    ASSERT_EQ(journal.size(), 5U);
    Bench after({.self = ValidatorIndex{0}, .may_sign = true}, journal);
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
    const Bench before = voter(4); // slot 1 binds through 17, slot 4 through 6
    Bench after({.self = ValidatorIndex{0}, .may_sign = true}, before.journal());
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

TEST(TowerRestart, does_not_vote_while_the_ledger_is_older_than_its_root)
{
    Bench before;
    for (std::uint64_t slot = 1; slot <= 40; ++slot) {
        before.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        for (const std::uint16_t who : others) {
            before.vote(who, name(slot));
        }
        before.persisted();
    }
    ASSERT_EQ(before.engine.status().rooted, name(9));
    Bench after({.self = ValidatorIndex{0}, .may_sign = true}, before.journal());
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
    const Bench before = voter(4);
    Bench after({.self = ValidatorIndex{0}, .finalized = name(3), .may_sign = true},
                before.journal());
    EXPECT_EQ(after.engine.own().tower().depth(), 1U);
    EXPECT_EQ(after.engine.status().rooted, name(3));
    after.block(name(4), name(3));
    after.block(name(5), name(4));
    EXPECT_EQ(after.voted(), name(5));
}

TEST(TowerRestart, keeps_votes_that_the_final_chain_shows_to_be_on_another_fork)
{
    const Bench before = voter(4); // slot 2 binds through 10, slot 1 through 17
    const std::vector<BlockName> chain{genesis, name(1), name(3, 9)};
    Bench after({.self = ValidatorIndex{0},
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
    const Bench before = voter(4);
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

TEST(TowerEngine, stops_signing_when_its_key_speaks_elsewhere)
{
    Bench bench;
    bench.block(name(1), genesis);
    bench.persisted();
    bench.vote(0, name(1));
    EXPECT_TRUE(bench.all<Fault>().empty()) << "an echo";
    bench.vote(0, name(2));
    ASSERT_EQ(bench.all<Fault>().size(), 1U);
    EXPECT_EQ(bench.all<Fault>()[0].why, FaultReason::identity_elsewhere);
    bench.block(name(2), name(1));
    EXPECT_EQ(bench.kept.size(), 1U);
}

TEST(TowerEngine, takes_blocks_up_to_its_window_and_moves_it_with_what_the_ledger_knows)
{
    Bench bench({.self = std::nullopt, .slots_max = 10});
    bench.block(name(11), genesis);
    EXPECT_EQ(bench.engine.counters().blocks_outside_window, 1U);
    bench.block(name(10), genesis);
    EXPECT_EQ(bench.engine.status().best, name(10));
    bench.vote(1, name(25));
    EXPECT_TRUE(bench.all<Want>().empty()) << "beyond the window";
    bench.engine.prune(name(20)); // not held: the ledger got there by another way
    EXPECT_EQ(bench.engine.window_end(), Slot{31});
    EXPECT_EQ(bench.engine.status().finalized, name(20));
    bench.block(name(25), name(20));
    const ForkTree& forks = bench.engine.forks();
    EXPECT_EQ(forks.marked(Mark::vote, ValidatorIndex{1}), forks.find(name(25)));
    EXPECT_EQ(bench.engine.check(), std::nullopt);
}

TEST(TowerEngine, equal_inputs_give_equal_digests_and_other_inputs_do_not)
{
    Bench one = voter(4);
    Bench two = voter(4);
    EXPECT_EQ(one.engine.digest(), two.engine.digest());
    two.vote(2, name(4));
    EXPECT_NE(one.engine.digest(), two.engine.digest());
    one.vote(2, name(4));
    EXPECT_EQ(one.engine.digest(), two.engine.digest());
}

} // namespace
} // namespace belfry::consensus
