// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/bank_account_queries.hpp"

#include "base/check.hpp"
#include "ledger/model/transaction_builder.hpp"
#include "node/rpc/transaction_logs.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace belfry::node {
namespace {

std::optional<AccountView> view_of(const ledger::Account& account, const DataSlice& slice)
{
    if (account.lamports == Lamports{}) {
        return std::nullopt;
    }
    AccountView view{.lamports = account.lamports,
                     .owner = account.owner,
                     .executable = account.executable,
                     .space_bytes = account.data.size(),
                     .data = {}};
    const ByteView data(account.data);
    const std::size_t from = std::min<std::uint64_t>(slice.offset, data.size());
    const ByteView wanted =
        data.subspan(from, std::min<std::uint64_t>(slice.length, data.size() - from));
    view.data.assign(wanted.begin(), wanted.end());
    return view;
}

ReplyBody too_much_data()
{
    return RpcRefusal{{RpcCode::invalid_params,
                       "Invalid params: the accounts hold too much data for one answer; ask for "
                       "fewer, or for a dataSlice",
                       {}}};
}

} // namespace

ReplyBody accounts_at(const QueryContext& context, const exec::BlockState& block,
                      const GetAccounts& question)
{
    AccountsAnswer answer;
    std::size_t bytes = 0;
    for (const Pubkey& key : question.accounts) {
        const std::optional<ledger::Account> account = context.bank.account(block.id(), key);
        BELFRY_CHECK(account.has_value());
        const auto& view = answer.accounts.emplace_back(view_of(*account, question.slice));
        bytes += view ? view->data.size() : 0;
        if (bytes > account_bytes_per_request_max) {
            return too_much_data();
        }
    }
    return answer;
}

SimulationAnswer simulation_at(const QueryContext& context, const exec::BlockState& block,
                               const ledger::Transaction& transaction,
                               const SimulateTransaction& question)
{
    auto simulated = context.bank.simulate({.block_id = block.id(),
                                            .any_blockhash = question.replace_blockhash,
                                            .accounts_wanted = question.accounts,
                                            .account_bytes_max = account_bytes_per_request_max},
                                           transaction);
    BELFRY_CHECK(simulated.has_value());
    SimulationAnswer answer;
    answer.error = simulated->error;
    answer.units_consumed = simulated->compute_units;
    const bool hash_known =
        question.replace_blockhash ||
        context.bank.is_blockhash_valid(block.id(), transaction.recent_blockhash()).value_or(false);
    if (hash_known) {
        answer.fee = simulated->fee;
    }
    answer.balances = std::move(simulated->balances);
    answer.logs = program_logs(
        transaction, {.error = answer.error, .fee = simulated->fee, .balances = answer.balances});
    answer.loaded_bytes = simulated->loaded_bytes;
    for (const std::optional<ledger::Account>& account : simulated->accounts) {
        answer.accounts.push_back(account ? view_of(*account, {}) : std::nullopt);
    }
    if (question.replace_blockhash) {
        const auto latest = context.bank.latest_blockhash(block.id());
        BELFRY_CHECK(latest.has_value());
        answer.replacement = latest->blockhash;
        answer.replacement_last_valid = latest->last_valid_height;
    }
    return answer;
}

ReplyBody simulate_at(const QueryContext& context, const exec::BlockState& block,
                      const SimulateTransaction& question)
{
    const auto transaction = ledger::parse_transaction(question.wire);
    if (!transaction) {
        return NotAvailable{std::string(ledger::to_string(transaction.error()))};
    }
    if (context.bank.quarantine().holds_message(transaction->message_hash())) {
        return in_quarantine();
    }
    SimulationAnswer answer = simulation_at(context, block, *transaction, question);
    if (answer.accounts.size() != question.accounts.size()) {
        // Too large, or not executed at all: then they are what they were.
        const ReplyBody now = accounts_at(
            context, block,
            {.accounts = question.accounts, .slice = {}, .commitment = question.commitment});
        const auto* const before = std::get_if<AccountsAnswer>(&now);
        if (before == nullptr || !answer.balances.empty()) {
            return too_much_data();
        }
        answer.accounts = before->accounts;
    }
    return answer;
}

ReplyBody airdrop_at(const QueryContext& context, const exec::BlockState& block,
                     const RequestAirdrop& question)
{
    const Faucet* const faucet = context.faucet;
    if (faucet == nullptr) {
        return RpcRefusal{
            {RpcCode::invalid_request, "Invalid request: this node has no faucet", {}}};
    }
    if (question.lamports > faucet->lamports_max) {
        return RpcRefusal{{RpcCode::internal_error,
                           "airdrop request failed. At most " +
                               std::to_string(faucet->lamports_max.value) +
                               " lamports are given at once",
                           {}}};
    }
    const auto latest = context.bank.latest_blockhash(block.id());
    BELFRY_CHECK(latest.has_value());
    // The unit limit differs, so that equal requests within a block are two transactions.
    constexpr std::uint32_t units_min = 1000;
    constexpr std::uint32_t numbers = 100'000;
    const auto number = static_cast<std::uint32_t>(context.airdrop_count++ % numbers);
    const std::array<ledger::Instruction, 2> instructions{
        ledger::compute_unit_limit(units_min + number),
        ledger::system_transfer(
            {.from = faucet->key.pubkey(), .to = question.to, .lamports = question.lamports})};
    const Bytes message = ledger::build_message(
        {.fee_payer = faucet->key.pubkey(), .recent_blockhash = latest->blockhash}, instructions);
    const Signature signature = faucet->key.sign(crypto::SigningPurpose::transaction, message);
    const auto transaction =
        ledger::parse_transaction(ledger::assemble_transaction(std::span(&signature, 1), message));
    if (!transaction) {
        return RpcRefusal{{RpcCode::internal_error, "airdrop request failed", {}}};
    }
    const SimulationAnswer simulated = simulation_at(context, block, *transaction, {});
    if (!simulated.error.ok()) {
        return PreflightFailed{simulated};
    }
    return enter_pool(context, *transaction, AirdropAnswer{signature});
}

} // namespace belfry::node
