// SPDX-License-Identifier: Apache-2.0
#include "node/restore.hpp"

#include "ledger/model/entry.hpp"
#include "ledger/store/account_store.hpp"
#include "ledger/store/block_store.hpp"
#include "ledger/store/storage_failure.hpp"
#include "node/chain_finality.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

namespace belfry::node {
namespace {

constexpr std::size_t history_blocks = 300; // whose transactions can be asked for by signature

constexpr std::size_t final_chain_blocks = 1024; // as far as a lockout can matter at restart

[[noreturn]] void refuse(const std::string& what)
{
    throw std::runtime_error("ledger: " + what +
                             "; restore the data directory, or remove it to fetch the chain from "
                             "the other validators (keep the file `votes`)");
}

template <class T>
T read(Result<T, ledger::StoreError> result, const char* what)
{
    if (!result) {
        if (ledger::is_of_disk(result.error())) {
            throw ledger::StorageFailure(
                fmt::format("ledger: {} cannot be read: {}; check the disk, then start again", what,
                            ledger::to_string(result.error())));
        }
        refuse(fmt::format("{} cannot be read: {}", what, ledger::to_string(result.error())));
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

ledger::Block load(const ledger::BlockStore& store, const ledger::BlockRef& ref)
{
    std::optional<ledger::Block> block = read(store.load_block(ref), "a block");
    if (!block) {
        refuse(fmt::format("block {} is named but not stored", ref.slot.value));
    }
    return std::move(*block);
}

/// What the duplicate filter of replay needs to know of a block that is not executed again.
exec::WindowBlock window_block(const ledger::BlockStore& store, const ledger::BlockRef& ref)
{
    const std::optional<ledger::BlockRecord> record = read(store.block(ref), "a block record");
    const ledger::Block block = load(store, ref);
    const auto entries = ledger::decode_entries(block.stream);
    if (!record || !entries) {
        refuse(fmt::format("block {} cannot be decoded", ref.slot.value));
    }
    exec::WindowBlock window;
    window.ref = ref;
    window.height = record->height;
    for (const ledger::Entry& entry : *entries) {
        window.blockhash = entry.hash;
        for (const ByteView wire : entry.transactions) {
            const auto transaction = ledger::parse_transaction(wire);
            if (!transaction) {
                refuse(fmt::format("block {} holds a malformed transaction", ref.slot.value));
            }
            exec::TransactionStatus status;
            status.message_hash = transaction->message_hash();
            status.first_signature = transaction->signature(0);
            const auto stored = read(store.find_signature(status.first_signature), "a signature");
            if (stored && stored->block == ref) {
                ByteReader outcome(stored->outcome);
                exec::TransactionOutcome ended =
                    exec::decode_outcome(outcome).value_or(exec::TransactionOutcome{});
                status.error = ended.error;
                status.fee = ended.fee;
                status.compute_units = ended.compute_units;
                status.balances = std::move(ended.balances);
            }
            window.statuses.push_back(status);
        }
    }
    window.outcomes_known = true;
    return window;
}

exec::RestoredState stored_state(ledger::LmdbEnv& env, const ledger::Anchor& anchor,
                                 const ledger::Genesis& genesis)
{
    const ledger::BlockStore blocks(env);
    const ledger::AccountStore accounts(env);
    exec::RestoredState state;
    ByteReader metadata(anchor.metadata);
    state.anchor = exec::decode_anchor(metadata);
    if (!metadata.finished() || state.anchor.block != anchor.block) {
        refuse("the stored anchor is malformed");
    }
    read(accounts.load_all([&state](const Pubkey& address, ledger::Account&& account) {
        state.accounts.emplace_back(address, std::move(account));
    }),
         "the accounts");
    std::vector<ledger::BlockRef> refs =
        read(blocks.finalized_before({anchor.block.slot, exec::recent_blocks}), "the chain");
    std::ranges::reverse(refs);
    for (const ledger::BlockRef& ref : refs) {
        if (ref.slot != Slot{}) {
            state.window.push_back(window_block(blocks, ref));
        }
    }
    if (refs.size() < exec::recent_blocks || refs.front().slot == Slot{}) {
        exec::WindowBlock first;
        first.ref = {Slot{}, ledger::genesis_hash(genesis)};
        first.blockhash = first.ref.id;
        first.outcomes_known = true;
        state.window.insert(state.window.begin(), std::move(first));
    }
    return state;
}

/// What a stored final block's own footer says; it was compared when the block was replayed.
std::optional<BlockSummary> stored_summary(const ledger::BlockStore& store,
                                           const ledger::BlockRef& ref, const Pubkey& leader)
{
    const std::optional<ledger::BlockRecord> record = read(store.block(ref), "a block record");
    if (!record) {
        return std::nullopt; // genesis, or pruned
    }
    const auto entries = ledger::decode_entries(load(store, ref).stream);
    if (!entries || entries->empty()) {
        refuse(fmt::format("block {} cannot be decoded", ref.slot.value));
    }
    const ledger::Entry& footer = entries->back();
    return BlockSummary{.slot = ref.slot,
                        .parent = record->parent.slot,
                        .height = record->height,
                        .block_id = ref.id,
                        .blockhash = footer.hash,
                        .state_hash = footer.state_hash,
                        .leader = leader,
                        .transaction_count = footer.transaction_count};
}

/// Replays what is stored above the anchor, on all forks.
void replay_stored(const ledger::BlockStore& blocks, const RestoreInput& input,
                   RestoredLedger& restored)
{
    std::vector<ledger::BlockRecord> records;
    read(blocks.for_each_block_after(restored.tip.slot,
                                     [&records](const ledger::BlockRecord& record) {
                                         records.push_back(record);
                                         return true;
                                     }),
         "the blocks");
    for (const ledger::BlockRecord& record : records) {
        const ledger::Block block = load(blocks, record.ref);
        const std::uint16_t leader = input.schedule.leader_at(record.ref.slot).value;
        // They were verified before they were stored, and the store checks every record's sum.
        const auto state = restored.bank->replay(
            {.block = &block,
             .leader = input.roster.validators[leader].key,
             .verified_before = [](const ledger::Transaction&) { return true; }});
        if (!state) {
            if (exec::proves_invalid(state.error())) {
                refuse(fmt::format("stored block {} does not replay: {}", record.ref.slot.value,
                                   exec::to_string(state.error())));
            }
            continue; // of a fork whose beginning is pruned, or in quarantine
        }
        ++restored.blocks_replayed;
        restored.tip = std::max(restored.tip, record.ref);
        if (record.ref.slot > restored.finalized.slot) {
            restored.replayed.push_back({.ref = record.ref,
                                         .parent = record.parent,
                                         .valid = true,
                                         .stored_already = true,
                                         .state_hash = (*state)->state_hash()});
        }
        if (record.ref == restored.finalized) {
            (void)restored.bank->set_finalized(record.ref.id);
        }
    }
}

} // namespace

RestoredLedger restore_ledger(ledger::LmdbEnv& env, const RestoreInput& input)
{
    const ledger::BlockStore blocks(env);
    const ledger::AccountStore accounts(env);
    const exec::Bank::Options options{.threads = input.threads,
                                      .history_blocks = history_blocks,
                                      .blocks_max = ChainFinality::blocks_max,
                                      .quarantine = input.quarantine,
                                      .dies_of = input.dies_of};
    RestoredLedger restored;
    const std::optional<ledger::Anchor> anchor = read(accounts.anchor(), "the anchor");
    restored.bank = anchor ? std::make_unique<exec::Bank>(input.genesis, options,
                                                          stored_state(env, *anchor, input.genesis))
                           : std::make_unique<exec::Bank>(input.genesis, options);
    const ledger::BlockRef start = restored.bank->finalized().ref();
    restored.tip = start;
    restored.finalized = read(blocks.last_finalized(), "the chain").value_or(start);
    if (restored.finalized.slot < start.slot) {
        restored.finalized = start;
    }
    replay_stored(blocks, input, restored);
    if (restored.bank->finalized().ref() != restored.finalized) {
        if (!input.quarantine.names().blocks.empty() ||
            !input.quarantine.names().messages.empty()) {
            throw std::runtime_error(fmt::format(
                "ledger: up to the final block {} there is one that this node died of before, and "
                "that is in quarantine; start a program without that fault, and remove the file "
                "`crashes` of the data directory",
                restored.finalized.slot.value));
        }
        refuse(fmt::format("the final block {} is not stored", restored.finalized.slot.value));
    }
    restored.final_chain =
        read(blocks.finalized_before({restored.finalized.slot, final_chain_blocks}), "the chain");
    std::ranges::reverse(restored.final_chain);
    const std::size_t told = std::min(restored.final_chain.size(), history_blocks);
    for (const ledger::BlockRef& ref : std::span(restored.final_chain).last(told)) {
        const std::uint16_t leader = input.schedule.leader_at(ref.slot).value;
        const auto summary = stored_summary(blocks, ref, input.roster.validators[leader].key);
        if (summary) {
            restored.history.push_back(*summary);
        }
    }
    std::erase_if(restored.replayed, [&restored](const ReplayedBlock& block) {
        return restored.bank->find(block.ref.id) == nullptr;
    });
    return restored;
}

} // namespace belfry::node
