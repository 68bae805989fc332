// SPDX-License-Identifier: Apache-2.0
// Tower and certificates together. How they live through bad times: certificate_mesh_test.cpp.
#include "consensus/certified_tower.hpp"
#include "consensus/evidence.hpp"
#include "tests/consensus/block_names.hpp"
#include "tests/consensus/certificate_mesh.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace belfry::consensus {
namespace {

using testing::genesis;
using testing::name;
using testing::test_check;
using testing::test_signature;

/// Validator 0 of four, which leads every slot; its disk is quick.
class Whole {
public:
    explicit Whole(const std::vector<Bytes>& journal = {})
        : engine({.tower = {.self = ValidatorIndex{0}, .may_sign = true}})
    {
        for (const Bytes& record : journal) {
            kept.push_back(record);
            restored = engine.restore({{JournalRecord{
                .sequence = *JournalSequence::from(kept.size()), .bytes = record}}});
        }
        const std::vector<Stake> stakes(4, Stake{1});
        const std::vector<ValidatorIndex> schedule(32, ValidatorIndex{0});
        step(EpochInfo{.number = {}, .first_slot = {}, .stakes = stakes, .schedule = schedule});
    }
    void step(const Input& input)
    {
        effects.clear();
        engine.step(Tick{at_ms * 1'000'000}, input, effects);
        bool wrote = false;
        for (const Effect& effect : effects.list()) {
            if (const auto* persist = std::get_if<Persist>(&effect)) {
                kept.emplace_back(persist->record.begin(), persist->record.end());
                ASSERT_EQ(persist->sequence.value(), kept.size()); // one sequence for both halves
                wrote = true;
            } else if (const auto* send = std::get_if<Send>(&effect)) {
                ++sent[static_cast<std::size_t>(send->kind)];
            } else if (const auto* commit = std::get_if<Commit>(&effect)) {
                commits.push_back(*commit);
            } else if (const auto* build = std::get_if<Build>(&effect)) {
                builds.push_back(build->parent);
            } else if (const auto* expose = std::get_if<Expose>(&effect)) {
                exposed.push_back(*decode_evidence(expose->evidence));
            } else if (const auto* fault = std::get_if<Fault>(&effect)) {
                faults.push_back(fault->why);
            }
        }
        ASSERT_EQ(engine.check(), std::nullopt);
        if (wrote) {
            step(Persisted{.upto = *JournalSequence::from(kept.size())});
        }
    }
    void block(const BlockName& block, const BlockName& parent)
    {
        step(Ready{.block = block,
                   .parent = parent,
                   .validity = Validity::valid,
                   .state_hash = {},
                   .author = {}});
    }
    void hear(const Statement& statement)
    {
        const StatementBody body = encode_statement(statement);
        step(
            VoteMessage{.from = statement.voter,
                        .body = body.view(),
                        .kind = statement.kind,
                        .signature = test_signature(statement.voter, statement.kind, body.view())});
    }
    void vote(std::uint16_t who, const std::vector<BlockName>& chain)
    {
        Tower tower;
        for (const BlockName& voted : chain) {
            (void)tower.push(voted.slot);
        }
        const ValidatorIndex voter{who};
        Bytes body;
        encode_tower_vote(
            {.voter = voter, .tower = tower, .block_id = chain.back().id, .state_hash = {}}, body);
        step(VoteMessage{.from = voter,
                         .body = body,
                         .kind = StatementKind::tower_vote,
                         .signature = test_signature(voter, StatementKind::tower_vote, body)});
    }
    void notarize(const BlockName& block)
    {
        for (const std::uint16_t who : others) {
            hear(Statement::notarize(ValidatorIndex{who}, block));
        }
    }
    void finalize(std::uint64_t slot)
    {
        for (const std::uint16_t who : others) {
            hear(Statement::finalize(ValidatorIndex{who}, Slot{slot}));
        }
    }
    void skip(std::uint64_t first, std::uint64_t last)
    {
        for (const std::uint16_t who : others) {
            hear(Statement::skip(ValidatorIndex{who}, {.first = Slot{first}, .last = Slot{last}}));
        }
    }
    void build(std::uint64_t slot) { step(Timer{.kind = TimerKind::build, .slot = Slot{slot}}); }
    [[nodiscard]] bool reached(Level level, const BlockName& block) const
    {
        return std::ranges::any_of(commits, [&](const Commit& commit) {
            return commit.level == level && commit.block == block;
        });
    }

