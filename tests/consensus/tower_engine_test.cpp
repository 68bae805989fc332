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
    TowerBench bench;
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
    TowerBench bench;
    bench.tick();
    EXPECT_TRUE(bench.effects.list().empty());
}

TEST(TowerEngine, signs_nothing_without_permission)
{
    TowerBench bench({.self = ValidatorIndex{0}, .may_sign = false});
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
    TowerBench bench;
    bench.block(name(1), genesis);
    bench.vote(1, name(1));
    bench.vote(2, name(1));
    EXPECT_TRUE(bench.commits(Level::confirmed).empty()) << "2 of 4";
    bench.persisted();
    EXPECT_EQ(bench.commits(Level::confirmed), std::vector{name(1)}) << "3 of 4";
}

TEST(TowerEngine, has_one_vote_at_a_time_under_way_to_the_disk)
{
    TowerBench bench;
    bench.block(name(1), genesis);
    bench.block(name(2), name(1));
    EXPECT_TRUE(bench.all<Send>().empty());
    bench.persisted();
    EXPECT_EQ(bench.voted(), name(2));
}

TEST(TowerEngine, repeats_its_newest_vote_in_a_slot_without_a_new_one)
{
    TowerBench bench;
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
    TowerBench bench({.self = std::nullopt});
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
    TowerBench bench({.self = std::nullopt});
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
    TowerBench bench({.self = std::nullopt});
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
    TowerBench bench({.self = std::nullopt});
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
    TowerBench bench({.self = std::nullopt});
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
    TowerBench bench({.self = std::nullopt});
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
    TowerBench bench;
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
    TowerBench bench;
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

/// An engine that voted for slots 1 to 4 of one chain.
TowerBench voter()
{
    TowerBench bench;
    for (std::uint64_t slot = 1; slot <= 4; ++slot) {
        bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        bench.persisted();
    }
    return bench;
}

TEST(TowerEngine, stops_signing_when_its_key_speaks_elsewhere)
{
    TowerBench bench;
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

TEST(TowerEngine, says_nothing_new_while_it_listens_and_what_it_missed_afterwards)
{
    TowerBench bench({.self = ValidatorIndex{0}, .may_sign = true, .listens_first = true});
    bench.block(name(1), genesis);
    bench.votes(1, 3, name(1));
    bench.tick();
    bench.build(2);
    EXPECT_TRUE(bench.kept.empty());
    EXPECT_TRUE(bench.engine.status().may_sign);
    EXPECT_EQ(bench.engine.status().best, name(1)) << "but it follows";
    bench.engine.begin_signing();
    bench.tick();
    EXPECT_EQ(bench.kept.size(), 1U);
    EXPECT_EQ(bench.engine.status().last_vote, name(1));
    bench.build(2);
    EXPECT_EQ(bench.kept.size(), 2U);
}

TEST(TowerEngine, that_listens_stops_when_its_key_said_more_than_its_journal)
{
    TowerBench bench({.self = ValidatorIndex{0}, .may_sign = true, .listens_first = true});
    bench.vote(0, name(9));
    ASSERT_EQ(bench.all<Fault>().size(), 1U);
    bench.engine.begin_signing();
    bench.block(name(10), genesis);
    bench.tick();
    EXPECT_TRUE(bench.kept.empty());
}

TEST(TowerEngine, takes_blocks_up_to_its_window_and_moves_it_with_what_the_ledger_knows)
{
    TowerBench bench({.self = std::nullopt, .slots_max = 10});
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

TEST(TowerEngine, keeps_the_clock_out_of_the_end_of_its_window_until_votes_come_again)
{
    TowerBench bench({.self = std::nullopt, .slots_max = 64});
    EXPECT_EQ(bench.engine.window_end(), Slot{65});
    EXPECT_EQ(bench.engine.slot_limit(), Slot{57});
    bench.block(name(50), genesis);
    bench.vote(1, name(50));
    bench.vote(2, name(50));
    EXPECT_EQ(bench.engine.slot_limit(), Slot{57});
    bench.vote(3, name(50));
    ASSERT_EQ(bench.engine.status().confirmed, name(50));
    EXPECT_EQ(bench.engine.slot_limit(), Slot{65}) << "never beyond the window";
}

TEST(TowerEngine, equal_inputs_give_equal_digests_and_other_inputs_do_not)
{
    TowerBench one = voter();
    TowerBench two = voter();
    EXPECT_EQ(one.engine.digest(), two.engine.digest());
    two.vote(2, name(4));
    EXPECT_NE(one.engine.digest(), two.engine.digest());
    one.vote(2, name(4));
    EXPECT_EQ(one.engine.digest(), two.engine.digest());
}

} // namespace
} // namespace belfry::consensus
