// SPDX-License-Identifier: Apache-2.0
// The auditor of the demo, on ledgers that are right and on ledgers that are not.
#include "ledger/store/account_store.hpp"
#include "ledger/store/block_store.hpp"
#include "ledger/store/layout.hpp"
#include "node/demo/ledger_audit.hpp"
#include "tests/exec/support.hpp"
#include "tests/ledger/data_directory.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace belfry::node {
namespace {

using exec::test::build;
using exec::test::fee;
using exec::test::sol;

class LedgerAuditTest : public testing::Test {
protected:
    static constexpr std::uint64_t lamports = 5 * sol;

    std::vector<crypto::InsecureSigningKey> keys = exec::test::wallets(3);
    // The leader must be able to keep a fee: what leaves it below the rent minimum is burnt.
    ledger::Genesis genesis =
        exec::test::small_genesis({keys[0], keys[1], keys[2], exec::test::wallet(1'000'000)});
    exec::Bank bank{genesis, exec::Bank::Options{}};
    ledger::ScratchDirectory directory;
    AuditRules rules;

    void SetUp() override
    {
        rules.lamports_per_signature = genesis.lamports_per_signature.value;
        rules.burn_percent = genesis.burn_percent;
        rules.rent_exempt_minimum = genesis.rent.exempt_minimum(0).value;
        rules.fee_takers = {exec::test::leader()};
        for (const ledger::GenesisAccount& account : genesis.accounts) {
            rules.genesis[account.pubkey] = account.account.lamports.value;
        }
    }

    [[nodiscard]] ledger::Transaction pay(std::size_t from, std::size_t to, std::uint64_t amount)
    {
        return exec::test::transfer({.from = keys[from],
                                     .to = keys[to].pubkey,
                                     .lamports = amount,
                                     .blockhash = bank.genesis_hash()});
    }
    /// One block after the other, a slot each; the accounts are those after flushed_slot.
    void write(const std::vector<std::vector<ledger::Transaction>>& blocks, Slot flushed_slot,
               const std::function<void(exec::Flush&)>& spoil = {})
    {
        ledger::LmdbEnv env({.directory = directory.path(),
                             .genesis_hash = bank.genesis_hash(),
                             .map_bytes = std::uint64_t{64} << 20});
        ledger::BlockStore store(env);
        ledger::AccountStore accounts(env);
        Hash parent = bank.genesis_hash();
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            const Slot slot{i + 1};
            const auto built =
                build(bank, {.parent = parent, .slot = slot, .transactions = blocks[i]});
            parent = built.block.ref.id;
            store_block(store, built.block);
            if (slot == flushed_slot) {
                ASSERT_TRUE(bank.set_finalized(parent));
                auto flush = bank.take_flush();
                ASSERT_TRUE(flush);
                if (spoil) {
                    spoil(*flush);
                }
                store_accounts(accounts, *flush);
            }
        }
    }
    [[nodiscard]] LedgerAudit audit() const
    {
        return audit_ledger(directory.path() / ledger::ledger_file_name, rules);
    }

private:
    static void store_block(ledger::BlockStore& store, const ledger::Block& block)
    {
        ledger::ShredSet set;
        set.slot = block.ref.slot;
        set.parent_slot = block.parent.slot;
        set.data_count = 32;
        set.parity_count = 32;
        set.last = true;
        set.chained_root = block.parent.id;
        set.root = block.ref.id;
        set.payload = block.stream;
        const ledger::BlockRecord record{.ref = block.ref,
                                         .parent = block.parent,
                                         .height = Height{block.ref.slot.value},
                                         .set_roots = {set.root}};
        ASSERT_TRUE(store.commit({.sets = std::span(&set, 1),
                                  .blocks = std::span(&record, 1),
                                  .finalized = std::span(&block.ref, 1)}));
    }
    static void store_accounts(ledger::AccountStore& store, const exec::Flush& flush)
    {
        std::vector<ledger::AccountChange> changes;
        for (const auto& [address, account] : flush.accounts) {
            changes.push_back({address, account});
        }
        ledger::Anchor anchor;
        anchor.block = flush.anchor.block;
        anchor.height = flush.anchor.height;
        ASSERT_TRUE(store.flush(changes, anchor));
    }
};

TEST_F(LedgerAuditTest, an_honest_ledger_adds_up)
{
    write({{pay(0, 1, lamports), pay(1, 2, lamports)}, {pay(2, 0, 1)}}, Slot{2});
    const LedgerAudit found = audit();
    EXPECT_TRUE(found.balances_add_up) << found.balances_why;
    EXPECT_EQ(found.blocks.size(), 2U);
    EXPECT_EQ(found.transactions.size(), 3U);
    EXPECT_EQ(found.executed_twice, 0U);
    EXPECT_EQ(found.fees, 3 * fee);
    EXPECT_EQ(found.burnt, 3 * fee * genesis.burn_percent / 100);
}

TEST_F(LedgerAuditTest, blocks_above_the_accounts_are_counted_but_not_compared)
{
    write({{pay(0, 1, lamports)}, {pay(2, 0, lamports)}}, Slot{1});
    const LedgerAudit found = audit();
    EXPECT_TRUE(found.balances_add_up) << found.balances_why;
    EXPECT_EQ(found.anchor_slot, Slot{1});
    EXPECT_EQ(found.transactions.size(), 2U);
}

TEST_F(LedgerAuditTest, one_lamport_too_many_is_seen)
{
    write({{pay(0, 1, lamports)}}, Slot{1}, [&](exec::Flush& flush) {
        for (auto& [address, account] : flush.accounts) {
            account.lamports.value += address == keys[1].pubkey ? 1U : 0U;
        }
    });
    const LedgerAudit found = audit();
    EXPECT_FALSE(found.balances_add_up);
    EXPECT_EQ(found.balances_why, "an account on disk differs from the replayed transfers");
}

TEST_F(LedgerAuditTest, a_fee_that_went_astray_is_seen)
{
    write({{pay(0, 1, lamports)}}, Slot{1}, [](exec::Flush& flush) {
        for (auto& [address, account] : flush.accounts) {
            account.lamports.value -= address == exec::test::leader() ? 1U : 0U;
        }
    });
    const LedgerAudit found = audit();
    EXPECT_FALSE(found.balances_add_up);
    EXPECT_NE(found.balances_why.find("validators hold"), std::string::npos) << found.balances_why;
}

TEST_F(LedgerAuditTest, lamports_that_move_between_two_wallets_are_seen_though_the_sum_is_right)
{
    write({{pay(0, 1, lamports)}}, Slot{1}, [&](exec::Flush& flush) {
        for (auto& [address, account] : flush.accounts) {
            if (address == keys[0].pubkey) {
                account.lamports.value -= 7;
            } else if (address == keys[1].pubkey) {
                account.lamports.value += 7;
            }
        }
    });
    EXPECT_FALSE(audit().balances_add_up);
}

TEST_F(LedgerAuditTest, rules_that_the_chain_did_not_follow_are_seen)
{
    write({{pay(0, 1, lamports)}}, Slot{1});
    rules.burn_percent += 10;
    EXPECT_FALSE(audit().balances_add_up);
}

} // namespace
} // namespace belfry::node