    static constexpr std::array<std::uint16_t, 3> others{1, 2, 3};
    CertifiedTower engine;
    Effects effects;
    Result<void, RestoreError> restored;
    std::vector<Bytes> kept;
    std::array<std::size_t, 5> sent{};
    std::vector<Commit> commits;
    std::vector<BlockName> builds;
    std::vector<Evidence> exposed;
    std::vector<FaultReason> faults;
    std::uint64_t at_ms = 600;
};

TEST(CertifiedTower, finalises_by_certificate_and_prunes_towers_tree)
{
    Whole node;
    node.block(name(1), genesis);
    node.block(name(1, 2), genesis);
    node.block(name(2), name(1));
    node.notarize(name(1));
    node.finalize(1);
    EXPECT_TRUE(node.reached(Level::finalized, name(1)));
    EXPECT_EQ(node.engine.status().finalized, name(1));
    EXPECT_EQ(node.engine.tower().forks().count(), 2U); // 1 and 2; not the other version of 1
    EXPECT_GT(node.sent[static_cast<std::size_t>(StatementKind::tower_vote)], 0U);
    EXPECT_GT(node.sent[static_cast<std::size_t>(StatementKind::notarize)], 0U);
    EXPECT_GT(node.sent[static_cast<std::size_t>(StatementKind::finalize)], 0U);
}

TEST(CertifiedTower, X04_roots_of_everybody_finalise_nothing_and_give_way_to_a_certificate)
{
    Whole node;
    std::vector<BlockName> chain;
    for (std::uint64_t slot = 1; slot <= 70; ++slot) {
        node.block(name(slot, 1), chain.empty() ? genesis : chain.back());
        chain.push_back(name(slot, 1));
        for (const std::uint16_t who : Whole::others) {
            node.vote(who, chain);
        }
    }
    EXPECT_GT(node.engine.status().rooted.slot, Slot{20});
    EXPECT_GT(node.engine.status().super_rooted.slot, Slot{20});
    EXPECT_EQ(node.engine.status().finalized, genesis);
    // A final certificate for another block of the first slot comes late.
    node.block(name(1, 2), genesis);
    node.notarize(name(1, 2));
    node.finalize(1);
    EXPECT_EQ(node.engine.status().finalized, name(1, 2));
    EXPECT_EQ(node.engine.tower().counters().roots_rolled_back, 1U);
    EXPECT_TRUE(node.faults.empty());
    EXPECT_TRUE(node.engine.status().may_sign);
}

TEST(CertifiedTower, builds_above_the_base_even_when_votes_are_elsewhere)
{
    Whole node;
    node.block(name(1, 1), genesis);
    node.block(name(2, 1), name(1, 1));
    node.block(name(1, 2), genesis);
    for (const std::uint16_t who : Whole::others) {
        node.vote(who, {name(1, 1), name(2, 1)});
    }
    node.build(3);
    ASSERT_EQ(node.builds.size(), 1U);
    EXPECT_EQ(node.builds.back(), name(2, 1));
    node.notarize(name(1, 2));
    node.build(4);
    ASSERT_EQ(node.builds.size(), 2U);
    EXPECT_EQ(node.builds.back(), name(1, 2));
}

TEST(CertifiedTower, builds_on_the_base_when_the_best_leaf_had_its_chance)
{
    Whole node;
    node.step(Timer{.kind = TimerKind::slot_tick, .slot = Slot{1}});
    node.block(name(1), genesis);
    node.block(name(2), name(1));
    node.skip(1, 2);
    node.build(3);
    EXPECT_EQ(node.builds.back(), name(2));
    node.at_ms = 5'000;
    node.build(8);
    EXPECT_EQ(node.builds.back(), genesis);
}

TEST(CertifiedTower, restores_both_halves_from_one_journal)
{
    Whole before;
    before.block(name(1), genesis);
    before.notarize(name(1));
    before.block(name(2), name(1));
    before.build(3);
    Whole after(before.kept);
    ASSERT_TRUE(after.restored);
    EXPECT_EQ(after.engine.status().last_vote, before.engine.status().last_vote);
    EXPECT_EQ(after.engine.gadget().said(Slot{1}).notarized, name(1).id);
    EXPECT_TRUE(after.engine.gadget().said(Slot{1}).finalized);
    after.block(name(1), genesis);
    after.block(name(2), name(1));
    const std::size_t kept_count = after.kept.size();
    after.notarize(name(2));
    EXPECT_TRUE(after.engine.gadget().said(Slot{2}).finalized);
    EXPECT_GT(after.kept.size(), kept_count); // the sequence goes on where it was
    after.builds.clear();
    after.build(3);
    EXPECT_TRUE(after.builds.empty());
}

TEST(CertifiedTower, refuses_a_journal_with_a_gap_whichever_half_wrote_it)
{
    for (const std::uint64_t second : {1U, 3U}) {
        Whole before;
        before.block(name(1), genesis); // a vote and a notarize
        ASSERT_EQ(before.kept.size(), 2U);
        CertifiedTower engine({.tower = {.self = ValidatorIndex{0}, .may_sign = true}});
        const std::array records{
            JournalRecord{.sequence = JournalSequence::first(), .bytes = before.kept[0]},
            JournalRecord{.sequence = *JournalSequence::from(second), .bytes = before.kept[1]}};
        EXPECT_EQ(engine.restore(records).error(), RestoreError::sequence_gap);
    }
}

TEST(CertifiedTower, proves_tower_votes_that_contradict_each_other)
{
    Whole node;
    node.block(name(1), genesis);
    node.vote(2, {name(1), name(4)});
    node.vote(2, {name(1), name(4)});
    node.vote(2, {name(1), name(5)}); // while 4 binds
    node.vote(2, {name(1), name(5)});
    ASSERT_EQ(node.exposed.size(), 1U);
    EXPECT_EQ(node.exposed.front().voter, ValidatorIndex{2});
    EXPECT_TRUE(verify_evidence(node.exposed.front(), test_check));
}

TEST(CertifiedTower, when_one_half_must_stop_so_does_the_other)
{
    Whole node;
    node.hear(Statement::finalize(ValidatorIndex{0}, Slot{3})); // with this node's key
    EXPECT_EQ(node.faults, std::vector<FaultReason>{FaultReason::identity_elsewhere});
    EXPECT_FALSE(node.engine.status().may_sign);
    node.block(name(1), genesis);
    EXPECT_TRUE(node.kept.empty());
}

TEST(CertifiedTower, is_what_genesis_asks_for)
{
    EngineConfig config{.tower = {.self = ValidatorIndex{0}, .may_sign = true}};
    EXPECT_NE(dynamic_cast<CertifiedTower*>(make_engine(config).get()), nullptr);
    config.certificates = false;
    EXPECT_NE(dynamic_cast<TowerEngine*>(make_engine(config).get()), nullptr);
}

} // namespace
} // namespace belfry::consensus
