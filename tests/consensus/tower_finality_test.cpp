// SPDX-License-Identifier: Apache-2.0
// The two modes of finality: by roots, and by certificates that come from outside.
#include "consensus/evidence.hpp"
#include "tests/consensus/tower_bench.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace belfry::consensus {
namespace {

const TowerConfig with_certificates{
    .self = ValidatorIndex{0}, .may_sign = true, .certificates = true};

/// One chain of 40 slots for which everybody votes: towers are 31 deep, and slot 9 is the root.
TowerBench rooted(const TowerConfig& config)
{
    TowerBench bench(config);
    std::vector<std::uint64_t> before;
    for (std::uint64_t slot = 1; slot <= 40; ++slot) {
        bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        for (const std::uint16_t who : others) {
            bench.vote(who, name(slot), before);
        }
        bench.persisted();
        before.push_back(slot);
    }
    return bench;
}

TEST(Finality, without_certificates_is_what_more_than_two_thirds_have_rooted)
{
    const TowerBench bench = rooted({.self = ValidatorIndex{0}, .may_sign = true});
    EXPECT_EQ(bench.engine.status().finalized, name(9));
    EXPECT_EQ(bench.engine.status().super_rooted, name(9));
    EXPECT_EQ(bench.ever(Level::finalized).size(), 9U);
    EXPECT_EQ(bench.ever(Level::finalized), bench.ever(Level::super_rooted));
}

TEST(Finality, with_certificates_the_roots_are_told_and_act_on_nothing)
{
    const TowerBench bench = rooted(with_certificates);
    EXPECT_EQ(bench.ever(Level::super_rooted).size(), 9U);
    EXPECT_TRUE(bench.ever(Level::finalized).empty());
    EXPECT_EQ(bench.engine.status().super_rooted, name(9));
    EXPECT_EQ(bench.engine.status().finalized, genesis);
    EXPECT_EQ(bench.engine.forks().count(), 41U) << "blocks are kept down to the final one";
}

TEST(Finality, what_is_rooted_is_told_though_certificates_were_far_ahead_of_it)
{
    TowerBench bench(with_certificates);
    std::vector<std::uint64_t> before;
    for (std::uint64_t slot = 1; slot <= 40; ++slot) {
        bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
        for (const std::uint16_t who : others) {
            bench.vote(who, name(slot), before);
        }
        bench.persisted();
        before.push_back(slot);
        if (slot > 1) {
            bench.finalize(name(slot - 1));
        }
        bench.tick();
    }
    EXPECT_EQ(bench.engine.status().finalized, name(39));
    EXPECT_EQ(bench.engine.status().super_rooted, name(9));
    EXPECT_EQ(bench.ever(Level::super_rooted).size(), 9U);
    // A voter that the tree does not know to be on the final chain says nothing of it.
    for (const std::uint16_t who : others) {
        bench.vote(who, name(41, 2), before);
    }
    bench.tick();
    EXPECT_EQ(bench.engine.status().super_rooted, name(9));
}

TEST(PlantedDefect, roots_that_act_beside_certificates_are_seen)
{
    TowerConfig config = with_certificates;
    config.defects.roots_act = true;
    EXPECT_EQ(rooted(config).ever(Level::finalized).size(), 9U);
}

TEST(Finality, a_certificate_prunes_to_its_block_and_forks_are_chosen_below_it)
{
    TowerBench bench({.self = std::nullopt, .certificates = true});
    bench.block(name(1, 1), genesis);
    bench.block(name(4, 1), name(1, 1));
    bench.block(name(2, 2), genesis);
    bench.block(name(3, 2), name(2, 2));
    for (const std::uint16_t who : first_three) {
        bench.vote(who, name(4, 1));
    }
    EXPECT_EQ(bench.engine.status().best, name(4, 1));
    bench.finalize(name(2, 2));
    EXPECT_EQ(bench.commits(Level::finalized), std::vector{name(2, 2)});
    EXPECT_EQ(bench.engine.status().best, name(3, 2));
    EXPECT_EQ(bench.engine.forks().count(), 2U);
    bench.finalize(name(2, 2));
    EXPECT_TRUE(bench.effects.list().empty()) << "said once";
}

TEST(Finality, a_certificate_brings_a_purged_version_back)
{
    TowerBench bench({.self = std::nullopt, .certificates = true});
    bench.block(name(1, 1), genesis);
    bench.block(name(1, 2), genesis);
    for (const std::uint16_t who : first_three) {
        bench.vote(who, name(1, 1));
    }
    EXPECT_TRUE(bench.engine.forks().find(name(1, 2)).is_none());
    bench.finalize(name(1, 2));
    ASSERT_EQ(bench.all<Want>().size(), 1U);
    bench.block(name(1, 2), genesis);
    EXPECT_EQ(bench.commits(Level::finalized), std::vector{name(1, 2)});
    EXPECT_EQ(bench.engine.status().best, name(1, 2));
}

TEST(Finality, a_node_whose_replay_refused_what_is_final_stops_signing)
{
    TowerBench bench(with_certificates);
    bench.step(Ready{.block = name(1),
                     .parent = genesis,
                     .validity = Validity::invalid,
                     .state_hash = {},
                     .author = ValidatorIndex{1}});
    bench.finalize(name(1));
    ASSERT_EQ(bench.all<Fault>().size(), 1U);
    EXPECT_EQ(bench.all<Fault>()[0].why, FaultReason::final_block_invalid);
    EXPECT_TRUE(bench.commits(Level::finalized).empty());
    EXPECT_FALSE(bench.engine.status().may_sign);
}

TEST(Finality, a_certificate_releases_the_votes_up_to_it_on_other_forks)
{
    const auto overruled = [](const TowerDefects& defects) {
        TowerConfig config = with_certificates;
        config.defects = defects;
        TowerBench bench(config);
        BlockName tip = genesis;
        for (std::uint64_t slot = 2; slot <= 8; ++slot) { // bound for 2^7 slots
            bench.block(name(slot, 1), tip);
            bench.persisted();
            bench.vote(1, name(slot, 1));
            bench.vote(2, name(slot, 1));
            tip = name(slot, 1);
        }
        EXPECT_EQ(bench.engine.status().tower_depth, 7U);
        bench.block(name(1, 2), genesis);
        bench.finalize(name(1, 2));
        bench.block(name(9, 2), name(1, 2));
        EXPECT_EQ(bench.voted(), std::nullopt) << "the votes are above what is final";
        bench.finalize(name(9, 2));
        bench.block(name(10, 2), name(9, 2));
        return bench.voted();
    };
    EXPECT_EQ(overruled({}), name(10, 2));
    EXPECT_EQ(overruled({.lost_votes_bind = true}), std::nullopt) << "planted defect";
}

TEST(Finality, a_vote_above_a_final_block_binds_though_that_is_on_another_fork)
{
    TowerBench bench(with_certificates);
    bench.block(name(2, 1), genesis);
    bench.persisted(); // bound through slot 4
    bench.block(name(1, 2), genesis);
    bench.finalize(name(1, 2));
    EXPECT_EQ(bench.engine.status().best, name(1, 2));
    bench.block(name(4, 2), name(1, 2));
    EXPECT_EQ(bench.voted(), std::nullopt);
    bench.block(name(5, 2), name(4, 2));
    EXPECT_EQ(bench.voted(), name(5, 2)) << "the certificate is all the proof it needs";
}

TEST(Finality, what_a_certificate_released_is_no_evidence_against_the_voter)
{
    TowerBench bench(with_certificates);
    BlockName tip = genesis;
    const auto sent = [&] {
        const std::vector<Send> sends = bench.all<Send>();
        return sends.empty() ? TowerVote{} : decode_tower_vote(sends.front().body).value();
    };
    TowerVote before;
    for (std::uint64_t slot = 1; slot <= 3; ++slot) {
        bench.block(name(slot, 1), tip);
        before = sent();
        bench.persisted();
        tip = name(slot, 1);
    }
    bench.block(name(4, 2), genesis);
    bench.finalize(name(4, 2));
    bench.block(name(5, 2), name(4, 2));
    ASSERT_EQ(bench.voted(), name(5, 2)) << "slot 1 would bind through 9";
    const TowerVote after = sent();
    EXPECT_EQ(after.tower.root(), Slot{4});
    EXPECT_FALSE(contradicts(before, after));
}

TEST(Finality, an_own_root_against_a_certificate_is_rolled_back_and_no_fault)
{
    TowerBench bench = rooted(with_certificates);
    ASSERT_EQ(bench.engine.status().rooted, name(9));
    bench.block(name(7, 2), name(4));
    bench.finalize(name(7, 2));
    EXPECT_EQ(bench.engine.counters().roots_rolled_back, 1U);
    EXPECT_TRUE(bench.all<Fault>().empty());
    EXPECT_TRUE(bench.engine.status().may_sign);
    EXPECT_EQ(bench.engine.status().finalized, name(7, 2));
    EXPECT_EQ(bench.engine.status().rooted, name(4)) << "where the forks part";
    EXPECT_EQ(bench.engine.status().tower_depth, 31U) << "its votes above still bind";
    bench.finalize(name(8, 2));
    bench.block(name(8, 2), name(7, 2));
    EXPECT_EQ(bench.engine.counters().roots_rolled_back, 1U);
}

TEST(Finality, a_final_block_that_is_not_held_is_wanted_and_final_when_it_comes)
{
    TowerBench bench({.self = std::nullopt, .certificates = true});
    bench.finalize(name(2));
    ASSERT_EQ(bench.all<Want>().size(), 1U);
    EXPECT_EQ(bench.all<Want>()[0].block, name(2));
    bench.finalize(name(2));
    EXPECT_TRUE(bench.effects.list().empty());
    bench.block(name(1), genesis);
    EXPECT_TRUE(bench.commits(Level::finalized).empty());
    bench.block(name(2), name(1));
    EXPECT_EQ(bench.commits(Level::finalized), std::vector{name(2)});
}

TEST(Finality, of_many_final_blocks_not_held_the_low_ones_and_the_newest_are_kept)
{
    TowerBench bench({.self = std::nullopt, .certificates = true});
    for (std::uint64_t slot = 1; slot <= awaited_finals_max + 20; ++slot) {
        bench.finalize(name(slot));
    }
    EXPECT_EQ(bench.engine.counters().finals_dropped, 20U);
    for (std::uint64_t slot = 1; slot <= awaited_finals_max + 20; ++slot) {
        bench.block(name(slot), slot == 1 ? genesis : name(slot - 1));
    }
    EXPECT_EQ(bench.engine.status().finalized, name(awaited_finals_max + 20));
}

TEST(Base, a_leader_builds_in_its_subtree_and_votes_as_before)
{
    TowerBench bench(with_certificates);
    bench.block(name(1, 1), genesis);
    bench.persisted();
    bench.block(name(1, 2), genesis);
    bench.block(name(2, 2), name(1, 2));
    bench.engine.set_base(name(1, 2));
    EXPECT_EQ(bench.engine.status().best, name(1, 1));
    bench.build(3);
    ASSERT_EQ(bench.all<Build>().size(), 1U);
    EXPECT_EQ(bench.all<Build>()[0].parent, name(2, 2));
    bench.block(name(3, 1), name(1, 1));
    EXPECT_EQ(bench.voted(), name(3, 1));
}

TEST(Base, is_built_on_itself_when_it_has_no_leaf_and_stood_on_when_the_best_is_below_it)
{
    TowerBench bench(with_certificates);
    bench.block(name(1, 1), genesis);
    bench.block(name(1, 2), genesis);
    bench.engine.set_base(name(1, 2));
    bench.build(2);
    ASSERT_EQ(bench.all<Build>().size(), 1U);
    EXPECT_EQ(bench.all<Build>()[0].parent, name(1, 2));
    bench.engine.set_base(genesis);
    bench.build(3);
    ASSERT_EQ(bench.all<Build>().size(), 1U);
    EXPECT_EQ(bench.all<Build>()[0].parent, name(1, 1));
}

TEST(Base, nothing_is_built_while_it_is_not_held_or_not_below_the_slot)
{
    TowerBench bench(with_certificates);
    bench.block(name(2), genesis);
    bench.engine.set_base(name(2));
    bench.build(1);
    bench.build(2);
    bench.engine.set_base(name(1, 7));
    bench.build(3);
    EXPECT_TRUE(bench.all<Build>().empty());
    EXPECT_EQ(bench.engine.counters().builds_refused, 3U);
    bench.engine.set_base(name(2));
    bench.build(3);
    EXPECT_EQ(bench.all<Build>().size(), 1U);
}

} // namespace
} // namespace belfry::consensus
