// SPDX-License-Identifier: Apache-2.0
#include "crypto/base58.hpp"
#include "node/rpc/transaction_text.hpp"
#include "node/tiles/address_follower.hpp"
#include "node/tiles/ledger_queries.hpp"
#include "tests/exec/support.hpp"
#include "tests/filled.hpp"
#include "tests/ledger/data_directory.hpp"
#include "tests/ledger/sample_block.hpp"
#include "tests/node/stored_blocks.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace belfry::node {
namespace {

namespace json = boost::json;

ledger::Genesis sample_genesis()
{
    ledger::Genesis genesis;
    genesis.created_unix_s = 1'700'000'000;
    genesis.slot_ms = 400;
    genesis.validators.push_back({"first", filled<Pubkey>(7), Stake{1}});
    return genesis;
}

class LedgerQueriesTest : public testing::Test {
protected:
    /// Writes one signature as the bank tile does for a final transaction.
    void put(std::uint8_t byte, Slot slot, const exec::TransactionError& error)
    {
        Bytes outcome;
        ByteWriter writer(outcome);
        exec::TransactionStatus status;
        status.error = error;
        exec::encode_outcome(status, writer);
        const ledger::SignatureRecord record{.signature = filled<Signature>(byte),
                                             .block = {slot, ledger::filled_hash(slot.value)},
                                             .index = 0,
                                             .outcome = outcome};
        ASSERT_TRUE(store_.commit({.signatures = std::span(&record, 1)}));
    }

