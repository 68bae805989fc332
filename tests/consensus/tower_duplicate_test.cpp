// SPDX-License-Identifier: Apache-2.0
// Two blocks in one slot: who is believed, what is purged, and how those who voted for the wrong
// one come back.
#include "tests/consensus/tower_bench.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace belfry::consensus {
namespace {

TowerConfig watcher(const TowerDefects& defects = {})
{
    return {.self = std::nullopt, .defects = defects};
}
bool holds(const TowerBench& bench, const BlockName& block)
{
    return !bench.engine.forks().find(block).is_none();
}
bool valid(const TowerBench& bench, const BlockName& block)
{
    return bench.engine.forks().valid(bench.engine.forks().find(block));
}

/// Both versions of slot 5, each with a block on it, above slot 4. 50 of 100 voted for each.
TowerBench half_and_half(const TowerConfig& config)
{
    TowerBench bench(config, units(100));
    bench.block(name(4), genesis);
    bench.persisted();
    bench.block(name(5, 1), name(4));
    bench.persisted(); // this node has version 1
    bench.block(name(5, 2), name(4));
    bench.votes(1, 49, name(5, 1));
    bench.votes(50, 99, name(5, 2));
    bench.duplicate(5);
    return bench;
}

// T08, until one version has 53.
TEST(DuplicateBlock, neither_half_is_extended_and_the_leader_is_accused)
{
    TowerBench bench = half_and_half(signer());
    ASSERT_EQ(bench.all<Accuse>().size(), 1U);
    EXPECT_EQ(bench.all<Accuse>()[0].who, ValidatorIndex{1});
    EXPECT_EQ(bench.engine.status().best, name(4)) << "stands where the versions part";
    EXPECT_FALSE(valid(bench, name(5, 1)));
    EXPECT_FALSE(valid(bench, name(5, 2)));
    EXPECT_EQ(bench.engine.counters().slots_duplicate, 1U);
    bench.block(name(6, 1), name(5, 1));
    EXPECT_EQ(bench.voted(), std::nullopt);
    bench.block(name(6, 2), name(5, 2));
    EXPECT_EQ(bench.engine.status().best, name(4));
    bench.duplicate(5);
    EXPECT_TRUE(bench.all<Accuse>().empty()) << "said once";
}

TEST(PlantedDefect, an_ignored_duplicate_is_seen)
{
    EXPECT_EQ(half_and_half(signer({.duplicate_ignored = true})).engine.status().best, name(5, 1));
}

// T08, the side that was wrong.
TEST(DuplicateBlock, the_losers_purge_and_vote_again_by_the_sibling_rule_after_their_lockout)
{
    const auto loser = [](const TowerDefects& defects) {
        TowerBench bench = half_and_half(signer(defects));
        bench.votes(1, 2, name(5, 2)); // equivocators: 52 of 100
        EXPECT_TRUE(bench.all<Purge>().empty());
        bench.vote(3, name(5, 2));
        return bench;
    };
    TowerBench bench = loser({});
    ASSERT_EQ(bench.all<Purge>().size(), 1U);
    EXPECT_EQ(bench.all<Purge>()[0].block, name(5, 1));
    EXPECT_FALSE(holds(bench, name(5, 1)));
    EXPECT_EQ(bench.engine.status().best, name(5, 2));
    ASSERT_TRUE(bench.engine.standing_switch().has_value());
    EXPECT_EQ(bench.engine.standing_switch()->reason, SwitchReason::sibling_confirmed);
    bench.block(name(7, 2), name(5, 2));
    EXPECT_EQ(bench.voted(), std::nullopt) << "bound through 7";
    bench.block(name(8, 2), name(7, 2));
    EXPECT_EQ(bench.voted(), name(8, 2));
    EXPECT_EQ(bench.engine.last_switch()->reason, SwitchReason::sibling_confirmed);

    TowerBench ignoring = loser({.sibling_rule_ignored = true});
    EXPECT_FALSE(ignoring.engine.standing_switch().has_value() &&
                 ignoring.engine.standing_switch()->reason == SwitchReason::sibling_confirmed)
        << "planted defect";
    const TowerBench keeping = loser({.wrong_version_kept = true});
    EXPECT_TRUE(holds(keeping, name(5, 1))) << "planted defect";
}

TEST(DuplicateBlock, the_sibling_rule_needs_no_proof)
{
    // All the votes for the right version are as old as the own one, and bind nobody at a leaf.
    const auto vote = [](const TowerDefects& defects) {
        TowerBench bench(signer(defects), units(100));
        bench.block(name(5, 1), genesis);
        bench.persisted();
        bench.block(name(5, 2), genesis);
        bench.block(name(12, 2), name(5, 2));
        bench.votes(1, 53, name(5, 2));
        return bench.voted();
    };
    EXPECT_EQ(vote({}), name(12, 2));
    EXPECT_EQ(vote({.sibling_rule_ignored = true}), std::nullopt) << "planted defect";
}

// T09.
TEST(DuplicateBlock, a_proof_that_comes_after_53_voted_changes_nothing)
{
    TowerBench bench(watcher(), units(100));
    bench.block(name(1), genesis);
    bench.block(name(2), name(1));
    bench.votes(1, 60, name(1));
    bench.duplicate(1);
    EXPECT_TRUE(valid(bench, name(1)));
    EXPECT_EQ(bench.engine.status().best, name(2));
    bench.block(name(1, 2), genesis);
    EXPECT_FALSE(valid(bench, name(1, 2))) << "a version that comes later is the wrong one";
}

TEST(DuplicateBlock, fifty_two_of_a_hundred_are_not_enough)
{
    TowerBench bench(watcher(), units(100));
    bench.block(name(1), genesis);
    bench.duplicate(1);
    bench.votes(0, 51, name(1));
    EXPECT_FALSE(valid(bench, name(1)));
    bench.vote(52, name(1));
    EXPECT_TRUE(valid(bench, name(1)));
    EXPECT_EQ(bench.engine.status().best, name(1));
}

TEST(PlantedDefect, a_chosen_version_that_stays_invalid_is_seen)
{
    TowerBench bench(watcher({.duplicate_stays_invalid = true}), units(100));
    bench.block(name(1), genesis);
    bench.duplicate(1);
    bench.votes(0, 60, name(1));
    EXPECT_FALSE(valid(bench, name(1)));
}

// Two duplicate slots in a row, of which the lower was never voted for by enough.
TEST(DuplicateBlock, a_chosen_block_makes_all_its_ancestors_valid)
{
    const auto best = [](const TowerDefects& defects) {
        TowerBench bench(watcher(defects), units(100));
        for (std::uint64_t slot = 1; slot <= 4; ++slot) {
            bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        }
        bench.duplicate(1);
        bench.duplicate(2);
        bench.duplicate(4);
        bench.votes(0, 30, name(1));
        bench.votes(31, 99, name(3));
        return bench.engine.status().best;
    };
    EXPECT_EQ(best({}), name(3));
    EXPECT_EQ(best({.ancestors_not_marked = true}), genesis) << "planted defect";
}

TEST(DuplicateBlock, an_ancestor_chosen_before_does_not_hide_the_ones_between)
{
    TowerBench bench(watcher(), units(100));
    for (std::uint64_t slot = 1; slot <= 4; ++slot) {
        bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
    }
    bench.votes(0, 60, name(1));
    bench.duplicate(1);
    bench.duplicate(2);
    bench.duplicate(3);
    EXPECT_EQ(bench.engine.status().best, name(1));
    bench.votes(0, 60, name(4));
    EXPECT_EQ(bench.engine.status().best, name(4));
}

TEST(DuplicateBlock, a_chosen_version_that_is_not_held_is_wanted_and_the_held_one_goes)
{
    TowerBench bench(watcher(), units(100));
    bench.block(name(1, 1), genesis);
    bench.block(name(2, 1), name(1, 1));
    bench.votes(0, 51, name(1, 2));
    EXPECT_TRUE(holds(bench, name(1, 1)));
    bench.vote(52, name(1, 2));
    ASSERT_EQ(bench.all<Want>().size(), 1U);
    EXPECT_EQ(bench.all<Want>()[0].block, name(1, 2));
    ASSERT_EQ(bench.all<Purge>().size(), 1U);
    EXPECT_EQ(bench.all<Purge>()[0].block, name(1, 1));
    EXPECT_FALSE(holds(bench, name(2, 1))) << "with its subtree";
    bench.votes(0, 52, name(3, 2)); // nobody's newest vote names the chosen version any more
    bench.duplicate(1);
    bench.block(name(1, 2), genesis);
    EXPECT_TRUE(valid(bench, name(1, 2)));
    EXPECT_EQ(bench.engine.status().best, name(1, 2));
}

TEST(DuplicateBlock, a_purged_version_comes_back_with_its_votes_and_stays_invalid)
{
    TowerBench bench(watcher(), units(100));
    bench.block(name(1, 1), genesis);
    bench.votes(0, 39, name(1, 1));
    bench.block(name(1, 2), genesis);
    bench.votes(40, 99, name(1, 2));
    EXPECT_FALSE(holds(bench, name(1, 1)));
    bench.block(name(1, 1), genesis);
    const ForkTree& forks = bench.engine.forks();
    EXPECT_FALSE(valid(bench, name(1, 1)));
    EXPECT_EQ(forks.exact_stake(forks.find(name(1, 1))), Stake{40});
    EXPECT_EQ(bench.engine.status().best, name(1, 2));
    EXPECT_TRUE(bench.all<Purge>().empty());
}

TEST(DuplicateBlock, known_ones_come_from_the_ledger_after_a_restart)
{
    TowerConfig config = watcher();
    config.duplicate_slots = {Slot{1}, Slot{3}};
    TowerBench bench(config, units(100));
    for (std::uint64_t slot = 1; slot <= 3; ++slot) {
        bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
    }
    EXPECT_FALSE(valid(bench, name(1)));
    EXPECT_TRUE(valid(bench, name(2)));
    EXPECT_FALSE(valid(bench, name(3)));
    EXPECT_EQ(bench.engine.status().best, genesis);
    bench.votes(0, 60, name(2));
    EXPECT_EQ(bench.engine.status().best, name(2));
}

TEST(DuplicateBlock, while_the_own_fork_is_invalid_its_deepest_leaf_is_stood_on)
{
    TowerBench bench(signer(), units(100));
    bench.block(name(1, 1), genesis);
    bench.persisted();
    bench.block(name(4, 1), name(1, 1));
    bench.persisted();
    bench.block(name(6, 1), name(4, 1));
    bench.block(name(8, 1), name(6, 1));
    bench.persisted();
    bench.block(name(3, 2), genesis);
    bench.votes(1, 20, name(3, 2)); // too few to leave for
    bench.duplicate(1);
    EXPECT_EQ(bench.engine.status().best, name(8, 1));
    bench.block(name(9, 2), name(3, 2));
    EXPECT_EQ(bench.engine.status().best, name(8, 1));
    EXPECT_EQ(bench.voted(), std::nullopt);
}

} // namespace
} // namespace belfry::consensus
