// SPDX-License-Identifier: Apache-2.0
// The System program and the compute budget, instruction by instruction, in Solana's words.
#include "exec/bank.hpp"
#include "exec/programs/compute_budget.hpp"
#include "exec/programs/system.hpp"
#include "tests/exec/support.hpp"

#include <gtest/gtest.h>

namespace belfry::exec {
namespace {

using namespace test; // NOLINT(google-build-using-namespace)

class ProgramTest : public testing::Test {
protected:
    std::vector<crypto::InsecureSigningKey> keys = wallets(4);
    crypto::InsecureSigningKey fresh = wallet(50);
    crypto::InsecureSigningKey other_fresh = wallet(51);
    Pubkey program = wallet(60).pubkey;
    ledger::Genesis genesis = small_genesis(keys);
    Bank bank{genesis, Bank::Options{}};
    Hash tip = bank.genesis_hash();
    std::uint64_t slot = 0;

    using Signers = std::vector<const crypto::InsecureSigningKey*>;

    PackOutcome run(const Signers& signers, const std::vector<ledger::Instruction>& instructions)
    {
        ++slot;
        const BuiltBlock built = build(
            bank,
            {.parent = tip,
             .slot = Slot{slot},
             .transactions = {transaction(signers, bank.find(tip)->blockhash(), instructions)}});
        tip = built.block.ref.id;
        return built.outcomes.at(0);
    }
    [[nodiscard]] ledger::Account at(const Pubkey& key) const
    {
        return bank.account(tip, key).value();
    }
    [[nodiscard]] ledger::Instruction create(const ledger::CreateAccountOptions& options) const
    {
        return ledger::system_create_account(options);
    }
    [[nodiscard]] static TransactionError custom(std::uint8_t index, std::uint32_t code)
    {
        return TransactionError::of_instruction(index, InstructionErrorKind::custom, code);
    }
    [[nodiscard]] static TransactionError failed(InstructionErrorKind kind, std::uint8_t index = 0)
    {
        return TransactionError::of_instruction(index, kind);
    }
    [[nodiscard]] ledger::Instruction pay(std::size_t from, const Pubkey& to,
                                          std::uint64_t lamports) const
    {
        return ledger::system_transfer(
            {.from = keys[from].pubkey, .to = to, .lamports = Lamports{lamports}});
    }
};

TEST_F(ProgramTest, create_account_makes_an_account_of_zeros_for_its_owner)
{
    const std::uint64_t lamports = (128 + 100) * 6960;
    const PackOutcome outcome = run({&keys[0], &fresh}, {create({.from = keys[0].pubkey,
                                                                 .new_account = fresh.pubkey,
                                                                 .lamports = Lamports{lamports},
                                                                 .space_bytes = 100,
                                                                 .owner = program})});
    EXPECT_TRUE(outcome.error.ok());
    EXPECT_EQ(outcome.fee.value, 2 * fee); // two signatures
    EXPECT_EQ(at(fresh.pubkey).lamports.value, lamports);
    EXPECT_EQ(at(fresh.pubkey).owner, program);
    EXPECT_EQ(at(fresh.pubkey).data, Bytes(100, 0));
    EXPECT_EQ(at(keys[0].pubkey).lamports.value, 100 * sol - lamports - 2 * fee);
}

TEST_F(ProgramTest, create_account_refuses_an_account_in_use)
{
    const auto error = run({&keys[0], &keys[1]}, {create({.from = keys[0].pubkey,
                                                          .new_account = keys[1].pubkey,
                                                          .lamports = Lamports{sol},
                                                          .owner = program})})
                           .error;
    EXPECT_EQ(error, custom(0, 0)); // AccountAlreadyInUse
    EXPECT_EQ(at(keys[1].pubkey).owner, ledger::system_program);
    EXPECT_EQ(at(keys[0].pubkey).lamports.value, 100 * sol - 2 * fee);
}

TEST_F(ProgramTest, create_account_with_too_little_money_or_too_much_data)
{
    EXPECT_EQ(run({&keys[0], &fresh}, {create({.from = keys[0].pubkey,
                                               .new_account = fresh.pubkey,
                                               .lamports = Lamports{101 * sol},
                                               .owner = program})})
                  .error,
              custom(0, 1)); // ResultWithNegativeLamports
    EXPECT_EQ(run({&keys[0], &fresh}, {create({.from = keys[0].pubkey,
                                               .new_account = fresh.pubkey,
                                               .lamports = Lamports{sol},
                                               .space_bytes = 10 * 1024 * 1024 + 1,
                                               .owner = program})})
                  .error,
              custom(0, 3)); // InvalidAccountDataLength
    EXPECT_EQ(bank.account_count(), 4U);
}

TEST_F(ProgramTest, one_transaction_allocates_at_most_20_mib)
{
    crypto::InsecureSigningKey third = wallet(52);
    std::vector<ledger::Instruction> instructions;
    for (crypto::InsecureSigningKey* key : {&fresh, &other_fresh, &third}) {
        instructions.push_back(create({.from = keys[0].pubkey,
                                       .new_account = key->pubkey,
                                       .lamports = Lamports{1},
                                       .space_bytes = 10 * 1024 * 1024,
                                       .owner = program}));
    }
    EXPECT_EQ(run({&keys[0], &fresh, &other_fresh, &third}, instructions).error,
              failed(InstructionErrorKind::max_accounts_data_allocations_exceeded, 2));
}

TEST_F(ProgramTest, a_new_account_below_its_rent_minimum_fails_by_its_index)
{
    const PackOutcome outcome =
        run({&keys[0], &fresh}, {create({.from = keys[0].pubkey,
                                         .new_account = fresh.pubkey,
                                         .lamports = Lamports{(128 + 10) * 6960 - 1},
                                         .space_bytes = 10,
                                         .owner = program})});
    EXPECT_EQ(outcome.error,
              TransactionError::of(TransactionErrorKind::insufficient_funds_for_rent, 1));
    EXPECT_EQ(at(fresh.pubkey), ledger::Account{});
    EXPECT_EQ(at(keys[0].pubkey).lamports.value, 100 * sol - 2 * fee);
}

TEST_F(ProgramTest, a_transfer_may_not_leave_dust_on_either_side)
{
    EXPECT_EQ(run({&keys[0]}, {pay(0, fresh.pubkey, rent_minimum - 1)}).error,
              TransactionError::of(TransactionErrorKind::insufficient_funds_for_rent, 1));
    EXPECT_TRUE(run({&keys[0]}, {pay(0, fresh.pubkey, rent_minimum)}).error.ok());
    const std::uint64_t left = at(keys[0].pubkey).lamports.value - fee;
    EXPECT_EQ(run({&keys[0]}, {pay(0, keys[1].pubkey, left - rent_minimum + 1)}).error,
              TransactionError::of(TransactionErrorKind::insufficient_funds_for_rent, 0));
    // To the last lamport is fine: the account is gone then.
    const std::uint64_t all = at(keys[0].pubkey).lamports.value - fee;
    EXPECT_TRUE(run({&keys[0]}, {pay(0, keys[1].pubkey, all)}).error.ok());
    EXPECT_EQ(at(keys[0].pubkey), ledger::Account{});
    EXPECT_EQ(run({&keys[0]}, {pay(0, keys[1].pubkey, 1)}).error.kind,
              TransactionErrorKind::account_not_found);
}

TEST_F(ProgramTest, a_payer_whose_fee_would_leave_dust_is_not_included)
{
    // 10,000 lamports above the minimum: two fees can be paid, not a third.
    ASSERT_TRUE(run({&keys[0]}, {pay(0, fresh.pubkey, rent_minimum + 2 * fee)}).error.ok());
    const ledger::Instruction nothing = ledger::system_transfer(
        {.from = fresh.pubkey, .to = keys[1].pubkey, .lamports = Lamports{0}});
    EXPECT_TRUE(run({&fresh}, {nothing}).error.ok());
    EXPECT_TRUE(run({&fresh}, {nothing}).error.ok());
    const PackOutcome outcome = run({&fresh}, {nothing});
    EXPECT_EQ(outcome.result, PackResult::payer_cannot_pay);
    EXPECT_EQ(outcome.error,
              TransactionError::of(TransactionErrorKind::insufficient_funds_for_rent, 0));
    EXPECT_EQ(at(fresh.pubkey).lamports.value, rent_minimum);
}

TEST_F(ProgramTest, a_failed_instruction_takes_back_those_before_it)
{
    const PackOutcome outcome =
        run({&keys[0]}, {pay(0, keys[1].pubkey, sol), pay(0, keys[1].pubkey, 1000 * sol)});
    EXPECT_EQ(outcome.error, custom(1, 1));
    EXPECT_EQ(at(keys[0].pubkey).lamports.value, 100 * sol - fee);
    EXPECT_EQ(at(keys[1].pubkey).lamports.value, 100 * sol);
}

TEST_F(ProgramTest, a_transfer_to_itself_changes_nothing_but_the_fee)
{
    EXPECT_TRUE(run({&keys[0]}, {pay(0, keys[0].pubkey, 50 * sol)}).error.ok());
    EXPECT_EQ(at(keys[0].pubkey).lamports.value, 100 * sol - fee);
    EXPECT_EQ(run({&keys[0]}, {pay(0, keys[0].pubkey, 100 * sol)}).error, custom(0, 1));
}

TEST_F(ProgramTest, what_transfer_asks_of_its_accounts)
{
    ledger::Instruction unsigned_from{
        ledger::system_program, {{keys[1].pubkey, false, true}, {keys[2].pubkey, false, true}}, {}};
    ByteWriter(unsigned_from.data).u32(2);
    ByteWriter(unsigned_from.data).u64(1);
    EXPECT_EQ(run({&keys[0]}, {unsigned_from}).error,
              failed(InstructionErrorKind::missing_required_signature));
    ledger::Instruction alone = pay(0, keys[1].pubkey, 1);
    alone.accounts.pop_back();
    EXPECT_EQ(run({&keys[0]}, {alone}).error,
              failed(InstructionErrorKind::not_enough_account_keys));
    ledger::Instruction short_data = pay(0, keys[1].pubkey, 1);
    short_data.data.pop_back();
    EXPECT_EQ(run({&keys[0]}, {short_data}).error,
              failed(InstructionErrorKind::invalid_instruction_data));
    ledger::Instruction long_data = pay(0, keys[1].pubkey, 1);
    long_data.data.push_back(7); // bytes after the fields are ignored
    EXPECT_TRUE(run({&keys[0]}, {long_data}).error.ok());
    ledger::Instruction readonly_to = pay(0, keys[1].pubkey, 1);
    readonly_to.accounts[1].is_writable = false;
    EXPECT_EQ(run({&keys[0]}, {readonly_to}).error,
              failed(InstructionErrorKind::readonly_lamport_change));
    // A program's own address is never writable, whatever the header says.
    EXPECT_EQ(run({&keys[0]}, {pay(0, ledger::system_program, sol)}).error,
              failed(InstructionErrorKind::readonly_lamport_change));
}

TEST_F(ProgramTest, money_of_another_owner_does_not_move)
{
    const std::uint64_t lamports = 5 * sol;
    ASSERT_TRUE(run({&keys[0], &fresh}, {create({.from = keys[0].pubkey,
                                                 .new_account = fresh.pubkey,
                                                 .lamports = Lamports{lamports},
                                                 .owner = program})})
                    .error.ok());
    const ledger::Instruction take = ledger::system_transfer(
        {.from = fresh.pubkey, .to = keys[0].pubkey, .lamports = Lamports{1}});
    EXPECT_EQ(run({&keys[0], &fresh}, {take}).error,
              failed(InstructionErrorKind::external_account_lamport_spend));
    EXPECT_EQ(run({&fresh}, {take}).error.kind, TransactionErrorKind::invalid_account_for_fee);
    EXPECT_EQ(at(fresh.pubkey).lamports.value, lamports);
}

TEST_F(ProgramTest, an_account_with_data_does_not_pay)
{
    const std::uint64_t lamports = (128 + 8) * 6960;
    ASSERT_TRUE(run({&keys[0], &fresh}, {create({.from = keys[0].pubkey,
                                                 .new_account = fresh.pubkey,
                                                 .lamports = Lamports{lamports + sol},
                                                 .space_bytes = 8,
                                                 .owner = ledger::system_program})})
                    .error.ok());
    const ledger::Instruction take = ledger::system_transfer(
        {.from = fresh.pubkey, .to = keys[0].pubkey, .lamports = Lamports{1}});
    EXPECT_EQ(run({&keys[0], &fresh}, {take}).error,
              failed(InstructionErrorKind::invalid_argument));
    EXPECT_EQ(run({&fresh}, {take}).error.kind, TransactionErrorKind::invalid_account_for_fee);
}

TEST_F(ProgramTest, zeroed_data_may_change_owner_in_a_later_block_and_other_data_may_not)
{
    ledger::Account with_data;
    with_data.lamports = Lamports{sol};
    with_data.data = {0, 0, 1};
    genesis.accounts.push_back({fresh.pubkey, with_data});
    with_data.data = {0, 0, 0};
    genesis.accounts.push_back({other_fresh.pubkey, with_data});
    Bank with(genesis, Bank::Options{});
    std::vector<ledger::Transaction> transactions;
    for (crypto::InsecureSigningKey* key : {&fresh, &other_fresh}) {
        ledger::Instruction assign{ledger::system_program, {{key->pubkey, true, true}}, {}};
        ByteWriter(assign.data).u32(1);
        ByteWriter(assign.data).bytes(program.view());
        transactions.push_back(transaction({&keys[0], key}, with.genesis_hash(), {assign}));
    }
    const BuiltBlock built =
        build(with, {.parent = with.genesis_hash(), .slot = Slot{1}, .transactions = transactions});
    EXPECT_EQ(built.outcomes[0].error, failed(InstructionErrorKind::modified_program_id));
    EXPECT_TRUE(built.outcomes[1].error.ok());
    EXPECT_EQ(with.account(built.block.ref.id, other_fresh.pubkey)->owner, program);
    EXPECT_EQ(with.account(built.block.ref.id, other_fresh.pubkey)->data, Bytes(3, 0));
}

TEST_F(ProgramTest, unknown_programs_are_not_executed_and_cost_the_fee)
{
    const ledger::Instruction foreign{program, {{keys[0].pubkey, true, true}}, {1, 2, 3}};
    const PackOutcome outcome = run({&keys[0]}, {pay(0, keys[1].pubkey, sol), foreign});
    EXPECT_EQ(outcome.result, PackResult::included);
    EXPECT_EQ(outcome.error,
              TransactionError::of(TransactionErrorKind::invalid_program_for_execution));
    EXPECT_EQ(at(keys[0].pubkey).lamports.value, 100 * sol - fee);
}

TEST_F(ProgramTest, a_request_may_be_made_once)
{
    EXPECT_EQ(run({&keys[0]}, {ledger::compute_unit_price(1'000'000), pay(0, keys[1].pubkey, 1),
                               ledger::compute_unit_price(5)})
                  .error,
              TransactionError::of(TransactionErrorKind::duplicate_instruction, 2));
    EXPECT_EQ(at(keys[0].pubkey).lamports.value, 100 * sol - fee); // no priority fee then
}

TEST_F(ProgramTest, the_compute_budget_reads_each_request_and_refuses_the_rest)
{
    const auto budget_of = [&](std::vector<Bytes> requests) {
        std::vector<ledger::Instruction> instructions;
        for (Bytes& data : requests) {
            instructions.push_back({ledger::compute_budget_program, {}, std::move(data)});
        }
        return compute_budget_of(transaction({&keys[0]}, tip, instructions),
                                 ExecutionRules::from(genesis));
    };
    EXPECT_EQ(budget_of({}).unit_limit, 0U);
    EXPECT_EQ(budget_of({{2, 0x10, 0x27, 0, 0}}).unit_limit, 10'000U);
    EXPECT_EQ(budget_of({{2, 0xff, 0xff, 0xff, 0xff}}).unit_limit, 1'400'000U);
    EXPECT_EQ(budget_of({{3, 1, 0, 0, 0, 0, 0, 0, 0}}).priority_fee.value, 1U); // rounded up
    EXPECT_EQ(budget_of({{3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                         {2, 0xff, 0xff, 0xff, 0xff}})
                  .fee()
                  .value,
              UINT64_MAX); // more than there is: nobody can pay it
    EXPECT_TRUE(budget_of({{1, 0, 0x80, 0, 0}}).error.ok()); // 32 KiB of heap
    EXPECT_TRUE(budget_of({{4, 1, 0, 0, 0}}).error.ok());
    const TransactionError malformed = failed(InstructionErrorKind::invalid_instruction_data);
    for (const Bytes& data : std::vector<Bytes>{{},
                                                {0, 1, 0, 0, 0},
                                                {5, 1, 0, 0, 0},
                                                {2, 1, 0, 0},
                                                {3, 1, 0, 0, 0},
                                                {1, 1, 0x80, 0, 0},
                                                {1, 0, 0x7c, 0, 0},
                                                {1, 0, 4, 4, 0}}) {
        EXPECT_EQ(budget_of({data}).error, malformed) << to_hex(data);
    }
    EXPECT_EQ(budget_of({{4, 0, 0, 0, 0}}).error.kind,
              TransactionErrorKind::invalid_loaded_accounts_data_size_limit);
}

TEST_F(ProgramTest, units_that_run_out_stop_the_transaction)
{
    EXPECT_EQ(run({&keys[0]}, {ledger::compute_unit_limit(299), pay(0, keys[1].pubkey, 1)}).error,
              failed(InstructionErrorKind::computational_budget_exceeded, 1));
    EXPECT_TRUE(
        run({&keys[0]}, {ledger::compute_unit_limit(300), pay(0, keys[1].pubkey, 1)}).error.ok());
}

} // namespace
} // namespace belfry::exec
