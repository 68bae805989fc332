// SPDX-License-Identifier: Apache-2.0
// Restarts, and X01 to X04 as one node sees them.
#include "tests/consensus/certificate_bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace belfry::consensus {
namespace {

using testing::GadgetBench;
using testing::genesis;
using testing::name;
using testing::test_check;

// ---- Restart ------------------------------------------------------------------------------------

TEST(Gadget, says_after_a_restart_what_it_said_before_and_nothing_that_contradicts_it)
{
    GadgetBench before;
    before.block(name(1), genesis);
    for (const int who : {1, 2, 3}) {
        before.notarize(who, name(1));
    }
    ASSERT_TRUE(before.says_finalize(1));
    GadgetBench after(4, GadgetBench::standard(), before.kept);
    ASSERT_TRUE(after.restored);
    EXPECT_EQ(after.gadget.said(Slot{1}).notarized, name(1).id);
    EXPECT_TRUE(after.gadget.said(Slot{1}).finalized);
    // The votes that notarized it came back with the record.
    EXPECT_EQ(after.gadget.notarized(Slot{1}), name(1));
    after.block(name(1, 2), genesis);
    for (std::uint64_t slot = 2; slot < 12; ++slot) {
        after.tick(slot);
    }
    EXPECT_FALSE(after.says_notarize(name(1, 2)));
    EXPECT_FALSE(after.says_skip(1));
    EXPECT_TRUE(after.says_notarize(name(1)));
    EXPECT_TRUE(after.says_finalize(1));
}

TEST(Gadget, refuses_a_journal_that_no_honest_node_writes)
{
    const auto record = [](const Statement& statement) {
        Bytes bytes{static_cast<std::uint8_t>(static_cast<unsigned>(statement.kind) + 1)};
        const StatementBody body = encode_statement(statement);
        bytes.insert(bytes.end(), body.view().begin(), body.view().end());
        return bytes;
    };
    const ValidatorIndex self{0};
    const Bytes one = record(Statement::notarize(self, name(1, 1)));
    const Bytes other = record(Statement::notarize(self, name(1, 2)));
    const Bytes final = record(Statement::finalize(self, Slot{5}));
    const Bytes skip = record(Statement::skip(self, {.first = Slot{4}, .last = Slot{6}}));
    const auto error = [](const std::vector<Bytes>& journal) {
        return GadgetBench(4, GadgetBench::standard(), journal).restored.error();
    };
    EXPECT_EQ(error({one, other}), RestoreError::goes_back);
    EXPECT_EQ(error({final, skip}), RestoreError::goes_back);
    EXPECT_EQ(error({skip, final}), RestoreError::goes_back);
    EXPECT_EQ(error({record(Statement::finalize(ValidatorIndex{1}, Slot{5}))}),
              RestoreError::not_ours);
    EXPECT_EQ(error({Bytes{3, 0}}), RestoreError::malformed_record);
    EXPECT_TRUE(GadgetBench(4, GadgetBench::standard(), {one, final}).restored);
}

TEST(Gadget, without_leave_to_sign_it_follows_and_says_nothing)
{
    GadgetConfig config = GadgetBench::standard();
    config.may_sign = false;
    GadgetBench bench(4, config);
    bench.block(name(1), genesis);
    for (const int who : {1, 2, 3}) {
        bench.notarize(who, name(1));
        bench.finalize(who, 1);
    }
    bench.tick(2);
    bench.tick(9);
    EXPECT_EQ(bench.gadget.finalized(), name(1));
    EXPECT_TRUE(bench.said.empty());
}

// ---- Scenarios ----------------------------------------------------------------------------------

TEST(Gadget, X01_both_certificates_of_a_slot_and_the_chain_goes_on_from_either)
{
    GadgetBench bench(7);
    bench.block(name(1), genesis);
    bench.persist_all();
    for (const int who : {1, 2, 5, 6}) {
        bench.notarize(who, name(1));
    }
    EXPECT_TRUE(bench.says_finalize(1));
    bench.persist_all();
    // 5 and 6 lie and do everything; 3, 4 and one more honest validator skipped in time.
    for (const int who : {2, 3, 4, 5, 6}) {
        bench.skip(who, 1, 1);
    }
    EXPECT_TRUE(bench.gadget.has_certificate(StatementKind::notarize, Slot{1}));
    EXPECT_TRUE(bench.gadget.has_certificate(StatementKind::skip, Slot{1}));
    EXPECT_TRUE(bench.faults.empty());
    bench.finalize(5, 1);
    bench.finalize(6, 1);
    EXPECT_FALSE(bench.gadget.has_certificate(StatementKind::finalize, Slot{1}));
    EXPECT_EQ(bench.exposed.size(), 2U);
    bench.block(name(2), genesis); // passes over 1
    EXPECT_TRUE(bench.says_notarize(name(2)));
    GadgetBench other(7);
    other.block(name(1), genesis);
    for (const int who : {1, 2, 3, 5, 6}) {
        other.notarize(who, name(1));
        other.skip(who, 1, 1);
    }
    other.block(name(2), name(1)); // stands on 1
    EXPECT_TRUE(other.says_notarize(name(2)));
}

TEST(Gadget, X02_a_holder_relays_the_votes_that_others_lack_and_only_to_them)
{
    GadgetBench bench(
        7); // this node, 1 and 2 notarize; 3 and 4 know of nothing; 5 and 6 tell only some
    bench.tick(1);
    bench.block(name(1), genesis);
    bench.persist_all();
    bench.echo();
    for (const int who : {1, 2, 5, 6}) {
        bench.notarize(who, name(1));
    }
    bench.finalize(1, 1);
    bench.finalize(2, 1);
    bench.skip(3, 1, 1);
    bench.skip(4, 1, 1);
    bench.pass_to(600 + 249);
    EXPECT_TRUE(bench.relayed.empty());
    bench.pass_to(600 + 250);
    std::vector<std::uint16_t> told;
    for (const GadgetBench::Relayed& relayed : bench.relayed) {
        ASSERT_TRUE(relayed.to);
        told.push_back(relayed.to->value);
        EXPECT_EQ(relayed.votes.size(), 5U);
    }
    EXPECT_EQ(told, (std::vector<std::uint16_t>{3, 4, 5, 6}));
}

TEST(Gadget, X02_who_gets_the_votes_later_goes_on_from_that_block)
{
    GadgetBench bench(7); // of those who skipped
    bench.tick(1);
    bench.pass_to(600 + 750);
    bench.tick(2);
    bench.tick(4);
    EXPECT_TRUE(bench.says_skip(1));
    bench.block(name(1), genesis);
    EXPECT_TRUE(bench.says_notarize(name(1)));
    for (const int who : {1, 2, 3, 5, 6}) { // out of a bundle
        bench.notarize(who, name(1));
    }
    EXPECT_EQ(bench.gadget.base(), name(1));
    EXPECT_FALSE(bench.says_finalize(1));
    bench.block(name(4), name(1));
    EXPECT_FALSE(bench.says_notarize(name(4))); // 2 and 3 are not skipped yet
    for (const int who : {1, 2, 3, 4, 5}) {
        bench.skip(who, 2, 3);
    }
    EXPECT_TRUE(bench.says_notarize(name(4)));
}

TEST(Gadget, X03_after_ten_seconds_without_finality_all_is_said_again)
{
    GadgetBench bench;
    bench.tick(1);
    bench.block(name(1), genesis);
    bench.persist_all();
    bench.echo();
    bench.notarize(1, name(1));
    bench.notarize(2, name(1));
    bench.persist_all();
    EXPECT_TRUE(bench.says_finalize(1));
    bench.skip(1, 2, 9);
    bench.skip(2, 2, 9);
    bench.skip(3, 2, 9);
    bench.pass_to(3'000);
    bench.said.clear();
    bench.relayed.clear();
    bench.pass_to(600 + 9'999);
    EXPECT_EQ(bench.gadget.counters().standstills, 0U);
    bench.pass_to(600 + 10'000);
    EXPECT_EQ(bench.gadget.counters().standstills, 1U);
    EXPECT_TRUE(bench.says_notarize(name(1)));
    EXPECT_TRUE(bench.says_finalize(1));
    const auto relays = [&](StatementKind kind, Slot slot) {
        return std::ranges::any_of(bench.relayed, [&](const GadgetBench::Relayed& relayed) {
            return !relayed.to && relayed.votes.size() == 3 &&
                   std::ranges::all_of(relayed.votes, [&](const SignedStatement& vote) {
                       return vote.statement.kind == kind && vote.statement.covers(slot);
                   });
        });
    };
    EXPECT_TRUE(relays(StatementKind::notarize, Slot{1}));
    EXPECT_TRUE(relays(StatementKind::skip, Slot{9}));
    EXPECT_EQ(bench.relayed.size(), 2U); // one for the whole run of skips
    bench.pass_to(600 + 20'000);
    EXPECT_EQ(bench.gadget.counters().standstills, 2U);
}

TEST(Gadget, X04_two_conflicting_final_certificates_stop_it_and_both_are_kept)
{
    for (const bool same_slot : {true, false}) {
        GadgetBench bench;
        const BlockName other = same_slot ? name(1, 2) : name(2);
        bench.block(name(1), genesis);
        bench.block(other, genesis);
        bench.persist_all();
        for (const int who : {1, 2, 3}) {
            bench.notarize(who, name(1));
            bench.finalize(who, 1);
        }
        EXPECT_EQ(bench.gadget.finalized(), name(1));
        for (const int who : {1, 2, 3}) {
            bench.notarize(who, other);
            bench.finalize(who, other.slot.value);
        }
        ASSERT_EQ(bench.faults, std::vector<FaultReason>{FaultReason::certificates_conflict});
        EXPECT_FALSE(bench.gadget.may_sign());
        EXPECT_EQ(bench.gadget.finalized(), name(1));
        const std::vector<Stake> stakes(4, Stake{1});
        std::size_t notarizations = 0;
        for (const Bytes& bytes : bench.gadget.conflicting_certificates()) {
            const auto certificate = decode_certificate(bytes);
            ASSERT_TRUE(certificate);
            EXPECT_TRUE(verify_certificate(*certificate, *StakeTable::make(stakes), test_check));
            notarizations += certificate->kind == StatementKind::notarize ? 1U : 0U;
        }
        EXPECT_EQ(notarizations, 2U);
    }
}

TEST(Gadget, a_leader_leaves_a_chain_that_had_its_chance)
{
    GadgetBench bench;
    bench.tick(1);
    bench.block(name(1, 1), genesis);
    bench.block(name(1, 2), genesis);
    bench.block(name(2), name(1, 1));
    const auto parent = [&](std::uint64_t slot, const BlockName& best) {
        return bench.gadget.parent_for(Tick{bench.at_ms * 1'000'000}, Slot{slot}, best);
    };
    EXPECT_EQ(parent(3, name(2)), name(2));
    for (const int who : {1, 2, 3}) {
        bench.skip(who, 1, 2);
    }
    EXPECT_EQ(parent(3, name(2)), name(2)); // it may be notarized late
    bench.pass_to(4'000);
    EXPECT_EQ(parent(6, name(2)), genesis);
    bench.block(name(6), genesis);
    EXPECT_EQ(parent(7, name(2)), name(6));
}

TEST(Gadget, the_same_inputs_give_the_same_digest)
{
    const auto digest = [] {
        GadgetBench bench;
        bench.tick(1);
        bench.block(name(1), genesis);
        bench.notarize(2, name(1));
        bench.skip(3, 2, 5);
        return bench.gadget.digest();
    };
    EXPECT_EQ(digest(), digest());
    GadgetBench other;
    EXPECT_NE(digest(), other.gadget.digest());
}

} // namespace
} // namespace belfry::consensus