    ledger::ScratchDirectory directory_;
    ledger::LmdbEnv env_{{.directory = directory_.path(), .genesis_hash = ledger::filled_hash(1)}};
    ledger::BlockStore store_{env_};
    LedgerQueries queries_{
        {.genesis = sample_genesis(), .validators = {filled<Pubkey>(7)}}, env_, nullptr};
};

GetSignatureStatuses statuses_question(bool search)
{
    return {.signatures = {filled<Signature>(1), filled<Signature>(2), filled<Signature>(3)},
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
    const Reply reply = *queries_.complete(
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
    const ledger::SignatureRecord record{.signature = filled<Signature>(1),
                                         .block = {Slot{40}, ledger::filled_hash(40)},
                                         .index = 0,
                                         .outcome = Bytes{0xff}};
    ASSERT_TRUE(store_.commit({.signatures = std::span(&record, 1)}));
    put(2, Slot{41}, {});
    StatusesAnswer so_far;
    so_far.statuses.resize(1);
    const auto ask = [&](std::uint8_t byte) {
        const Reply memory{.id = 1, .context = {}, .body = so_far};
        return queries_.complete({GetSignatureStatuses{{filled<Signature>(byte)}, true}, memory})
            ->body;
    };
    EXPECT_TRUE(std::holds_alternative<RpcRefusal>(ask(1)));
    EXPECT_TRUE(std::holds_alternative<StatusesAnswer>(ask(2)));
}

// --- blocks that a real bank has executed -------------------------------------------------------

GetBlock block_question(TransactionEncoding encoding, TransactionDetails details)
{
    return {.slot = Slot{5},
            .commitment = Commitment::confirmed,
            .style = {.encoding = encoding, .version_max = 0},
            .details = details,
            .rewards = true};
}

TEST_F(StoredBlocksTest, a_block_reads_the_same_before_and_after_it_is_final)
{
    for (const auto encoding : {TransactionEncoding::json, TransactionEncoding::json_parsed,
                                TransactionEncoding::base58, TransactionEncoding::base64}) {
        for (const auto details : {TransactionDetails::full, TransactionDetails::accounts,
                                   TransactionDetails::signatures, TransactionDetails::none}) {
            const GetBlock question = block_question(encoding, details);
            const std::string before = text(question, above());
            EXPECT_TRUE(before.starts_with("{")) << before;
            finalize(first_);
            finalize(second_);
            EXPECT_EQ(text(question, below()), before);
        }
    }
}

TEST_F(StoredBlocksTest, a_block_has_its_place_its_transactions_and_what_they_did)
{
    const json::value block = json::parse(
        text(block_question(TransactionEncoding::json, TransactionDetails::full), above()));
    EXPECT_EQ(block.at("parentSlot").to_number<int>(), 3);
    EXPECT_EQ(block.at("blockHeight").to_number<int>(), 2);
    EXPECT_EQ(block.at("blockhash").as_string(), crypto::to_base58(second_.state->blockhash()));
    EXPECT_EQ(block.at("previousBlockhash").as_string(),
              crypto::to_base58(first_.state->blockhash()));
    EXPECT_EQ(block.at("blockTime").to_number<std::uint64_t>(), created + 2); // 5 x 400 ms
    const json::array& all = block.at("transactions").as_array();
    ASSERT_EQ(all.size(), 3U);
    const auto numbers = [](const json::value& value) {
        return json::value_to<std::vector<std::uint64_t>>(value);
    };
    const json::value& paid = all[0].at("meta");
    EXPECT_TRUE(paid.at("err").is_null());
    EXPECT_EQ(numbers(paid.at("preBalances")),
              (std::vector<std::uint64_t>{100 * test::sol, 100 * test::sol, 0}));
    EXPECT_EQ(numbers(paid.at("postBalances")),
              (std::vector<std::uint64_t>{99 * test::sol - test::fee, 101 * test::sol, 0}));
    EXPECT_EQ(paid.at("computeUnitsConsumed").to_number<int>(), 150);
    EXPECT_EQ(json::serialize(paid.at("logMessages")),
              R"(["Program 11111111111111111111111111111111 invoke [1]",)"
              R"("Program 11111111111111111111111111111111 success"])");
    const json::value& failed = all[1].at("meta");
    EXPECT_EQ(json::serialize(failed.at("err")), R"({"InstructionError":[0,{"Custom":1}]})");
    EXPECT_EQ(numbers(failed.at("postBalances")),
              (std::vector<std::uint64_t>{100 * test::sol - test::fee, 101 * test::sol, 0}));
    EXPECT_EQ(json::serialize(failed.at("logMessages")),
              R"(["Program 11111111111111111111111111111111 invoke [1]",)"
              R"("Transfer: insufficient lamports 99999995000, need 500000000000",)"
              R"("Program 11111111111111111111111111111111 failed: custom program error: 0x1"])");
    EXPECT_EQ(all[0].at("version").as_string(), "legacy");
    EXPECT_EQ(all[2].at("version").to_number<int>(), 0);
    // Half of three base fees is burnt, the rest is the leader's.
    EXPECT_EQ(block.at("rewards").at(0).at("lamports").to_number<std::uint64_t>(),
              bank_->account(second_.block.ref.id, test::leader())->lamports.value - test::sol);
}

TEST_F(StoredBlocksTest, a_transaction_comes_back_as_the_bytes_that_were_sent)
{
    finalize(first_);
    finalize(second_);
    for (const ledger::Transaction& sent : transactions_) {
        const GetTransaction question{
            .signature = sent.signature(0),
            .style = {.encoding = TransactionEncoding::base64, .version_max = 0}};
        const json::value answer = json::parse(text(question, TransactionPlaceAnswer{}));
        EXPECT_EQ(answer.at("slot").to_number<int>(), 5);
        EXPECT_EQ(from_base64(answer.at("transaction").at(0).as_string()),
                  Bytes(sent.wire().begin(), sent.wire().end()));
    }
    EXPECT_EQ(text(GetTransaction{.signature = filled<Signature>(9)}, TransactionPlaceAnswer{}),
              "null");
}

TEST_F(StoredBlocksTest, a_version_that_the_client_does_not_know_is_refused)
{
    GetBlock question = block_question(TransactionEncoding::json, TransactionDetails::full);
    question.style.version_max.reset();
    EXPECT_EQ(refusal(question, above()), RpcCode::unsupported_transaction_version);
    question.details = TransactionDetails::signatures;
    EXPECT_NE(text(question, above()).find(R"("signatures":[")"), std::string::npos);
    finalize(second_);
    EXPECT_EQ(refusal(GetTransaction{.signature = transactions_[2].signature(0)},
                      TransactionPlaceAnswer{}),
              RpcCode::unsupported_transaction_version);
    EXPECT_EQ(
        text(GetTransaction{.signature = transactions_[0].signature(0)}, TransactionPlaceAnswer{})
            .find("version"),
        std::string::npos);
}

TEST_F(StoredBlocksTest, says_why_a_slot_has_no_block)
{
    const auto at = [](std::uint64_t slot) {
        GetBlock question = block_question(TransactionEncoding::json, TransactionDetails::none);
        question.slot = Slot{slot};
        return question;
    };
    finalize(first_);
    finalize(second_);
    BlockPlaceAnswer so_far = below();
    so_far.finalized = Slot{5};
    EXPECT_EQ(refusal(at(4), so_far), RpcCode::slot_skipped);
    EXPECT_EQ(refusal(at(8), so_far), RpcCode::slot_skipped);
    EXPECT_EQ(refusal(at(10), so_far), RpcCode::block_not_available);
    EXPECT_EQ(refusal(at(1), so_far), RpcCode::block_cleaned_up);
    // The bank has made slot 7 final and the store has not written it yet: ask again.
    so_far.finalized = Slot{7};
    EXPECT_FALSE(ask(at(7), so_far));
    // Above finalized, known to the bank, not stored yet.
    so_far.ref = ledger::BlockRef{Slot{8}, ledger::filled_hash(8)};
    EXPECT_FALSE(ask(at(8), so_far));
}

TEST_F(StoredBlocksTest, what_is_on_disk_too_late_has_a_code_of_its_own)
{
    GetBlock question = block_question(TransactionEncoding::json, TransactionDetails::none);
    question.slot = Slot{8};
    const auto late = [](Request request, ReplyBody so_far) {
        const Reply reply = not_on_disk(
            {std::move(request), Reply{.id = 3, .context = Slot{9}, .body = std::move(so_far)}});
        EXPECT_EQ(reply.id, 3U);
        return std::get<RpcRefusal>(reply.body).error;
    };
    const RpcErrorText block = late(question, below());
    EXPECT_EQ(static_cast<int>(block.code), -32014);
    EXPECT_EQ(block.message, "Block status not yet available for slot 8");
    TransactionPlaceAnswer place;
    place.place.emplace();
    place.place->block.slot = Slot{6};
    EXPECT_EQ(late(GetTransaction{}, place).message, "Block status not yet available for slot 6");
    EXPECT_EQ(late(GetBlockProduction{}, ChainAnswer{}).message, "Block status not yet available");
}

TEST_F(StoredBlocksTest, lists_blocks_final_and_above_without_gap_or_repetition)
{
    finalize(first_);
    const ChainAnswer so_far{
        .tip = Slot{8}, .finalized = Slot{3}, .above = {Slot{5}, Slot{6}, Slot{8}}};
    const auto list = [&](std::uint64_t first, std::optional<Slot> last, std::uint64_t count) {
        return text(GetBlocks{.first = Slot{first}, .last = last, .count_max = count}, so_far);
    };
    EXPECT_EQ(list(1, std::nullopt, 100), "[3,5,6,8]");
    EXPECT_EQ(list(4, Slot{6}, 100), "[5,6]");
    EXPECT_EQ(list(1, std::nullopt, 2), "[3,5]");
    EXPECT_EQ(list(9, std::nullopt, 100), "[]");
    EXPECT_EQ(list(6, Slot{5}, 100), "[]");
    finalize(second_); // the store is ahead of what the bank has said
    EXPECT_EQ(list(1, std::nullopt, 100), "[3,5,6,8]");
    EXPECT_EQ(text(GetBlockTime{Slot{6}}, so_far), std::to_string(created + 2));
    EXPECT_EQ(refusal(GetBlockTime{Slot{4}}, so_far), RpcCode::slot_skipped);
    EXPECT_EQ(text(GetFirstAvailableBlock{}, so_far), "3");
}

TEST_F(StoredBlocksTest, finds_the_transactions_of_an_address_newest_first)
{
    AddressFollower follower(*env_, *index_);
    EXPECT_FALSE(follower.step());
    finalize(first_);
    finalize(second_);
    EXPECT_TRUE(follower.step());
    EXPECT_FALSE(follower.step());
    EXPECT_EQ(follower.up_to(), Slot{5});
    const UnfinalChainAnswer so_far{.finalized = Slot{5}, .above = {}};
    const auto found = [&](GetSignaturesForAddress question) {
        std::vector<std::string> names;
        const json::value list = json::parse(text(question, so_far));
        for (const json::value& entry : list.as_array()) {
            EXPECT_EQ(entry.at("slot").to_number<int>(), 5);
            names.emplace_back(entry.at("signature").as_string());
        }
        return names;
    };
    std::vector<std::string> names;
    for (const ledger::Transaction& transaction : transactions_) {
        names.push_back(crypto::to_base58(transaction.signature(0)));
    }
    const Pubkey& middle = wallets_[1].pubkey; // in all three
    EXPECT_EQ(found({.address = middle}), (std::vector<std::string>{names[2], names[1], names[0]}));
    EXPECT_EQ(found({.address = wallets_[2].pubkey}), (std::vector<std::string>{names[1]}));
    EXPECT_EQ(found({.address = filled<Pubkey>(3)}), (std::vector<std::string>{}));
    EXPECT_EQ(found({.address = middle, .count_max = 2}),
              (std::vector<std::string>{names[2], names[1]}));
    EXPECT_EQ(found({.address = middle, .before = transactions_[2].signature(0)}),
              (std::vector<std::string>{names[1], names[0]}));
    EXPECT_EQ(found({.address = middle, .until = transactions_[0].signature(0)}),
              (std::vector<std::string>{names[2], names[1]}));
    EXPECT_EQ(found({.address = middle, .before = filled<Signature>(9)}),
              (std::vector<std::string>{}));
    EXPECT_NE(text(GetSignaturesForAddress{.address = wallets_[2].pubkey}, so_far)
                  .find(R"("err":{"InstructionError":[0,{"Custom":1}]})"),
              std::string::npos);
    AddressFollower restarted(*env_, *index_);
    EXPECT_EQ(restarted.up_to(), Slot{5});
    EXPECT_FALSE(restarted.step());
}

TEST_F(StoredBlocksTest, counts_who_made_the_blocks_of_the_slots_that_were_theirs)
{
    finalize(first_);
    finalize(second_);
    const ChainAnswer so_far{.tip = Slot{5}, .finalized = Slot{5}, .above = {}};
    const std::string leader = crypto::to_base58(test::leader());
    EXPECT_EQ(text(GetBlockProduction{.first = Slot{2}}, so_far),
              R"({"context":{"slot":5,"apiVersion":"2.3.0"},"value":{"byIdentity":{")" + leader +
                  R"(":[4,2]},"range":{"firstSlot":2,"lastSlot":5}}})");
    EXPECT_EQ(refusal(GetBlockProduction{.first = Slot{7}}, so_far), RpcCode::invalid_params);
    // The bank has made slot 7 final and the store has not written it: it would count as not made.
    const ChainAnswer ahead{.tip = Slot{7}, .finalized = Slot{7}, .above = {}};
    EXPECT_FALSE(ask(GetBlockProduction{.first = Slot{2}}, ahead));
}

TEST_F(StoredBlocksTest, gives_the_logs_of_a_block_with_the_accounts_that_it_names)
{
    const auto body = ask(GetBlockLogs{second_.block.ref}, above());
    const auto& logs = std::get<LogsAnswer>(*body);
    ASSERT_EQ(logs.entries.size(), 3U);
    EXPECT_EQ(logs.entries[0].signature, transactions_[0].signature(0));
    EXPECT_EQ(logs.entries[0].logs.size(), 2U);
    EXPECT_EQ(logs.entries[1].logs.size(), 3U);
    EXPECT_EQ(logs.entries[1].accounts.front(), wallets_[2].pubkey);
}

} // namespace
} // namespace belfry::node
