// SPDX-License-Identifier: Apache-2.0
#include "base/check.hpp"
#include "exec/bank.hpp"
#include "exec/programs/compute_budget.hpp"

#include <algorithm>
#include <utility>

namespace belfry::exec {
namespace {

[[nodiscard]] const ledger::Account* existing(const ledger::Account& account)
{
    return account.lamports.value != 0 ? &account : nullptr;
}

[[nodiscard]] ledger::Account account_after(const WorkingAccount& after,
                                            const ledger::Account* before)
{
    ledger::Account account{.lamports = Lamports{after.lamports},
                            .owner = after.owner,
                            .data = {},
                            .executable = after.executable};
    if (after.data_is_new) {
        account.data.resize(after.data_bytes);
    } else if (before != nullptr && after.data_bytes != 0) {
        account.data = before->data;
    }
    return account;
}

} // namespace

const BlockState* Bank::find(const Hash& block_id) const
{
    return tree_.find(block_id);
}
const BlockState& Bank::finalized() const
{
    return tree_.finalized();
}
const BlockState& Bank::position() const
{
    return *position_;
}
std::size_t Bank::block_count() const
{
    return tree_.size();
}

const ledger::Account* Bank::account_at(const BlockState& block, const Pubkey& key) const
{
    // Up from the block to where its fork leaves that of position_: the newest change counts.
    const BlockState* fork = &block;
    for (; !tree_.is_ancestor(*fork, *position_); fork = fork->parent) {
        if (const AccountChange* change = fork->delta.find(key); change != nullptr) {
            return existing(change->after);
        }
    }
    // Down from position_ to there: the oldest change undone counts.
    const AccountChange* oldest = nullptr;
    for (const BlockState* at = position_; at != fork; at = at->parent) {
        if (const AccountChange* change = at->delta.find(key); change != nullptr) {
            oldest = change;
        }
    }
    return oldest != nullptr ? existing(oldest->before) : accounts_.find(key);
}

std::optional<ledger::Account> Bank::account(const Hash& block_id, const Pubkey& key) const
{
    const BlockState* block = tree_.find(block_id);
    if (block == nullptr) {
        return std::nullopt;
    }
    const ledger::Account* found = account_at(*block, key);
    return found != nullptr ? *found : ledger::Account{};
}

std::optional<Lamports> Bank::lamports(const Hash& block_id, const Pubkey& key) const
{
    const BlockState* block = tree_.find(block_id);
    if (block == nullptr) {
        return std::nullopt;
    }
    const ledger::Account* found = account_at(*block, key);
    return found != nullptr ? found->lamports : Lamports{};
}

std::optional<BlockhashAnswer> Bank::latest_blockhash(const Hash& block_id) const
{
    const BlockState* block = tree_.find(block_id);
    if (block == nullptr) {
        return std::nullopt;
    }
    return BlockhashAnswer{block->blockhash(), block->height(),
                           Height{block->height().value + recent_blocks}};
}

std::optional<bool> Bank::is_blockhash_valid(const Hash& block_id, const Hash& blockhash) const
{
    const BlockState* block = tree_.find(block_id);
    if (block == nullptr) {
        return std::nullopt;
    }
    return tree_.blockhash_age(*block, blockhash) == BlockhashAge::valid;
}

BlockhashAge Bank::blockhash_age(const Hash& block_id, const Hash& blockhash) const
{
    const BlockState* block = tree_.find(block_id);
    return block == nullptr ? BlockhashAge::unknown : tree_.blockhash_age(*block, blockhash);
}

std::optional<StatusAnswer> Bank::answer(const std::optional<Occurrence>& found)
{
    if (!found || !found->block->outcomes_known) {
        return std::nullopt;
    }
    return StatusAnswer{.block = found->block->ref(),
                        .height = found->block->height(),
                        .transaction_index = found->transaction_index,
                        .status = found->block->statuses[found->transaction_index]};
}

std::optional<StatusAnswer> Bank::status(const Hash& block_id,
                                         const Signature& first_signature) const
{
    const BlockState* tip = tree_.find(block_id);
    return tip != nullptr ? answer(tree_.find_signature(*tip, first_signature)) : std::nullopt;
}

std::optional<StatusAnswer> Bank::status_of_message(const Hash& block_id,
                                                    const Hash& message_hash) const
{
    const BlockState* tip = tree_.find(block_id);
    return tip != nullptr ? answer(tree_.find_message(*tip, message_hash)) : std::nullopt;
}

Lamports Bank::fee_of(const ledger::Transaction& transaction) const
{
    return compute_budget_of(transaction, executor_.rules()).fee();
}

std::optional<Simulation> Bank::simulate(const Hash& block_id,
                                         const ledger::Transaction& transaction) const
{
    return simulate(SimulationRequest{.block_id = block_id}, transaction);
}

std::optional<Simulation> Bank::simulate(const SimulationRequest& request,
                                         const ledger::Transaction& transaction) const
{
    const BlockState* block = tree_.find(request.block_id);
    if (block == nullptr) {
        return std::nullopt;
    }
    Simulation simulation;
    simulation.fee = fee_of(transaction);
    if (!request.any_blockhash) {
        if (tree_.blockhash_age(*block, transaction.recent_blockhash()) != BlockhashAge::valid) {
            simulation.error = TransactionError::of(TransactionErrorKind::blockhash_not_found);
            return simulation;
        }
        if (tree_.in_window(*block, transaction.message_hash())) {
            simulation.error = TransactionError::of(TransactionErrorKind::already_processed);
            return simulation;
        }
    }
    const AccountLookup lookup = [&](const Pubkey& key) {
        return account_at(*block, key);
    };
    WorkingSet working;
    std::vector<std::uint32_t> places;
    places.reserve(transaction.account_count());
    for (std::size_t i = 0; i < transaction.account_count(); ++i) {
        places.push_back(working.load(transaction.account(i), lookup));
    }
    simulation.balances.resize(2 * places.size());
    const ExecutionOutcome outcome =
        run_transaction(LoadedTransaction{.transaction = &transaction,
                                          .places = places,
                                          .writable_mask = writable_mask_of(transaction),
                                          .balances = simulation.balances},
                        working, executor_.rules());
    simulation.would_be_included = outcome.charged;
    simulation.error = outcome.error;
    simulation.compute_units = outcome.compute_units;
    for (const std::uint32_t place : places) {
        simulation.loaded_bytes += working.at(place).data_bytes;
    }
    std::size_t account_bytes = 0;
    for (const Pubkey& wanted : request.accounts_wanted) {
        const auto place = std::ranges::find_if(
            places, [&](std::uint32_t candidate) { return working.key_of(candidate) == wanted; });
        std::optional<ledger::Account>& account = simulation.accounts.emplace_back();
        if (place == places.end()) {
            continue;
        }
        account_bytes += working.at(*place).data_bytes;
        if (account_bytes > request.account_bytes_max) {
            simulation.accounts.clear();
            simulation.accounts_too_large = true;
            break;
        }
        account = account_after(working.at(*place), lookup(wanted));
    }
    return simulation;
}

} // namespace belfry::exec
