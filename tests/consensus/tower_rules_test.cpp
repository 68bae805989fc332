// SPDX-License-Identifier: Apache-2.0
// When a vote may be cast and what is stood on: switch proofs, depths, own blocks, epochs. Every
// rule is shown at its boundary, and each planted defect shows that the test would see it go.
#include "tests/consensus/tower_bench.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace belfry::consensus {
namespace {

// ---- Switch proofs ------------------------------------------------------------------------------

/// Of a hundred, this node is bound to slot 1 through slot 3; so many voted for slot 2 elsewhere.
TowerBench with_voters_elsewhere(std::uint16_t count, const TowerDefects& defects = {})
{
    TowerBench bench(signer(defects), units(100));
    bench.block(name(1, 1), genesis);
    bench.persisted();
    bench.block(name(2, 2), genesis);
    bench.votes(1, count, name(2, 2));
    return bench;
}

// T05.
TEST(Switch, thirty_eight_of_a_hundred_prove_nothing_and_thirty_nine_do)
{
    TowerBench bench = with_voters_elsewhere(38);
    EXPECT_EQ(bench.engine.status().best, name(1, 1)) << "builds where it is bound";
    bench.block(name(4, 2), name(2, 2));
    EXPECT_EQ(bench.voted(), std::nullopt) << "the lockout is over, the proof is missing";
    bench.vote(39, name(2, 2));
    EXPECT_EQ(bench.voted(), name(4, 2));
    ASSERT_TRUE(bench.engine.last_switch().has_value());
    const ForkSwitch& how = *bench.engine.last_switch();
    EXPECT_EQ(how.reason, SwitchReason::proof);
    EXPECT_EQ(how.from, name(1, 1));
    EXPECT_EQ(how.to, name(4, 2));
    EXPECT_EQ(how.proof.stake, Stake{39});
    EXPECT_EQ(how.proof.total, Stake{100});
    EXPECT_EQ(how.proof.voters.count(), 39U);
    bench.persisted();
    bench.block(name(5, 2), name(4, 2));
    EXPECT_EQ(bench.voted(), name(5, 2));
    EXPECT_FALSE(bench.engine.last_switch().has_value()) << "the same fork needs no reason";
}

TEST(Switch, a_proof_moves_the_stand_at_once_and_the_vote_only_after_the_lockout)
{
    TowerBench bench = with_voters_elsewhere(39);
    EXPECT_EQ(bench.engine.status().best, name(2, 2));
    ASSERT_TRUE(bench.engine.standing_switch().has_value());
    bench.block(name(3, 2), name(2, 2));
    EXPECT_EQ(bench.voted(), std::nullopt);
    bench.block(name(4, 2), name(3, 2));
    EXPECT_EQ(bench.voted(), name(4, 2));
}

TEST(PlantedDefect, a_switch_at_38_exactly_is_seen)
{
    TowerBench bench = with_voters_elsewhere(38, {.switch_at_38_exactly = true});
    bench.block(name(4, 2), name(2, 2));
    EXPECT_EQ(bench.voted(), name(4, 2));
    TowerBench fewer = with_voters_elsewhere(37, {.switch_at_38_exactly = true});
    fewer.block(name(4, 2), name(2, 2));
    EXPECT_EQ(fewer.voted(), std::nullopt) << "37 are not enough even so";
}

TEST(PlantedDefect, a_switch_without_proof_is_seen)
{
    TowerBench bench = with_voters_elsewhere(2, {.no_switch_proof = true});
    bench.block(name(4, 2), name(2, 2));
    EXPECT_EQ(bench.voted(), name(4, 2));
}

TEST(PlantedDefect, an_unchecked_lockout_is_seen)
{
    TowerBench bench = with_voters_elsewhere(39, {.lockout_unchecked = true});
    EXPECT_EQ(bench.voted(), name(2, 2));
}

TEST(PlantedDefect, standing_on_the_heaviest_fork_while_bound_is_seen)
{
    const TowerBench bench = with_voters_elsewhere(38, {.resets_to_heaviest = true});
    EXPECT_EQ(bench.engine.status().best, name(2, 2));
}

/// This node voted for slot 5 last; 60 voted for slot 2 of another fork, and none since.
std::optional<BlockName> vote_after_old_votes(const TowerDefects& defects)
{
    TowerBench bench(signer(defects), units(100));
    bench.block(name(5, 1), genesis);
    bench.persisted();
    bench.block(name(2, 2), genesis);
    bench.votes(1, 60, name(2, 2));
    bench.block(name(9, 2), name(2, 2));
    return bench.voted();
}

TEST(Switch, votes_older_than_the_last_vote_prove_nothing)
{
    EXPECT_EQ(vote_after_old_votes({}), std::nullopt);
}

TEST(PlantedDefect, old_votes_that_prove_a_switch_are_seen)
{
    EXPECT_EQ(vote_after_old_votes({.old_votes_switch = true}), name(9, 2));
}

/// As before, but the votes for slot 2 are under one for slot 4, which binds through slot 6 and so
/// at slot 5 too.
TowerBench with_locked_elsewhere(std::uint16_t count)
{
    TowerBench bench(signer(), units(100));
    bench.block(name(5, 1), genesis);
    bench.persisted(); // binds through 7
    bench.block(name(2, 2), genesis);
    bench.block(name(4, 2), name(2, 2));
    bench.votes(1, count, name(4, 2), {2});
    return bench;
}

TEST(Switch, votes_that_bind_at_the_last_votes_slot_on_another_fork_prove)
{
    EXPECT_EQ(with_locked_elsewhere(38).engine.status().best, name(5, 1));
    EXPECT_EQ(with_locked_elsewhere(39).engine.status().best, name(4, 2));
}

TEST(Switch, lockouts_count_as_they_stand_at_the_leaf)
{
    TowerBench bench = with_locked_elsewhere(39);
    bench.block(name(6, 2), name(4, 2));
    EXPECT_EQ(bench.engine.status().best, name(6, 2)) << "bound through 6";
    bench.block(name(8, 2), name(6, 2));
    EXPECT_EQ(bench.voted(), std::nullopt) << "no leaf is left at which they are bound";
    EXPECT_EQ(bench.engine.status().best, name(5, 1));
}

TEST(Switch, a_lockout_that_begins_on_the_last_votes_own_chain_proves_nothing)
{
    TowerBench bench(signer(), units(100));
    bench.block(name(1), genesis);
    bench.persisted();
    bench.block(name(2, 1), name(1));
    bench.persisted(); // binds through 4
    bench.block(name(3, 2), name(1));
    // Slot 1 binds 39 of them through slot 5, but it is an ancestor of the last vote.
    bench.votes(1, 45, name(1));
    bench.votes(1, 8, name(3, 2), {1});
    bench.block(name(6, 2), name(3, 2));
    EXPECT_EQ(bench.voted(), std::nullopt);
    EXPECT_EQ(bench.engine.status().best, name(2, 1));
}

/// 39 voted for another branch of this node's own side of the fork, 60 long ago for the other side.
std::optional<BlockName> vote_after_own_side_votes(const TowerDefects& defects)
{
    TowerBench bench(signer(defects), units(100));
    bench.block(name(1, 1), genesis);
    bench.persisted();
    bench.block(name(4, 1), name(1, 1));
    bench.persisted();
    bench.block(name(5, 3), name(1, 1));
    bench.block(name(2, 2), genesis);
    bench.votes(1, 39, name(5, 3));
    bench.votes(40, 99, name(2, 2));
    bench.block(name(12, 2), name(2, 2));
    return bench.voted();
}

TEST(Switch, votes_for_a_branch_of_the_own_side_do_not_count_against_it)
{
    EXPECT_EQ(vote_after_own_side_votes({}), std::nullopt);
}

TEST(PlantedDefect, own_side_votes_that_prove_a_switch_are_seen)
{
    EXPECT_EQ(vote_after_own_side_votes({.own_side_switches = true}), name(12, 2));
}

/// 20 of a hundred are both bound at slot 5 and have voted since.
std::optional<BlockName> vote_after_twice_counted(const TowerDefects& defects)
{
    TowerBench bench(signer(defects), units(100));
    bench.block(name(5, 1), genesis);
    bench.persisted();
    bench.block(name(4, 2), genesis);
    bench.block(name(6, 2), name(4, 2));
    bench.votes(1, 20, name(6, 2), {4});
    bench.block(name(8, 2), name(6, 2));
    return bench.voted();
}

TEST(Switch, a_voter_counts_once)
{
    EXPECT_EQ(vote_after_twice_counted({}), std::nullopt);
    EXPECT_EQ(vote_after_twice_counted({.voter_counted_twice = true}), name(8, 2))
        << "planted defect";
}

// ---- Depth --------------------------------------------------------------------------------------

/// A chain of `index` slots for which this node and so many others voted, all in turn: its next
/// vote puts the one for slot 1 at that index. Whether it is cast.
bool votes_at_index(std::uint64_t index, std::size_t validator_count, std::uint16_t voter_count,
                    const TowerDefects& defects = {})
{
    TowerBench bench(signer(defects), units(validator_count));
    std::vector<std::uint64_t> before;
    for (std::uint64_t slot = 1; slot <= index; ++slot) {
        bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        bench.persisted();
        bench.votes(1, voter_count, name(slot), before);
        before.push_back(slot);
    }
    EXPECT_EQ(bench.engine.own().tower().depth(), index);
    bench.block(name(index + 1), name(index));
    return bench.voted().has_value();
}

TEST(Depth, the_fifth_vote_needs_more_than_38_percent_at_the_first)
{
    EXPECT_FALSE(votes_at_index(4, 100, 37)) << "38 with its own";
    EXPECT_TRUE(votes_at_index(4, 100, 38));
    EXPECT_TRUE(votes_at_index(4, 100, 0, {.shallow_depth_unchecked = true})) << "planted defect";
}

TEST(Depth, the_ninth_vote_needs_more_than_two_thirds_at_the_first)
{
    EXPECT_FALSE(votes_at_index(8, 99, 65)) << "66 of 99 with its own";
    EXPECT_TRUE(votes_at_index(8, 99, 66));
    EXPECT_TRUE(votes_at_index(8, 99, 65, {.quorum_is_at_least = true})) << "planted defect";
    EXPECT_TRUE(votes_at_index(8, 99, 45, {.threshold_unchecked = true})) << "planted defect";
}

/// 60 of a hundred voted for slot 1 and nothing after; whether that carries the fifth vote.
bool votes_over_expired_votes(const TowerDefects& defects)
{
    TowerBench bench(signer(defects), units(100));
    for (std::uint64_t slot = 1; slot <= 4; ++slot) {
        bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        bench.persisted();
    }
    bench.votes(1, 60, name(1)); // binds through 3
    bench.block(name(5), name(4));
    return bench.voted().has_value();
}

TEST(Depth, votes_that_have_expired_at_the_block_carry_nothing)
{
    EXPECT_FALSE(votes_over_expired_votes({}));
    EXPECT_TRUE(votes_over_expired_votes({.no_expiry = true})) << "planted defect";
}

TEST(Depth, votes_for_another_fork_carry_nothing)
{
    TowerBench bench(signer(), units(100));
    bench.block(name(1), genesis);
    bench.persisted();
    bench.block(name(2), name(1));
    bench.persisted();
    bench.block(name(3), name(2));
    bench.persisted();
    bench.block(name(4), name(3));
    bench.persisted();
    bench.block(name(4, 2), genesis);
    bench.votes(1, 38, name(4, 2)); // one more would be a proof to leave
    bench.votes(39, 75, name(4));
    bench.block(name(5), name(4));
    EXPECT_EQ(bench.voted(), std::nullopt) << "38 with its own";
    bench.vote(76, name(4));
    EXPECT_EQ(bench.voted(), name(5));
}

/// Everybody voted for twelve slots, one entry at a time; then only this node goes on, at slot 30,
/// when four of its own votes have expired.
bool votes_with_what_was_granted(const TowerDefects& defects)
{
    TowerBench bench(signer(defects));
    for (std::uint64_t slot = 1; slot <= 12; ++slot) {
        bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        bench.votes(1, 3, name(slot));
        bench.persisted();
    }
    EXPECT_EQ(bench.engine.own().tower().depth(), 12U);
    bench.block(name(30), name(12));
    return bench.voted().has_value();
}

TEST(Depth, an_entry_that_a_vote_does_not_deepen_was_granted_before)
{
    EXPECT_TRUE(votes_with_what_was_granted({}));
    EXPECT_FALSE(votes_with_what_was_granted({.no_threshold_escape = true})) << "planted defect";
}

// ---- Own blocks ---------------------------------------------------------------------------------

/// This node led slot 2; so many others of 100 voted for its block, then it is built on.
TowerBench with_own_block(std::uint16_t voter_count, const TowerDefects& defects = {})
{
    TowerBench bench(signer(defects), units(100));
    bench.block(name(1), genesis);
    bench.persisted();
    bench.block(name(2), name(1), 0);
    bench.persisted(); // its own vote counts as well
    bench.votes(1, voter_count, name(2));
    bench.block(name(3), name(2));
    return bench;
}

TEST(OwnBlock, is_extended_by_votes_once_more_than_a_third_has_seen_it)
{
    TowerBench bench = with_own_block(32);
    EXPECT_EQ(bench.voted(), std::nullopt) << "33 of 100";
    bench.vote(33, name(2));
    EXPECT_EQ(bench.voted(), name(3));
}

TEST(OwnBlock, was_seen_also_by_who_has_moved_on_to_another_fork)
{
    TowerBench bench = with_own_block(32);
    bench.block(name(4, 2), name(1));
    bench.votes(1, 5, name(4, 2)); // too few to leave for
    EXPECT_EQ(bench.voted(), std::nullopt);
    bench.vote(33, name(2));
    EXPECT_EQ(bench.voted(), name(3));
}

TEST(OwnBlock, was_seen_also_by_who_built_on_it)
{
    TowerBench bench = with_own_block(32);
    bench.block(name(4), name(3), 33);
    EXPECT_EQ(bench.voted(), name(4));
}

TEST(PlantedDefect, votes_on_unseen_own_blocks_are_seen)
{
    EXPECT_EQ(with_own_block(0, {.propagation_unchecked = true}).voted(), name(3));
}

// ---- Epochs -------------------------------------------------------------------------------------

/// Slot 10 begins an epoch in which validators 1 to 3 have 13 of 100 each, and before which they
/// had one each. They prove the switch to slot 10 or above, and to no block below.
std::optional<BlockName> vote_across_epochs(std::uint64_t slot, const TowerDefects& defects)
{
    TowerBench bench(signer(defects), units(100));
    std::vector<Stake> later(100, Stake{0});
    later[0] = Stake{61};
    for (std::size_t i = 1; i <= 3; ++i) {
        later[i] = Stake{13};
    }
    bench.epoch(1, 10, later); // early
    bench.block(name(1, 1), genesis);
    bench.persisted();
    bench.block(name(2, 2), genesis);
    bench.block(name(3, 2), name(2, 2));
    bench.votes(1, 3, name(3, 2));
    bench.block(name(slot, 2), name(3, 2));
    return bench.voted();
}

TEST(Epochs, a_switch_is_judged_with_the_stakes_of_the_block_it_goes_to)
{
    EXPECT_EQ(vote_across_epochs(9, {}), std::nullopt);
    EXPECT_EQ(vote_across_epochs(10, {}), name(10, 2));
    EXPECT_EQ(vote_across_epochs(10, {.wrong_epoch = true}), std::nullopt) << "planted defect";
}

/// Of four, the first three have all the stake from slot 3 on; they vote for slots 2 and 3.
std::vector<BlockName> confirmed_across_epochs(const TowerDefects& defects)
{
    TowerBench bench({.self = std::nullopt, .defects = defects},
                     {Stake{1}, Stake{1}, Stake{1}, Stake{97}});
    bench.epoch(1, 3, {Stake{1}, Stake{1}, Stake{1}, Stake{0}});
    bench.block(name(1), genesis);
    bench.block(name(2), name(1));
    bench.block(name(3), name(2));
    bench.votes(0, 2, name(2));
    bench.votes(0, 2, name(3));
    return bench.ever(Level::confirmed);
}

TEST(Epochs, a_block_is_confirmed_by_the_stakes_of_its_own_epoch)
{
    EXPECT_EQ(confirmed_across_epochs({}), std::vector{name(3)});
    EXPECT_TRUE(confirmed_across_epochs({.wrong_epoch = true}).empty()) << "planted defect";
}

TEST(Epochs, roots_finalise_by_the_stakes_of_the_block_they_reach)
{
    // Slots up to 5 belong to validator 3, later ones to the others.
    TowerBench bench({.self = std::nullopt}, {Stake{1}, Stake{1}, Stake{1}, Stake{97}});
    bench.epoch(1, 6, {Stake{1}, Stake{1}, Stake{1}, Stake{0}});
    std::vector<std::uint64_t> before;
    for (std::uint64_t slot = 1; slot <= 40; ++slot) {
        bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        bench.votes(0, 2, name(slot), before);
        before.push_back(slot);
    }
    EXPECT_EQ(bench.engine.status().finalized, genesis) << "slot 1 first, and 3 of 100 rooted it";
    before.pop_back();
    bench.vote(3, name(40), before);
    EXPECT_EQ(bench.engine.status().finalized, name(9));
}

} // namespace
} // namespace belfry::consensus
