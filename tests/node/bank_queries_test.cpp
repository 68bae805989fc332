// SPDX-License-Identifier: Apache-2.0
// What the bank says to RPC, from a real bank with a real pool and its gate.
#include "node/tiles/bank_queries.hpp"
#include "node/tiles/ledger_queries.hpp"
#include "tests/exec/support.hpp"

#include <gtest/gtest.h>

#include <string>

namespace belfry::node {
namespace {

namespace test = exec::test;

class BankQueriesTest : public testing::Test {
protected:
    void SetUp() override
    {
        Hash parent = bank_.genesis_hash();
        for (std::uint64_t slot = 1; slot <= 3; ++slot) {
            const test::BuiltBlock built =
                test::build(bank_, {.parent = parent, .slot = Slot{slot}});
            parent = built.block.ref.id;
            blockhash_ = built.state->blockhash();
            levels_.processed = built.block.ref;
        }
        levels_.finalized = bank_.finalized().ref();
        levels_.confirmed = levels_.finalized;
        roster_.validators.push_back({.name = "one",
                                      .key = test::leader(),
                                      .stake = Stake{1},
                                      .transactions = {},
                                      .forwards = {},
                                      .shreds = {},
                                      .votes = {},
                                      .repair = {}});
    }
    [[nodiscard]] Reply ask(Request question)
    {
        const QueryContext context{.genesis = genesis_,
                                   .roster = roster_,
                                   .levels = levels_,
                                   .history = history_,
                                   .schedule = schedule_,
                                   .bank = bank_,
                                   .pool = pool_,
                                   .gate = gate_,
                                   .local = Slot{4},
                                   .faucet = faucet_ ? &*faucet_ : nullptr,
                                   .airdrop_count = airdrop_count_};
        return answer({7, std::move(question)}, context);
    }
    struct Spec {
        std::size_t from = 0;
        std::uint64_t lamports = test::sol;
        std::optional<Hash> blockhash = {};
        bool skip_preflight = true;
        Commitment commitment = Commitment::processed;
    };
    [[nodiscard]] ReplyBody send(const Spec& spec)
    {
        const ledger::Transaction transaction =
            test::transfer({.from = wallets_[spec.from],
                            .to = wallets_[1].pubkey,
                            .lamports = spec.lamports,
                            .blockhash = spec.blockhash.value_or(blockhash_)});
        return ask(SendTransaction{.wire =
                                       Bytes(transaction.wire().begin(), transaction.wire().end()),
                                   .skip_preflight = spec.skip_preflight,
                                   .preflight_commitment = spec.commitment,
                                   .min_context_slot = {}})
            .body;
    }
    static exec::TransactionErrorKind refused_for(const ReplyBody& body)
    {
        const auto* const failed = std::get_if<PreflightFailed>(&body);
        return failed != nullptr ? failed->simulation.error.kind : exec::TransactionErrorKind::none;
    }

    static constexpr std::size_t poor = 3;        // owns nothing
    static constexpr std::size_t nearly_poor = 4; // owns less than a fee
    [[nodiscard]] ledger::Genesis make_genesis() const
    {
        ledger::Genesis genesis = test::small_genesis({wallets_.begin(), wallets_.begin() + poor});
        ledger::Account account;
        account.lamports = Lamports{test::fee - 1};
        genesis.accounts.push_back({wallets_[nearly_poor].pubkey, account});
        return genesis;
    }

