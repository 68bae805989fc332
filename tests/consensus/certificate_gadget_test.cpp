// SPDX-License-Identifier: Apache-2.0
// The rules of gadget.hpp, one by one.
#include "tests/consensus/certificate_bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace belfry::consensus {
namespace {

using testing::GadgetBench;
using testing::genesis;
using testing::name;
using testing::test_check;

// ---- Notarize -----------------------------------------------------------------------------------

TEST(Gadget, notarizes_a_block_whose_parent_is_final)
{
    GadgetBench bench;
    bench.block(name(1), genesis);
    EXPECT_TRUE(bench.says_notarize(name(1)));
    EXPECT_EQ(bench.sends_after[1], 1U);
}

TEST(Gadget, notarizes_nothing_invalid_and_nothing_on_an_unready_parent)
{
    GadgetBench bench;
    bench.block(name(1), genesis, false);
    bench.block(name(2), name(1));
    bench.block(name(3), genesis); // passes over 1 and 2
    EXPECT_TRUE(bench.said.empty());
    bench.skip(1, 1, 2);
    bench.skip(2, 1, 2);
    EXPECT_TRUE(bench.said.empty());
    bench.skip(3, 2, 2);
    EXPECT_TRUE(bench.said.empty()); // slot 1 has no certificate yet
    bench.skip(3, 1, 1);
    EXPECT_TRUE(bench.says_notarize(name(3)));
}

TEST(Gadget, notarizes_a_child_as_soon_as_its_parent_is_notarized)
{
    GadgetBench bench;
    bench.block(name(1), genesis);
    bench.block(name(2), name(1));
    EXPECT_FALSE(bench.says_notarize(name(2)));
    bench.persist_all();
    bench.notarize(1, name(1));
    EXPECT_FALSE(bench.says_notarize(name(2)));
    bench.notarize(2, name(1));
    EXPECT_TRUE(bench.says_notarize(name(2)));
}

TEST(Gadget, notarizes_one_block_a_slot)
{
    GadgetBench bench;
    bench.block(name(1, 1), genesis);
    bench.block(name(1, 2), genesis);
    EXPECT_EQ(bench.said.size(), 1U);
    for (const int who : {1, 2, 3}) {
        bench.notarize(who, name(1, 2));
    }
    EXPECT_TRUE(bench.gadget.has_certificate(StatementKind::notarize, Slot{1}));
    EXPECT_FALSE(bench.says_notarize(name(1, 2)));
    EXPECT_FALSE(bench.says_finalize(1));
    EXPECT_EQ(bench.gadget.base(), name(1, 2));
}

TEST(Gadget, notarizes_late_after_its_own_skip)
{
    for (const bool forbidden : {false, true}) {
        GadgetConfig config = GadgetBench::standard();
        config.defects.skip_forbids_notarize = forbidden;
        GadgetBench bench(4, config);
        bench.tick(1);
        bench.tick(2);
        bench.tick(4);
        EXPECT_TRUE(bench.says_skip(1));
        bench.block(name(1), genesis);
        EXPECT_EQ(bench.says_notarize(name(1)), !forbidden);
        bench.persist_all();
        bench.notarize(1, name(1));
        bench.notarize(2, name(1));
        EXPECT_FALSE(bench.says_finalize(1));
    }
}

// ---- Finalize -----------------------------------------------------------------------------------

TEST(Gadget, finalizes_what_it_notarized_once_that_is_certified)
{
    GadgetBench bench;
    bench.block(name(1), genesis);
    bench.notarize(1, name(1));
    bench.notarize(2, name(1));
    EXPECT_FALSE(bench.says_finalize(1)); // its own does not count before it is durable
    bench.persist_all();
    EXPECT_TRUE(bench.says_finalize(1));
    EXPECT_EQ(bench.gadget.base(), name(1));
    EXPECT_EQ(bench.gadget.finalized(), genesis);
    bench.finalize(1, 1);
    bench.finalize(2, 1);
    EXPECT_EQ(bench.gadget.finalized(), genesis);
    bench.persist_all();
    EXPECT_EQ(bench.gadget.finalized(), name(1));
}

TEST(Gadget, one_record_under_way_does_not_hold_up_the_next)
{
    GadgetBench bench;
    bench.block(name(1), genesis);
    for (const int who : {1, 2, 3}) {
        bench.notarize(who, name(1));
    }
    bench.block(name(2), name(1));
    EXPECT_TRUE(bench.says_finalize(1)); // although nothing is durable yet
    EXPECT_TRUE(bench.says_notarize(name(2)));
    EXPECT_EQ(bench.kept.size(), 3U);
}

TEST(Gadget, never_skips_what_it_finalized)
{
    GadgetBench bench;
    bench.tick(1);
    bench.block(name(1), genesis);
    bench.persist_all();
    bench.notarize(1, name(1));
    bench.notarize(2, name(1));
    EXPECT_TRUE(bench.says_finalize(1));
    for (const int who : {1, 2, 3}) {
        bench.skip(who, 1, 1); // more liars than there may be
        bench.notarize(who, name(2));
    }
    bench.block(name(2), genesis);
    EXPECT_EQ(bench.gadget.base(), name(2)); // which passes over slot 1
    for (std::uint64_t slot = 2; slot < 30; ++slot) {
        bench.tick(slot);
    }
    EXPECT_FALSE(bench.says_skip(1));
}

// ---- Skip ---------------------------------------------------------------------------------------

TEST(Gadget, skips_a_window_without_any_shred_in_one_range)
{
    GadgetBench bench;
    bench.tick(4);
    bench.pass_to(4 * 600 + 749);
    EXPECT_FALSE(bench.says_skip(4));
    bench.pass_to(4 * 600 + 750);
    EXPECT_TRUE(
        bench.says(Statement::skip(ValidatorIndex{0}, {.first = Slot{4}, .last = Slot{7}})));
}

TEST(Gadget, waits_for_a_window_with_a_shred_until_each_slot_has_ended)
{
    GadgetBench bench;
    bench.tick(4);
    bench.gadget.first_shred(Slot{4});
    bench.tick(5);
    bench.pass_to(5 * 600 + 999);
    EXPECT_FALSE(bench.says_skip(4));
    bench.pass_to(5 * 600 + 1'000);
    EXPECT_TRUE(bench.says_skip(4));
    EXPECT_FALSE(bench.says_skip(5));
}

TEST(Gadget, skips_what_it_notarized_when_no_certificate_comes)
{
    GadgetBench bench;
    bench.tick(4);
    bench.skip(1, 1, 3);
    bench.skip(2, 1, 3);
    bench.skip(3, 1, 3);
    bench.block(name(4), genesis);
    EXPECT_TRUE(bench.says_notarize(name(4)));
    bench.tick(5);
    bench.pass_to(5 * 600 + 1'000);
    EXPECT_TRUE(bench.says_skip(4));
    bench.persist_all();
    bench.notarize(1, name(4));
    bench.notarize(2, name(4));
    EXPECT_TRUE(bench.gadget.has_certificate(StatementKind::notarize, Slot{4}));
    EXPECT_FALSE(bench.says_finalize(4));
}

TEST(Gadget, does_not_skip_below_a_notarized_slot)
{
    GadgetBench bench;
    bench.tick(1);
    for (const int who : {1, 2, 3}) {
        bench.notarize(who, name(2));
    }
    bench.tick(2);
    bench.tick(3);
    bench.pass_to(3 * 600 + 1'000);
    EXPECT_FALSE(bench.says_skip(1)); // whether 2 passes over it will be seen with its block
    EXPECT_FALSE(bench.says_skip(2));
    EXPECT_EQ(bench.wanted, std::vector<BlockName>{name(2)});
    bench.block(name(2), genesis);
    EXPECT_EQ(bench.gadget.base(), name(2));
    EXPECT_TRUE(bench.says_skip(1));
}

TEST(Gadget, says_a_run_of_skips_as_one_range)
{
    GadgetBench bench;
    bench.gadget.first_shred(Slot{1});
    for (std::uint64_t slot = 1; slot <= 3; ++slot) {
        bench.tick(slot);
    }
    bench.pass_to(3 * 600 + 1'000);
    bench.tick(5);
    bench.pass_to(5 * 600 + 1'000);
    const Statement& last = bench.said.back();
    EXPECT_EQ(last.kind, StatementKind::skip);
    EXPECT_EQ(last.first, Slot{1}); // with what was said before: who missed it has it again
    EXPECT_GE(last.last, Slot{4});
}

// ---- Certificates -------------------------------------------------------------------------------

TEST(Gadget, certifies_at_strictly_more_than_two_thirds)
{
    for (std::size_t count = 2; count <= 30; ++count) {
        GadgetConfig config = GadgetBench::standard();
        config.self.reset();
        GadgetBench bench(count, config);
        for (std::uint16_t who = 0; who < count; ++who) {
            bench.notarize(who, name(1));
            bench.skip(who, 3, 4);
            bench.finalize(who, 5);
            const bool expected = 3U * (who + 1U) > 2 * count;
            ASSERT_EQ(bench.gadget.has_certificate(StatementKind::notarize, Slot{1}), expected);
            ASSERT_EQ(bench.gadget.has_certificate(StatementKind::skip, Slot{4}), expected);
            ASSERT_EQ(bench.gadget.has_certificate(StatementKind::finalize, Slot{5}), expected);
        }
    }
}

TEST(Gadget, judges_a_slot_by_its_own_epoch_however_many_have_begun_since)
{
    GadgetBench bench;
    const std::vector<Stake> equal(4, Stake{1});
    const std::vector<Stake> one_has_all{Stake{0}, Stake{0}, Stake{0}, Stake{9}};
    for (std::uint16_t who = 1; who < 4; ++who) {
        bench.notarize(who, name(5));
    }
    ASSERT_TRUE(bench.gadget.has_certificate(StatementKind::notarize, Slot{5}));
    for (std::uint64_t epoch = 1; epoch <= 12; ++epoch) {
        bench.begin_epoch(epoch, epoch * 64, epoch % 2 == 1 ? one_has_all : equal);
        ASSERT_EQ(bench.gadget.check(), std::nullopt) << "epoch " << epoch;
    }
    for (std::uint16_t who = 1; who < 3; ++who) {
        bench.finalize(who, 5);
        bench.skip(who, 70, 70);
    }
    EXPECT_FALSE(bench.gadget.has_certificate(StatementKind::finalize, Slot{5}));
    bench.finalize(3, 5);
    EXPECT_TRUE(bench.gadget.has_certificate(StatementKind::finalize, Slot{5}));
    EXPECT_FALSE(bench.gadget.has_certificate(StatementKind::skip, Slot{70}));
    bench.skip(3, 70, 70);
    EXPECT_TRUE(bench.gadget.has_certificate(StatementKind::skip, Slot{70}));
}

TEST(Gadget, keeps_the_clock_out_of_the_end_of_its_window_until_all_below_is_settled)
{
    GadgetBench bench;
    const std::uint64_t end = bench.gadget.window_end().value;
    EXPECT_EQ(bench.gadget.slot_limit(), Slot{end - end / 8});
    // Skipped up to there by all but one of four: settled, and a few slots may begin.
    for (std::uint16_t who = 1; who < 4; ++who) {
        bench.skip(who, 1, end - end / 8 - 2);
    }
    EXPECT_EQ(bench.gadget.slot_limit(), Slot{end - end / 8 + 6});
    // A notarized block is no less settled, what is open below it is passed over.
    const BlockName block = name(end - 100);
    bench.block(block, genesis);
    for (std::uint16_t who = 1; who < 4; ++who) {
        bench.notarize(who, block);
    }
    EXPECT_EQ(bench.gadget.slot_limit(), Slot{end - 100 + 8});
    // Never beyond the window, however much is settled.
    for (std::uint16_t who = 1; who < 4; ++who) {
        bench.skip(who, end - 99, end - 1);
    }
    EXPECT_EQ(bench.gadget.slot_limit(), bench.gadget.window_end());
}

TEST(Gadget, counts_nobody_twice)
{
    GadgetBench bench;
    for (int i = 0; i < 10; ++i) {
        bench.notarize(1, name(1));
        bench.skip(1, 3, 4);
        bench.skip(1, 4, 6);
        bench.finalize(1, 5);
    }
    EXPECT_FALSE(bench.gadget.has_certificate(StatementKind::notarize, Slot{1}));
    EXPECT_FALSE(bench.gadget.has_certificate(StatementKind::skip, Slot{4}));
    EXPECT_FALSE(bench.gadget.has_certificate(StatementKind::finalize, Slot{5}));
    bench.skip(9, 1, 1); // nobody
    EXPECT_EQ(bench.gadget.counters().statements_unknown_voter, 1U);
}

TEST(Gadget, counts_an_equivocator_for_whatever_a_quorum_is_shown_for)
{
    GadgetBench bench(7);
    // Liars 5 and 6 told this node about two blocks that nobody else notarizes.
    for (const int liar : {5, 6}) {
        bench.notarize(liar, name(1, 8));
        bench.notarize(liar, name(1, 9));
    }
    EXPECT_EQ(bench.exposed.size(), 2U);
    EXPECT_TRUE(verify_evidence(bench.exposed.at(0), test_check));
    // Others have their votes for the block that three honest ones notarized, and show them.
    for (const int who : {1, 2, 3, 5, 6}) {
        bench.notarize(who, name(1, 1));
    }
    EXPECT_EQ(bench.gadget.notarized(Slot{1}), name(1, 1));
    EXPECT_EQ(bench.exposed.size(), 2U); // each once
}

TEST(Gadget, gives_certificates_that_anybody_can_verify)
{
    GadgetBench bench;
    bench.block(name(1), genesis);
    bench.persist_all();
    bench.notarize(1, name(1));
    bench.notarize(2, name(1));
    bench.finalize(1, 1);
    bench.finalize(2, 1);
    bench.persist_all();
    EXPECT_EQ(bench.gadget.finalized(), name(1));
    EXPECT_TRUE(bench.certified.empty()); // its own signatures are with the node
    bench.echo();
    ASSERT_EQ(bench.certified.size(), 2U);
    const std::vector<Stake> stakes(4, Stake{1});
    for (const Certificate& certificate : bench.certified) {
        EXPECT_TRUE(verify_certificate(certificate, *StakeTable::make(stakes), test_check));
        EXPECT_EQ(bench.gadget.certificate(certificate.kind, Slot{1}), certificate);
    }
    EXPECT_EQ(bench.gadget.latest_certificates().size(), 2U);
}

TEST(Gadget, holds_statements_only_inside_its_window)
{
    GadgetBench bench;
    bench.finalize(1, bench.gadget.window_end().value);
    bench.finalize(1, UINT64_MAX);
    bench.notarize(1, name(bench.gadget.window_end().value));
    EXPECT_EQ(bench.gadget.counters().statements_outside_window, 3U);
    bench.skip(1, bench.gadget.window_end().value - 1, bench.gadget.window_end().value + 90);
    EXPECT_EQ(bench.gadget.counters().statements_counted, 1U);
}

TEST(Gadget, says_nothing_new_while_it_listens_and_what_came_due_afterwards)
{
    GadgetBench bench(4, {.self = ValidatorIndex{0}, .may_sign = true, .listens_first = true});
    bench.tick(1);
    bench.block(name(1), genesis);
    for (const int who : {1, 2, 3}) {
        bench.notarize(who, name(1));
    }
    for (std::uint64_t slot = 2; slot < 6; ++slot) {
        bench.tick(slot); // and nothing comes in slots 2 and 3
    }
    bench.pass_to(10 * 600); // the clock is kept back at slot 5
    EXPECT_TRUE(bench.kept.empty());
    bench.gadget.begin_signing();
    bench.tick(5);
    EXPECT_TRUE(bench.says_notarize(name(1)));
    EXPECT_TRUE(bench.says_finalize(1));
    bench.persist_all();
    bench.pass_to(12 * 600);
    EXPECT_TRUE(bench.says_skip(2) && bench.says_skip(4)) << "their time was over meanwhile";
    EXPECT_FALSE(bench.says_skip(1));
}

TEST(Gadget, stops_at_an_own_statement_beyond_all_that_it_can_have_said)
{
    for (const int kind : {0, 1, 2}) {
        GadgetBench bench;
        const std::uint64_t beyond = bench.gadget.window_end().value + 5;
        if (kind == 0) {
            bench.notarize(0, name(beyond));
        } else if (kind == 1) {
            bench.finalize(0, beyond);
        } else {
            bench.skip(0, beyond, beyond + 1);
        }
        EXPECT_EQ(bench.faults, std::vector<FaultReason>{FaultReason::identity_elsewhere});
    }
}

TEST(Gadget, stops_when_a_statement_of_its_own_comes_that_it_never_made)
{
    GadgetBench bench;
    bench.finalize(0, 3);
    EXPECT_EQ(bench.faults, std::vector<FaultReason>{FaultReason::identity_elsewhere});
    bench.block(name(1), genesis);
    EXPECT_TRUE(bench.said.empty());
}

} // namespace
} // namespace belfry::consensus
