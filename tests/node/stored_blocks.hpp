// SPDX-License-Identifier: Apache-2.0
#pragma once
// stored_blocks.hpp: a ledger with blocks that a real bank has executed, for tests of what is
// answered from it.

#include "node/tiles/address_follower.hpp"
#include "node/tiles/ledger_queries.hpp"
#include "tests/exec/support.hpp"
#include "tests/ledger/data_directory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace belfry::node {

namespace test = exec::test;

inline constexpr std::uint64_t created = 1'700'000'000;

/// A bank's two blocks, the second of which holds a transfer, one that fails and a v0 one, stored
/// as the node stores them.
class StoredBlocksTest : public testing::Test {
protected:
    void SetUp() override
    {
        genesis_ = test::small_genesis(wallets_);
        genesis_.created_unix_s = created;
        ledger::Account leader; // has what an account needs to take fees
        leader.lamports = Lamports{test::sol};
        genesis_.accounts.push_back({test::leader(), leader});
        genesis_.slot_ms = 400;
        bank_ = std::make_unique<exec::Bank>(genesis_, exec::Bank::Options{});
        env_ = std::make_unique<ledger::LmdbEnv>(ledger::LmdbEnv::Options{
            .directory = directory_.path() / "data", .genesis_hash = bank_->genesis_hash()});
        index_env_ = std::make_unique<ledger::LmdbEnv>(ledger::LmdbEnv::Options{
            .directory = directory_.path() / "index", .genesis_hash = bank_->genesis_hash()});
        store_ = std::make_unique<ledger::BlockStore>(*env_);
        index_ = std::make_unique<ledger::AddressIndex>(*index_env_);
        queries_ = std::make_unique<LedgerQueries>(
            LedgerQueries::Options{.genesis = genesis_, .validators = {test::leader()}}, *env_,
            index_.get());
        first_ = test::build(*bank_, {.parent = bank_->genesis_hash(), .slot = Slot{3}});
        const Hash recent = first_.state->blockhash();
        const auto pay = [&](std::size_t from, std::size_t to, std::uint64_t lamports) {
            return test::transfer({.from = wallets_[from],
                                   .to = wallets_[to].pubkey,
                                   .lamports = lamports,
                                   .blockhash = recent});
        };
        transactions_ = {pay(0, 1, test::sol), pay(2, 1, 500 * test::sol), version_0(recent)};
        second_ = test::build(
            *bank_,
            {.parent = first_.block.ref.id, .slot = Slot{5}, .transactions = transactions_});
        for (const test::BuiltBlock* built : {&first_, &second_}) {
            put_block(*built);
        }
    }
    [[nodiscard]] ledger::Transaction version_0(const Hash& recent) const
    {
        const std::array<ledger::Instruction, 1> instructions{ledger::system_transfer(
            {.from = wallets_[1].pubkey, .to = wallets_[0].pubkey, .lamports = Lamports{7}})};
        const Bytes message = ledger::build_message(
            {.fee_payer = wallets_[1].pubkey, .recent_blockhash = recent, .version_0 = true},
            instructions);
        Signature signature;
        const crypto::InsecureSignJob job{&wallets_[1], message, &signature};
        crypto::insecure_sign_many(std::span(&job, 1));
        return ledger::parse_transaction(
                   ledger::assemble_transaction(std::span(&signature, 1), message))
            .value();
    }
    void put_block(const test::BuiltBlock& built)
    {
        ledger::ShredSet set;
        set.slot = built.block.ref.slot;
        set.parent_slot = built.block.parent.slot;
        set.data_count = 32;
        set.parity_count = 32;
        set.last = true;
        set.chained_root = built.block.parent.id;
        set.root = built.block.ref.id;
        set.version = 1;
        set.payload = built.block.stream;
        const ledger::BlockRecord record{.ref = built.block.ref,
                                         .parent = built.block.parent,
                                         .height = built.anchor.height,
                                         .set_roots = {built.block.ref.id}};
        ASSERT_TRUE(store_->commit({.sets = std::span(&set, 1), .blocks = std::span(&record, 1)}));
    }
    /// Writes what the bank tile writes when a block has become final.
    void finalize(const test::BuiltBlock& built)
    {
        std::vector<ledger::SignatureRecord> records;
        for (const exec::TransactionStatus& status : built.statuses) {
            Bytes outcome;
            ByteWriter writer(outcome);
            exec::encode_outcome(status, writer);
            records.push_back({.signature = status.first_signature,
                               .block = built.block.ref,
                               .index = static_cast<std::uint32_t>(records.size()),
                               .outcome = outcome});
        }
        ASSERT_TRUE(
            store_->commit({.finalized = std::span(&built.block.ref, 1), .signatures = records}));
    }
    [[nodiscard]] std::optional<ReplyBody> ask(const Request& request, ReplyBody so_far)
    {
        auto reply = queries_->complete(
            {request, Reply{.id = 1, .context = Slot{5}, .body = std::move(so_far)}});
        return reply ? std::optional(std::move(reply->body)) : std::nullopt;
    }
    [[nodiscard]] std::string text(const Request& request, ReplyBody so_far)
    {
        const auto body = ask(request, std::move(so_far));
        const auto* const answer = body ? std::get_if<JsonAnswer>(&*body) : nullptr;
        return answer != nullptr ? answer->json : "(no text)";
    }
    [[nodiscard]] std::optional<RpcCode> refusal(const Request& request, ReplyBody so_far)
    {
        const auto body = ask(request, std::move(so_far));
        const auto* const refused = body ? std::get_if<RpcRefusal>(&*body) : nullptr;
        return refused != nullptr ? std::optional(refused->error.code) : std::nullopt;
    }
    [[nodiscard]] BlockPlaceAnswer above() const
    {
        return {.tip = Slot{5},
                .finalized = Slot{0},
                .ref = second_.block.ref,
                .statuses = second_.statuses,
                .in_ledger = false};
    }
    static BlockPlaceAnswer below()
    {
        return {.tip = Slot{9},
                .finalized = Slot{9},
                .ref = std::nullopt,
                .statuses = {},
                .in_ledger = false};
    }

    std::vector<crypto::InsecureSigningKey> wallets_ = test::wallets(3);
    ledger::Genesis genesis_;
    ledger::ScratchDirectory directory_;
    std::unique_ptr<exec::Bank> bank_;
    std::unique_ptr<ledger::LmdbEnv> env_;
    std::unique_ptr<ledger::LmdbEnv> index_env_;
    std::unique_ptr<ledger::BlockStore> store_;
    std::unique_ptr<ledger::AddressIndex> index_;
    std::unique_ptr<LedgerQueries> queries_;
    std::vector<ledger::Transaction> transactions_;
    test::BuiltBlock first_;
    test::BuiltBlock second_;
};

} // namespace belfry::node
