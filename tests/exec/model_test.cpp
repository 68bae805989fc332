// SPDX-License-Identifier: Apache-2.0
// The bank against a slow model that shares no code with it, and against itself at other numbers of
// threads and over other orders of forks.
#include "exec/bank.hpp"
#include "tests/exec/model.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace belfry::exec {
namespace {

using namespace test; // NOLINT(google-build-using-namespace)

constexpr std::size_t wallet_count = 24;
constexpr std::size_t funded_count = 12;

[[nodiscard]] ledger::Genesis genesis_of(const IntentWriter& writer)
{
    auto funded = writer.keys();
    funded.resize(funded_count);
    ledger::Genesis genesis = small_genesis(funded);
    genesis.accounts[0].account.lamports = Lamports{5'000'000}; // soon short of money
    genesis.accounts[1].account.lamports = Lamports{20'000};    // below the rent minimum
    return genesis;
}

struct Transactions {
    std::vector<Intent> intents;
    std::vector<ledger::Transaction> wires;
};

[[nodiscard]] Transactions random_transactions(Choices& random, const IntentWriter& writer,
                                               const Hash& blockhash, std::size_t count)
{
    Transactions made;
    while (made.wires.size() < count) {
        const Intent intent = random_intent(random, wallet_count);
        if (const auto wire = writer.write(intent, blockhash)) {
            made.intents.push_back(intent);
            made.wires.push_back(*wire);
        }
    }
    return made;
}

/// What the model says that the accounts of a transaction hold now.
std::vector<std::uint64_t> balances_of(const Model& model, const ledger::Transaction& wire,
                                       const IntentWriter& writer)
{
    std::vector<std::uint64_t> balances;
    for (std::size_t key = 0; key < wire.account_count(); ++key) {
        const auto wallet = std::ranges::find(writer.keys(), wire.account(key),
                                              &crypto::InsecureSigningKey::pubkey);
        const auto found = model.accounts.find(
            static_cast<std::size_t>(std::distance(writer.keys().begin(), wallet)));
        balances.push_back(wallet != writer.keys().end() && found != model.accounts.end()
                               ? found->second.lamports
                               : 0);
    }
    return balances;
}

TEST(Model, says_of_every_transaction_and_account_what_the_bank_says)
{
    Choices random(seed_of_run());
    const IntentWriter writer(wallet_count);
    std::size_t included = 0;
    std::size_t effective = 0;
    for (int round = 0; round < 8; ++round) {
        const ledger::Genesis genesis = genesis_of(writer);
        Bank bank(genesis, Bank::Options{.threads = round % 2 == 0 ? 1U : 2U});
        Model model;
        for (std::size_t i = 0; i < funded_count; ++i) {
            model.accounts[i] = {genesis.accounts[i].account.lamports.value, 0, 0};
        }
        Hash parent = bank.genesis_hash();
        std::uint64_t burnt = 0;
        std::uint64_t leader_lamports = 0;
        for (std::uint64_t slot = 1; slot <= 4; ++slot) {
            const Transactions made =
                random_transactions(random, writer, bank.find(parent)->blockhash(), 150);
            const BuiltBlock built =
                build(bank, {.parent = parent, .slot = Slot{slot}, .transactions = made.wires});
            model.base_fees = model.priority_fees = 0;
            std::set<Hash> seen;
            std::set<Hash> offered;
            for (std::size_t i = 0; i < made.wires.size(); ++i) {
                if (seen.contains(made.wires[i].message_hash())) {
                    ASSERT_EQ(built.outcomes[i].result, PackResult::duplicate);
                    continue;
                }
                // A copy within one batch is a duplicate even if the first one could not pay.
                if (!offered.insert(made.wires[i].message_hash()).second &&
                    built.outcomes[i].result == PackResult::duplicate) {
                    continue;
                }
                std::vector<std::uint64_t> balances = balances_of(model, made.wires[i], writer);
                const Model::Result expected =
                    model.apply(made.intents[i], made.wires[i], writer.keys());
                std::ranges::copy(balances_of(model, made.wires[i], writer),
                                  std::back_inserter(balances));
                const PackOutcome& outcome = built.outcomes[i];
                ASSERT_EQ(outcome.result == PackResult::included, expected.included) << i;
                ASSERT_EQ(name_of(outcome.error.kind), name_of(expected.error.kind)) << i;
                ASSERT_EQ(name_of(outcome.error.instruction), name_of(expected.error.instruction))
                    << i;
                ASSERT_EQ(outcome.error, expected.error) << i;
                if (expected.included) {
                    seen.insert(made.wires[i].message_hash());
                    ASSERT_EQ(outcome.fee.value, expected.fee) << i;
                    ASSERT_EQ(built.statuses.at(seen.size() - 1).balances, balances) << i;
                    ++included;
                    effective += expected.error.ok() ? 1U : 0U;
                }
            }
            parent = built.block.ref.id;
            const std::uint64_t reward =
                model.priority_fees + model.base_fees - model.base_fees / 2;
            const bool paid = leader_lamports + reward >= rent_minimum;
            leader_lamports += paid ? reward : 0;
            burnt += model.base_fees / 2 + (paid ? 0 : reward);
            std::uint64_t total = balance(bank, parent, leader());
            for (std::size_t i = 0; i < wallet_count; ++i) {
                const ledger::Account account =
                    bank.account(parent, writer.keys()[i].pubkey).value();
                const auto expected = model.accounts.find(i);
                const Model::Account none;
                const Model::Account& is =
                    expected != model.accounts.end() ? expected->second : none;
                ASSERT_EQ(account.lamports.value, is.lamports) << i;
                ASSERT_EQ(account.data, Bytes(is.bytes, 0)) << i;
                ASSERT_EQ(account.owner, program_of(is.owner)) << i;
                total += account.lamports.value;
            }
            ASSERT_EQ(balance(bank, parent, leader()), leader_lamports);
            ASSERT_EQ(bank.find(parent)->anchor.fees_burnt.value, burnt);
            ASSERT_EQ(total + burnt, ledger::total_lamports(genesis).value);
        }
    }
    EXPECT_GT(included, 1000U); // the intents are not all refused, nor all without effect
    EXPECT_GT(effective, 300U);
}

TEST(Executor, gives_the_same_block_at_1_2_and_8_threads)
{
    const ParallelismLimit limit(8);
    Choices random(seed_of_run());
    const IntentWriter writer(wallet_count);
    const ledger::Genesis genesis = genesis_of(writer);
    for (int round = 0; round < 3; ++round) {
        Bank one(genesis, Bank::Options{.threads = 1, .verify_signatures = false});
        Bank two(genesis, Bank::Options{.threads = 2, .verify_signatures = false});
        Bank eight(genesis, Bank::Options{.threads = 8, .verify_signatures = false});
        Hash parent = one.genesis_hash();
        for (std::uint64_t slot = 1; slot <= 3; ++slot) {
            const Transactions made =
                random_transactions(random, writer, one.find(parent)->blockhash(), 600);
            const BuiltBlock built = build(
                one,
                {.parent = parent, .slot = Slot{slot}, .transactions = made.wires, .batch = 300});
            for (Bank* bank : {&two, &eight}) {
                const auto replayed = bank->replay(built.block, leader());
                ASSERT_TRUE(replayed) << to_string(replayed.error());
                ASSERT_EQ((*replayed)->statuses, built.statuses);
                ASSERT_EQ((*replayed)->state_hash(), built.state->state_hash());
            }
            parent = built.block.ref.id;
        }
        // Built in parallel, the stream is the same byte for byte.
        Bank again(genesis, Bank::Options{.threads = 8});
        const Transactions made = random_transactions(random, writer, again.genesis_hash(), 500);
        Bank serial(genesis, Bank::Options{});
        const BlockSpec spec{.parent = again.genesis_hash(),
                             .slot = Slot{1},
                             .transactions = made.wires,
                             .batch = 250};
        ASSERT_EQ(build(again, spec).block.stream, build(serial, spec).block.stream);
    }
}

TEST(Executor, independent_transfers_run_in_parallel_with_the_serial_result)
{
    const ParallelismLimit limit(8);
    const auto keys = wallets(1200);
    const ledger::Genesis genesis = small_genesis(keys);
    Bank serial(genesis, Bank::Options{.verify_signatures = false});
    Bank parallel(genesis, Bank::Options{.threads = 8, .verify_signatures = false});
    std::vector<ledger::Transaction> transfers;
    for (std::size_t i = 0; i + 1 < keys.size(); i += 2) {
        transfers.push_back(transfer({keys[i], keys[i + 1].pubkey, i + 1, serial.genesis_hash()}));
    }
    const BuiltBlock built = build(serial, {.parent = serial.genesis_hash(),
                                            .slot = Slot{1},
                                            .transactions = transfers,
                                            .batch = 600});
    const auto replayed = parallel.replay(built.block, leader());
    ASSERT_TRUE(replayed) << to_string(replayed.error());
    EXPECT_EQ((*replayed)->statuses.size(), 600U);
    EXPECT_EQ(balance(parallel, built.block.ref.id, keys[1].pubkey), 100 * sol + 1);
}

TEST(Executor, a_writer_waits_for_the_readers_before_it)
{
    const auto keys = wallets(100);
    const ledger::Genesis genesis = small_genesis(keys);
    const crypto::InsecureSigningKey fresh = wallet(500);
    Bank serial(genesis, Bank::Options{});
    Bank parallel(genesis, Bank::Options{.threads = 2});
    const Hash blockhash = serial.genesis_hash();
    std::vector<ledger::Transaction> transactions;
    for (std::uint64_t i = 0; i < 5; ++i) { // one after the other: wallet 0 writes them all
        transactions.push_back(transfer({keys[0], keys[1].pubkey, i, blockhash}));
    }
    // Reads `fresh`, which does not exist yet, behind that chain; nothing else about it is in use.
    ledger::Instruction create = ledger::system_create_account({.from = keys[0].pubkey,
                                                                .new_account = fresh.pubkey,
                                                                .lamports = Lamports{sol},
                                                                .space_bytes = 0,
                                                                .owner = {}});
    create.accounts[1].is_writable = false;
    transactions.push_back(transaction({&keys[0], &fresh}, blockhash, {create}));
    // Writes it. Nothing else keeps this one from the first wave.
    transactions.push_back(transfer({keys[2], fresh.pubkey, sol, blockhash}));
    for (std::size_t i = 10; i + 1 < keys.size(); i += 2) {
        transactions.push_back(transfer({keys[i], keys[i + 1].pubkey, 1, blockhash}));
    }
    const BlockSpec spec{.parent = blockhash, .slot = Slot{1}, .transactions = transactions};
    const BuiltBlock in_order = build(serial, spec);
    ASSERT_EQ(in_order.outcomes[5].error,
              TransactionError::of_instruction(0, InstructionErrorKind::readonly_data_modified));
    const BuiltBlock in_waves = build(parallel, spec);
    EXPECT_EQ(in_waves.outcomes[5].error, in_order.outcomes[5].error);
    EXPECT_EQ(in_waves.block.stream, in_order.block.stream);
}

/// The state hash after a chain of blocks, from nothing.
[[nodiscard]] Anchor replay_alone(const ledger::Genesis& genesis,
                                  const std::vector<const ledger::Block*>& chain)
{
    Bank fresh(genesis, Bank::Options{.verify_signatures = false});
    Anchor anchor = fresh.finalized().anchor;
    for (const ledger::Block* block : chain) {
        anchor = fresh.replay(*block, leader()).value()->anchor;
    }
    return anchor;
}

TEST(Forks, every_block_of_a_random_tree_has_the_state_of_its_own_chain_alone)
{
    Choices random(seed_of_run());
    const IntentWriter writer(wallet_count);
    const ledger::Genesis genesis = genesis_of(writer);
    for (int round = 0; round < 4; ++round) {
        Bank builder(genesis, Bank::Options{.verify_signatures = false});
        Bank follower(genesis, Bank::Options{.threads = 2, .verify_signatures = false});
        std::vector<BuiltBlock> blocks;
        std::vector<std::optional<std::size_t>> parents;
        for (std::uint64_t slot = 1; slot <= 20; ++slot) {
            std::optional<std::size_t> parent;
            if (!blocks.empty() && random() % 8 != 0) {
                parent = random() % blocks.size();
            }
            const Hash parent_id = parent ? blocks[*parent].block.ref.id : builder.genesis_hash();
            const Transactions made =
                random_transactions(random, writer, builder.find(parent_id)->blockhash(), 40);
            blocks.push_back(build(
                builder, {.parent = parent_id, .slot = Slot{slot}, .transactions = made.wires}));
            parents.push_back(parent);
        }
        for (const BuiltBlock& built : blocks) {
            const auto replayed = follower.replay(built.block, leader());
            ASSERT_TRUE(replayed) << to_string(replayed.error());
            ASSERT_EQ((*replayed)->anchor, built.anchor);
        }
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            std::vector<const ledger::Block*> chain;
            for (std::optional<std::size_t> at = i; at; at = parents[*at]) {
                chain.insert(chain.begin(), &blocks[*at].block);
            }
            ASSERT_EQ(replay_alone(genesis, chain), blocks[i].anchor);
            // Accounts at that block, asked while the bank stands elsewhere.
            Bank alone(genesis, Bank::Options{.verify_signatures = false});
            for (const ledger::Block* block : chain) {
                ASSERT_TRUE(alone.replay(*block, leader()));
            }
            for (const crypto::InsecureSigningKey& key : writer.keys()) {
                ASSERT_EQ(follower.account(blocks[i].block.ref.id, key.pubkey),
                          alone.account(blocks[i].block.ref.id, key.pubkey));
            }
        }
        // Finality anywhere: what is left answers as before, and goes on.
        const std::size_t last = blocks.size() - 1;
        std::vector<std::size_t> path;
        for (std::optional<std::size_t> at = last; at; at = parents[*at]) {
            path.push_back(*at);
        }
        const std::size_t final_block = path[path.size() / 2];
        ASSERT_TRUE(follower.set_finalized(blocks[final_block].block.ref.id));
        ASSERT_EQ(follower.find(blocks[last].block.ref.id)->anchor, blocks[last].anchor);
        const BuiltBlock next = build(
            follower, {.parent = blocks[last].block.ref.id, .slot = Slot{21}, .transactions = {}});
        ASSERT_TRUE(builder.replay(next.block, leader()));
    }
}

TEST(StateHash, the_running_hash_is_that_of_the_whole_set_from_nothing)
{
    Choices random(seed_of_run());
    const IntentWriter writer(wallet_count);
    const ledger::Genesis genesis = genesis_of(writer);
    Bank bank(genesis, Bank::Options{});
    Hash parent = bank.genesis_hash();
    for (std::uint64_t slot = 1; slot <= 10; ++slot) {
        const Transactions made =
            random_transactions(random, writer, bank.find(parent)->blockhash(), 60);
        parent = build(bank, {.parent = parent, .slot = Slot{slot}, .transactions = made.wires})
                     .block.ref.id;
        // Independently: the sum over accounts that exist, in the one encoding.
        crypto::LtHash sum;
        std::vector<Pubkey> keys{leader()};
        for (const crypto::InsecureSigningKey& key : writer.keys()) {
            keys.push_back(key.pubkey);
        }
        for (const Pubkey& key : keys) {
            const ledger::Account account = bank.account(parent, key).value();
            if (account.lamports.value != 0) {
                sum.add(ledger::encode_account(key, account));
            }
        }
        const BlockState& state = *bank.find(parent);
        const std::string tag = "belfry.state.1";
        Bytes preimage(tag.begin(), tag.end());
        ByteWriter out(preimage);
        out.bytes(state.anchor.parent_state_hash.view());
        out.bytes(sum.view());
        ASSERT_EQ(state.state_hash(), crypto::sha256(preimage));
        ASSERT_EQ(state.anchor.parent_state_hash, bank.find(state.anchor.parent.id)->state_hash());
    }
}

} // namespace
} // namespace belfry::exec
