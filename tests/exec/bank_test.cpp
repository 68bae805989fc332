// SPDX-License-Identifier: Apache-2.0
#include "exec/bank.hpp"
#include "tests/exec/support.hpp"

#include <gtest/gtest.h>

namespace belfry::exec {
namespace {

using namespace test; // NOLINT(google-build-using-namespace)

class BankTest : public testing::Test {
protected:
    std::vector<crypto::InsecureSigningKey> keys = wallets(8);
    ledger::Genesis genesis = small_genesis(keys);
    Bank bank{genesis, Bank::Options{}};
    Bank other{genesis, Bank::Options{.threads = 2}};
    Hash root = bank.genesis_hash();

    [[nodiscard]] BuiltBlock block_of(const Hash& parent, std::uint64_t slot,
                                      std::vector<ledger::Transaction> transactions = {})
    {
        return build(
            bank, {.parent = parent, .slot = Slot{slot}, .transactions = std::move(transactions)});
    }
};

TEST_F(BankTest, what_one_bank_builds_another_replays_to_the_same_state)
{
    const BuiltBlock built = block_of(root, 3,
                                      {transfer({keys[0], keys[1].pubkey, 7 * sol, root}),
                                       transfer({keys[1], keys[2].pubkey, 105 * sol, root})});
    ASSERT_EQ(built.outcomes[0].result, PackResult::included);
    ASSERT_EQ(built.outcomes[1].result, PackResult::included);
    EXPECT_TRUE(built.outcomes[1].error.ok()); // it needs what the first one brought

    const auto replayed = other.replay(built.block, leader());
    ASSERT_TRUE(replayed) << to_string(replayed.error());
    EXPECT_EQ((*replayed)->anchor, built.state->anchor);
    EXPECT_EQ((*replayed)->statuses, built.state->statuses);
    EXPECT_EQ(balance(other, built.block.ref.id, keys[0].pubkey), 93 * sol - fee);
    EXPECT_EQ(balance(other, built.block.ref.id, keys[1].pubkey), 2 * sol - fee);
    EXPECT_EQ(balance(other, built.block.ref.id, keys[2].pubkey), 205 * sol);
    EXPECT_EQ(other.counters().signatures_verified, 2U);
}

TEST_F(BankTest, half_the_base_fee_and_all_of_the_priority_fee_reach_the_leader)
{
    // 1,000,000 units at 3 lamports a unit, less one micro-lamport in sum, rounded up.
    std::vector<ledger::Instruction> instructions{
        ledger::compute_unit_limit(999'999), ledger::compute_unit_price(3'000'001),
        ledger::system_transfer(
            {.from = keys[0].pubkey, .to = keys[1].pubkey, .lamports = Lamports{sol}})};
    const ledger::Transaction paid = transaction({&keys[0]}, root, instructions);
    const std::uint64_t priority = 2'999'997 + 1; // 2,999,997.999999 rounded up
    EXPECT_EQ(bank.fee_of(paid).value, fee + priority);
    const BuiltBlock built = block_of(root, 1, {paid});
    EXPECT_EQ(balance(bank, built.block.ref.id, keys[0].pubkey), 99 * sol - fee - priority);
    EXPECT_EQ(balance(bank, built.block.ref.id, leader()), fee / 2 + priority);
    EXPECT_EQ(built.state->fees_burnt.value, fee / 2);
    EXPECT_EQ(built.state->anchor.fees_burnt.value, fee / 2);
}

TEST_F(BankTest, a_reward_below_the_rent_minimum_is_burnt)
{
    const BuiltBlock built = block_of(root, 1, {transfer({keys[0], keys[1].pubkey, sol, root})});
    EXPECT_EQ(balance(bank, built.block.ref.id, leader()), 0U);
    EXPECT_EQ(built.state->fees_burnt.value, fee);
}

TEST_F(BankTest, a_failed_transaction_pays_and_is_reported)
{
    const ledger::Transaction greedy = transfer({keys[0], keys[1].pubkey, 1000 * sol, root});
    const BuiltBlock built = block_of(root, 1, {greedy});
    EXPECT_EQ(built.outcomes[0].error,
              TransactionError::of_instruction(0, InstructionErrorKind::custom, 1));
    EXPECT_EQ(balance(bank, built.block.ref.id, keys[0].pubkey), 100 * sol - fee);
    const auto status = bank.status(built.block.ref.id, greedy.signature(0));
    ASSERT_TRUE(status);
    EXPECT_EQ(status->block, built.block.ref);
    EXPECT_EQ(status->status.error, built.outcomes[0].error);
    EXPECT_EQ(status->status.fee.value, fee);
    EXPECT_FALSE(bank.status(root, greedy.signature(0)));
}

/// Solana's halt of June 2022: a transaction that had failed was executed again, by some. There is
/// one protection against replays here, and it does not ask how the first time ended.
TEST_F(BankTest, a_failed_transaction_is_not_executed_again)
{
    const ledger::Transaction greedy = transfer({keys[0], keys[1].pubkey, 1000 * sol, root});
    const BuiltBlock first = block_of(root, 1, {greedy});
    ASSERT_FALSE(first.outcomes[0].error.ok());
    const BuiltBlock second = block_of(first.block.ref.id, 2, {greedy});
    EXPECT_EQ(second.outcomes[0].result, PackResult::duplicate);
    EXPECT_TRUE(second.state->statuses.empty());
    EXPECT_EQ(balance(bank, second.block.ref.id, keys[0].pubkey), 100 * sol - fee);
}

/// Sui's halt of November 2024: a cost of zero was thought impossible and asserted. Here nothing is
/// asked for, nothing is done, and nothing has to be paid.
TEST_F(BankTest, a_transaction_that_asks_for_nothing_and_costs_nothing_is_executed)
{
    ledger::Genesis free_genesis = genesis;
    free_genesis.lamports_per_signature = Lamports{0};
    for (const ledger::Genesis& rules : {genesis, free_genesis}) {
        Bank maker(rules, Bank::Options{});
        Bank checker(rules, Bank::Options{});
        const Hash start = maker.genesis_hash();
        const std::vector<ledger::Transaction> idle{
            transaction({&keys[0]}, start, {}),
            transaction({&keys[1]}, start, {ledger::compute_unit_limit(0)}),
            transaction({&keys[2]}, start,
                        {ledger::compute_unit_limit(0), ledger::compute_unit_price(0)})};
        const BuiltBlock built =
            build(maker, {.parent = start, .slot = Slot{1}, .transactions = idle});
        for (const PackOutcome& outcome : built.outcomes) {
            EXPECT_EQ(outcome.result, PackResult::included);
        }
        ASSERT_TRUE(checker.replay(built.block, leader()));
        EXPECT_EQ(balance(checker, built.block.ref.id, keys[0].pubkey),
                  100 * sol - rules.lamports_per_signature.value);
    }
}

TEST_F(BankTest, each_commitment_answers_from_its_own_block)
{
    const BuiltBlock one = block_of(root, 1, {transfer({keys[0], keys[1].pubkey, sol, root})});
    const Hash first = one.block.ref.id;
    const BuiltBlock two =
        block_of(first, 2, {transfer({keys[0], keys[1].pubkey, sol, one.state->blockhash()})});
    const Hash second = two.block.ref.id;
    const BuiltBlock fork =
        block_of(first, 3, {transfer({keys[0], keys[2].pubkey, 5 * sol, root})});
    const Hash third = fork.block.ref.id;
    // The bank stands on the fork now; every block still answers for itself.
    ASSERT_EQ(bank.position().id(), third);
    EXPECT_EQ(balance(bank, root, keys[1].pubkey), 100 * sol);
    EXPECT_EQ(balance(bank, first, keys[1].pubkey), 101 * sol);
    EXPECT_EQ(balance(bank, second, keys[1].pubkey), 102 * sol);
    EXPECT_EQ(balance(bank, third, keys[1].pubkey), 101 * sol);
    EXPECT_EQ(balance(bank, third, keys[2].pubkey), 105 * sol);
    EXPECT_EQ(balance(bank, second, keys[2].pubkey), 100 * sol);
    EXPECT_EQ(bank.latest_blockhash(second)->blockhash, two.state->blockhash());
    EXPECT_EQ(bank.latest_blockhash(second)->last_valid_height.value, 152U);
    EXPECT_TRUE(bank.is_blockhash_valid(second, one.state->blockhash()).value());
    EXPECT_FALSE(bank.is_blockhash_valid(third, two.state->blockhash()).value());
    const Hash message = one.state->statuses[0].message_hash;
    EXPECT_TRUE(bank.status_of_message(third, message));
    EXPECT_FALSE(bank.status_of_message(third, two.state->statuses[0].message_hash));
    EXPECT_FALSE(bank.account(crypto::sha256(Bytes{1}), keys[0].pubkey));
}

TEST_F(BankTest, finality_prunes_other_forks_and_hands_over_what_changed)
{
    ASSERT_TRUE(bank.take_flush());
    EXPECT_FALSE(bank.take_flush());
    const BuiltBlock one = block_of(root, 1, {transfer({keys[0], keys[1].pubkey, sol, root})});
    const BuiltBlock loser = block_of(root, 2, {transfer({keys[2], keys[1].pubkey, sol, root})});
    const BuiltBlock two =
        block_of(one.block.ref.id, 3, {transfer({keys[3], keys[1].pubkey, sol, root})});
    const BuiltBlock loser_child = block_of(loser.block.ref.id, 4);
    EXPECT_EQ(bank.block_count(), 5U);
    EXPECT_FALSE(bank.set_finalized(crypto::sha256(Bytes{1})));
    ASSERT_TRUE(bank.set_finalized(two.block.ref.id));
    ASSERT_TRUE(bank.set_finalized(two.block.ref.id)); // again: nothing happens
    EXPECT_EQ(bank.block_count(), 1U);
    EXPECT_EQ(bank.counters().blocks_pruned, 2U);
    EXPECT_EQ(bank.find(loser_child.block.ref.id), nullptr);
    EXPECT_EQ(bank.position().id(), two.block.ref.id);
    EXPECT_FALSE(bank.status(two.block.ref.id, Signature{}));

    const std::optional<Flush> flush = bank.take_flush();
    ASSERT_TRUE(flush);
    EXPECT_EQ(flush->anchor, bank.finalized().anchor);
    ASSERT_EQ(flush->accounts.size(), 3U); // 0, 1, 3; the leader's account stayed empty
    for (const auto& [key, account] : flush->accounts) {
        EXPECT_EQ(account, bank.account(two.block.ref.id, key).value());
    }
    // Statuses below finalized stay known, and a message of them is still a duplicate.
    EXPECT_TRUE(
        bank.status(two.block.ref.id, transfer({keys[0], keys[1].pubkey, sol, root}).signature(0)));
    const BuiltBlock again =
        block_of(two.block.ref.id, 5, {transfer({keys[0], keys[1].pubkey, sol, root})});
    EXPECT_EQ(again.outcomes[0].result, PackResult::duplicate);
    // What only the pruned fork knew is free to come again.
    const BuiltBlock free =
        block_of(two.block.ref.id, 6, {transfer({keys[2], keys[1].pubkey, sol, root})});
    EXPECT_EQ(free.outcomes[0].result, PackResult::included);
}

TEST_F(BankTest, a_builder_whose_parent_was_pruned_comes_to_nothing)
{
    const BuiltBlock one = block_of(root, 1);
    const BuiltBlock two = block_of(root, 2);
    auto stale =
        bank.start_block({.slot = Slot{3}, .parent_id = one.block.ref.id, .leader = leader()})
            .value();
    ASSERT_TRUE(bank.set_finalized(two.block.ref.id));
    const ledger::Transaction any = transfer({keys[0], keys[1].pubkey, sol, root});
    const ledger::Transaction* pointer = &any;
    EXPECT_EQ(stale->add(std::span(&pointer, 1))[0].result, PackResult::block_full);
    (void)stale->finish();
    const auto sealed = bank.seal(std::move(stale), crypto::sha256(Bytes{9}));
    ASSERT_FALSE(sealed);
    EXPECT_EQ(sealed.error(), BlockError::unknown_parent);
}

TEST_F(BankTest, two_builders_on_two_forks_do_not_see_each_other)
{
    const BuiltBlock one = block_of(root, 1, {transfer({keys[0], keys[1].pubkey, 50 * sol, root})});
    const BuiltBlock two = block_of(root, 2, {transfer({keys[0], keys[2].pubkey, 60 * sol, root})});
    auto left = bank.start_block({Slot{3}, one.block.ref.id, leader()}).value();
    auto right = bank.start_block({Slot{3}, two.block.ref.id, leader()}).value();
    const ledger::Transaction big = transfer({keys[0], keys[3].pubkey, 45 * sol, root});
    const ledger::Transaction* pointer = &big;
    EXPECT_TRUE(left->add(std::span(&pointer, 1))[0].error.ok());
    EXPECT_FALSE(right->add(std::span(&pointer, 1))[0].error.ok());
    (void)left->finish();
    (void)right->finish();
    const Hash left_id = crypto::sha256(Bytes{1});
    const Hash right_id = crypto::sha256(Bytes{2});
    ASSERT_TRUE(bank.seal(std::move(left), left_id));
    ASSERT_TRUE(bank.seal(std::move(right), right_id));
    EXPECT_EQ(balance(bank, left_id, keys[3].pubkey), 145 * sol);
    EXPECT_EQ(balance(bank, right_id, keys[3].pubkey), 100 * sol);
}

TEST_F(BankTest, a_simulation_says_what_a_block_would_and_changes_nothing)
{
    const BuiltBlock one = block_of(root, 1, {transfer({keys[0], keys[1].pubkey, 50 * sol, root})});
    const Hash id = one.block.ref.id;
    const auto good = bank.simulate(id, transfer({keys[1], keys[0].pubkey, 140 * sol, root}));
    ASSERT_TRUE(good);
    EXPECT_TRUE(good->would_be_included && good->error.ok());
    EXPECT_EQ(good->compute_units, 150U);
    EXPECT_EQ(good->fee.value, fee);
    // The same at genesis: there the money has not arrived.
    const auto early = bank.simulate(root, transfer({keys[1], keys[0].pubkey, 140 * sol, root}));
    EXPECT_EQ(early->error, TransactionError::of_instruction(0, InstructionErrorKind::custom, 1));
    EXPECT_TRUE(early->would_be_included);
    const auto seen = bank.simulate(id, transfer({keys[0], keys[1].pubkey, 50 * sol, root}));
    EXPECT_EQ(seen->error.kind, TransactionErrorKind::already_processed);
    const auto unknown = bank.simulate(id, transfer({keys[0], keys[1].pubkey, 1, Hash{}}));
    EXPECT_EQ(unknown->error.kind, TransactionErrorKind::blockhash_not_found);
    const auto poor = bank.simulate(id, transfer({wallet(77), keys[1].pubkey, 1, root}));
    EXPECT_EQ(poor->error.kind, TransactionErrorKind::account_not_found);
    EXPECT_FALSE(poor->would_be_included);
    EXPECT_EQ(balance(bank, id, keys[1].pubkey), 150 * sol);
    EXPECT_FALSE(bank.simulate(Hash{}, transfer({keys[0], keys[1].pubkey, 1, root})));
}

TEST_F(BankTest, verified_transactions_are_not_verified_again)
{
    const BuiltBlock built = block_of(root, 1,
                                      {transfer({keys[0], keys[1].pubkey, 1, root}),
                                       transfer({keys[1], keys[0].pubkey, 1, root})});
    const Hash known = built.state->statuses[0].message_hash;
    ASSERT_TRUE(other.replay({.block = &built.block,
                              .leader = leader(),
                              .verified_before = [&](const ledger::Transaction& transaction) {
                                  return transaction.message_hash() == known;
                              }}));
    EXPECT_EQ(other.counters().signatures_skipped, 1U);
    EXPECT_EQ(other.counters().signatures_verified, 1U);
}

} // namespace
} // namespace belfry::exec