    std::vector<crypto::InsecureSigningKey> wallets_ = test::wallets(5);
    ledger::Genesis genesis_ = make_genesis();
    exec::Bank bank_{genesis_, exec::Bank::Options{}};
    exec::TransactionPool pool_{{}, exec::ExecutionRules::from(genesis_)};
    exec::PoolGate gate_{{.early_max = 2, .early_slots_max = 16}};
    consensus::LeaderSchedule schedule_ = make_leader_schedule(genesis_);
    Roster roster_;
    Levels levels_;
    FinalizedHistory history_;
    std::optional<Faucet> faucet_;
    std::uint64_t airdrop_count_ = 0;
    Hash blockhash_; // of the newest block
};

TEST_F(BankQueriesTest, what_is_sent_over_rpc_passes_the_gate_also_without_preflight)
{
    EXPECT_EQ(refused_for(send({.from = poor})), exec::TransactionErrorKind::account_not_found);
    EXPECT_EQ(gate_.counters().cannot_pay, 1U);
    for (std::uint64_t i = 0; i < 10; ++i) {
        Hash unknown;
        unknown.bytes.fill(9);
        const ReplyBody body = send({.lamports = i + 1, .blockhash = unknown});
        EXPECT_EQ(std::holds_alternative<SentAnswer>(body), i < 2) << i;
        EXPECT_EQ(std::holds_alternative<NodeBusy>(body), i >= 2) << i;
    }
    EXPECT_EQ(gate_.early_count(), 2U);
    EXPECT_EQ(gate_.counters().early_full, 8U);
    EXPECT_EQ(pool_.size(), 0U) << "nothing of it may enter the pool and be forwarded";
    EXPECT_TRUE(std::holds_alternative<SentAnswer>(send({})));
    EXPECT_EQ(pool_.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<SentAnswer>(send({}))) << "the same again";
    EXPECT_EQ(pool_.size(), 1U);
}

TEST_F(BankQueriesTest, a_payer_that_holds_less_than_the_fee_is_told_so)
{
    EXPECT_EQ(refused_for(send({.from = nearly_poor, .lamports = 1})),
              exec::TransactionErrorKind::insufficient_funds_for_fee);
    EXPECT_EQ(gate_.counters().cannot_pay, 1U);
    EXPECT_EQ(pool_.size(), 0U);
}

TEST_F(BankQueriesTest, a_transaction_in_quarantine_is_refused_before_anything_looks_at_it)
{
    const ledger::Transaction deadly = test::transfer({.from = wallets_[0],
                                                       .to = wallets_[1].pubkey,
                                                       .lamports = 7,
                                                       .blockhash = bank_.genesis_hash()});
    exec::Bank careful(genesis_, {.quarantine = exec::Quarantine(
                                      {.blocks = {}, .messages = {deadly.message_hash()}}),
                                  .dies_of = wallets_[1].pubkey}); // looking would be the end
    levels_.processed = levels_.confirmed = levels_.finalized = careful.finalized().ref();
    const QueryContext context{.genesis = genesis_,
                               .roster = roster_,
                               .levels = levels_,
                               .history = history_,
                               .schedule = schedule_,
                               .bank = careful,
                               .pool = pool_,
                               .gate = gate_,
                               .local = Slot{4},
                               .airdrop_count = airdrop_count_};
    const Bytes wire(deadly.wire().begin(), deadly.wire().end());
    const std::vector<Request> questions{
        SendTransaction{.wire = wire,
                        .skip_preflight = false,
                        .preflight_commitment = Commitment::processed,
                        .min_context_slot = {}},
        SendTransaction{.wire = wire,
                        .skip_preflight = true,
                        .preflight_commitment = Commitment::processed,
                        .min_context_slot = {}},
        SimulateTransaction{.wire = wire, .accounts = {}, .commitment = Commitment::processed}};
    for (const Request& question : questions) {
        const ReplyBody body = answer({7, question}, context).body;
        const auto* const refused = std::get_if<NotAvailable>(&body);
        ASSERT_NE(refused, nullptr) << question.index();
        EXPECT_NE(refused->why.find("in quarantine"), std::string::npos) << refused->why;
    }
    EXPECT_EQ(pool_.size(), 0U);
}

TEST_F(BankQueriesTest, tells_of_confirmed_blocks_above_the_final_one_how_their_transactions_ended)
{
    const test::BuiltBlock two = test::build(
        bank_, {.parent = levels_.processed.id,
                .slot = Slot{7},
                .transactions = {test::transfer({wallets_[0], wallets_[1].pubkey, 5, blockhash_}),
                                 test::transfer({wallets_[0], wallets_[1].pubkey, 900 * test::sol,
                                                 blockhash_})}});
    levels_.confirmed = two.block.ref;
    levels_.processed = test::build(bank_, {.parent = two.block.ref.id, .slot = Slot{8}}).block.ref;
    const auto chain = [this](Commitment commitment) {
        const Reply reply = ask(GetSignaturesForAddress{.address = {}, .commitment = commitment});
        EXPECT_EQ(reply.context, levels_.at(commitment).slot);
        return std::get<UnfinalChainAnswer>(reply.body);
    };
    const UnfinalChainAnswer confirmed = chain(Commitment::confirmed);
    EXPECT_EQ(confirmed.finalized, Slot{0});
    ASSERT_EQ(confirmed.above.size(), 4U);
    EXPECT_EQ(confirmed.above[0].ref, two.block.ref) << "newest first, and none beyond";
    ASSERT_EQ(confirmed.above[0].errors.size(), 2U);
    EXPECT_TRUE(confirmed.above[0].errors[0].ok());
    EXPECT_FALSE(confirmed.above[0].errors[1].ok());
    EXPECT_EQ(confirmed.above[3].ref.slot, Slot{1});
    EXPECT_TRUE(needs_ledger(GetSignaturesForAddress{}, confirmed));
    EXPECT_TRUE(chain(Commitment::finalized).above.empty());
}

TEST_F(BankQueriesTest, an_expired_blockhash_is_refused_aloud)
{
    const Hash old = blockhash_;
    Hash parent = levels_.processed.id;
    for (std::uint64_t slot = 4; slot < 4 + exec::recent_blocks + 1; ++slot) {
        const test::BuiltBlock built = test::build(bank_, {.parent = parent, .slot = Slot{slot}});
        parent = built.block.ref.id;
        levels_.processed = built.block.ref;
    }
    EXPECT_EQ(refused_for(send({.blockhash = old})),
              exec::TransactionErrorKind::blockhash_not_found);
    EXPECT_EQ(gate_.counters().expired, 1U);
    EXPECT_EQ(pool_.size(), 0U);
}

TEST_F(BankQueriesTest, a_preflight_executes_for_real_on_the_state_of_its_commitment)
{
    const ReplyBody body = send({.lamports = 500 * test::sol, .skip_preflight = false});
    const auto* const failed = std::get_if<PreflightFailed>(&body);
    ASSERT_NE(failed, nullptr);
    EXPECT_EQ(failed->simulation.error,
              exec::TransactionError::of_instruction(0, exec::InstructionErrorKind::custom, 1));
    EXPECT_EQ(failed->simulation.units_consumed, 150U);
    ASSERT_EQ(failed->simulation.logs.size(), 3U);
    EXPECT_EQ(failed->simulation.logs[1],
              "Transfer: insufficient lamports 99999995000, need 500000000000");
    EXPECT_EQ(pool_.size(), 0U);
    // At `finalized`, still genesis, the newest blockhash is not known.
    EXPECT_EQ(refused_for(send({.skip_preflight = false, .commitment = Commitment::finalized})),
              exec::TransactionErrorKind::blockhash_not_found);
    EXPECT_EQ(pool_.size(), 0U);
    // Without preflight the one that fails is taken: it pays its fee, and the block tells why.
    EXPECT_TRUE(std::holds_alternative<SentAnswer>(send({.lamports = 500 * test::sol})));
    EXPECT_TRUE(std::holds_alternative<SentAnswer>(send({.skip_preflight = false})));
    EXPECT_EQ(pool_.size(), 2U);
}

TEST_F(BankQueriesTest, the_faucet_passes_the_gate_too)
{
    EXPECT_TRUE(std::holds_alternative<RpcRefusal>(
        ask(RequestAirdrop{.to = wallets_[0].pubkey, .lamports = Lamports{5}}).body));
    faucet_.emplace(crypto::Keypair::generate(), Lamports{10});
    const ReplyBody broke =
        ask(RequestAirdrop{.to = wallets_[0].pubkey, .lamports = Lamports{5}}).body;
    EXPECT_EQ(refused_for(broke), exec::TransactionErrorKind::account_not_found);
    const ReplyBody greedy =
        ask(RequestAirdrop{.to = wallets_[0].pubkey, .lamports = Lamports{11}}).body;
    const auto* const refusal = std::get_if<RpcRefusal>(&greedy);
    ASSERT_NE(refusal, nullptr);
    EXPECT_EQ(refusal->error.code, RpcCode::internal_error);
    EXPECT_TRUE(refusal->error.message.starts_with("airdrop request failed"));
    EXPECT_EQ(pool_.size(), 0U);
}

TEST_F(BankQueriesTest, confirmations_end_at_31_as_the_clients_count)
{
    const ledger::Transaction paid = test::transfer({.from = wallets_[0],
                                                     .to = wallets_[1].pubkey,
                                                     .lamports = test::sol,
                                                     .blockhash = blockhash_});
    std::vector<ledger::Transaction> first{paid};
    for (std::uint64_t depth = 0; depth < 40; ++depth) {
        const test::BuiltBlock built = test::build(
            bank_,
            {.parent = levels_.processed.id, .slot = Slot{4 + depth}, .transactions = first});
        first.clear();
        levels_.processed = built.block.ref;
        const Reply reply =
            ask(GetSignatureStatuses{.signatures = {paid.signature(0)}, .search_history = false});
        const auto& status = std::get<StatusesAnswer>(reply.body).statuses.front();
        ASSERT_TRUE(status.has_value());
        EXPECT_EQ(status->slot, Slot{4});
        EXPECT_EQ(status->level, Commitment::processed);
        EXPECT_EQ(status->confirmations, std::min<std::uint64_t>(depth, 31));
    }
}

TEST_F(BankQueriesTest, the_least_stake_is_what_genesis_asks_for)
{
    const Reply reply = ask(GetStakeMinimum{Commitment::processed});
    EXPECT_EQ(std::get<BalanceAnswer>(reply.body).lamports, Lamports{1});
    EXPECT_EQ(reply.context, Slot{3});
}

} // namespace
} // namespace belfry::node
