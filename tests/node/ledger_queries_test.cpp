// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/ledger_queries.hpp"
#include "tests/ledger/data_directory.hpp"
#include "tests/ledger/sample_block.hpp"

#include <gtest/gtest.h>

namespace belfry::node {
namespace {

using ledger::BlockRef;

Signature signature_of(std::uint8_t byte)
{
    Signature signature;
    signature.bytes.fill(byte);
    return signature;
}

class LedgerQueriesTest : public testing::Test {
protected:
    /// Writes one signature as the bank tile does for a final transaction.
    void put(std::uint8_t byte, Slot slot, const exec::TransactionError& error)
    {
        Bytes outcome;
        ByteWriter writer(outcome);
        exec::encode(error, writer);
        writer.u64(5000);
        const ledger::SignatureRecord record{.signature = signature_of(byte),
                                             .block = {slot, ledger::filled_hash(slot.value)},
                                             .index = 0,
                                             .outcome = outcome};
        ASSERT_TRUE(store_.commit({.signatures = std::span(&record, 1)}));
    }

    ledger::ScratchDirectory directory_;
    ledger::LmdbEnv env_{{.directory = directory_.path(), .genesis_hash = ledger::filled_hash(1)}};
    ledger::BlockStore store_{env_};
    LedgerQueries queries_{env_};
};

GetSignatureStatuses statuses_question(bool search)
{
    return {.signatures = {signature_of(1), signature_of(2), signature_of(3)},
            .search_history = search};
}

TEST_F(LedgerQueriesTest, statuses_are_asked_of_the_ledger_only_with_the_flag_and_only_when_missing)
{
    const StatusesAnswer missing{.statuses = {std::nullopt, std::nullopt, std::nullopt}};
    StatusesAnswer found;
    found.statuses.resize(3, SignatureStatus{});
    EXPECT_TRUE(needs_ledger(statuses_question(true), missing));
    EXPECT_FALSE(needs_ledger(statuses_question(true), found));
    EXPECT_FALSE(needs_ledger(statuses_question(false), missing));
    EXPECT_FALSE(needs_ledger(statuses_question(true), NodeBusy{}));
    EXPECT_FALSE(may_need_ledger(statuses_question(false)));
    EXPECT_FALSE(may_need_ledger(GetSlot{}));
}

TEST_F(LedgerQueriesTest, fills_the_gaps_of_memory_and_touches_nothing_else)
{
    const auto failed =
        exec::TransactionError::of_instruction(2, exec::InstructionErrorKind::custom, 6000);
    put(1, Slot{40}, {});
    put(2, Slot{41}, failed);
    StatusesAnswer so_far;
    so_far.statuses.resize(3);
    so_far.statuses[0] = SignatureStatus{
        .slot = Slot{900}, .confirmations = 3, .error = {}, .level = Commitment::processed};
    const Reply reply = queries_.complete(
        {statuses_question(true), Reply{.id = 9, .context = Slot{950}, .body = so_far}});
    EXPECT_EQ(reply.id, 9U);
    EXPECT_EQ(reply.context, Slot{950});
    const auto& statuses = std::get<StatusesAnswer>(reply.body).statuses;
    ASSERT_EQ(statuses.size(), 3U);
    EXPECT_EQ(statuses[0]->slot, Slot{900});
    ASSERT_TRUE(statuses[1]);
    EXPECT_EQ(statuses[1]->slot, Slot{41});
    EXPECT_EQ(statuses[1]->error, failed);
    EXPECT_EQ(statuses[1]->level, Commitment::finalized);
    EXPECT_EQ(statuses[1]->confirmations, std::nullopt);
    EXPECT_FALSE(statuses[2]);
}

TEST_F(LedgerQueriesTest, a_rotten_record_costs_its_own_question_only)
{
    const ledger::SignatureRecord record{.signature = signature_of(1),
                                         .block = {Slot{40}, ledger::filled_hash(40)},
                                         .index = 0,
                                         .outcome = Bytes{0xff}};
    ASSERT_TRUE(store_.commit({.signatures = std::span(&record, 1)}));
    put(2, Slot{41}, {});
    StatusesAnswer so_far;
    so_far.statuses.resize(1);
    const auto ask = [&](std::uint8_t byte) {
        const Reply memory{.id = 1, .context = {}, .body = so_far};
        return queries_.complete({GetSignatureStatuses{{signature_of(byte)}, true}, memory}).body;
    };
    EXPECT_TRUE(std::holds_alternative<NotAvailable>(ask(1)));
    EXPECT_TRUE(std::holds_alternative<StatusesAnswer>(ask(2)));
}

} // namespace
} // namespace belfry::node
