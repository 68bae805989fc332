// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/bank_chain_queries.hpp"

#include <algorithm>
#include <ranges>

namespace belfry::node {

ReplyBody transaction_place(const QueryContext& context, const exec::BlockState& block,
                            const GetTransaction& question)
{
    std::optional<exec::StatusAnswer> found = context.bank.status(block.id(), question.signature);
    if (!found) {
        return TransactionPlaceAnswer{};
    }
    return TransactionPlaceAnswer{
        TransactionPlaceAnswer::Place{.block = found->block,
                                      .index = found->transaction_index,
                                      .status = std::move(found->status)}};
}

namespace {

BlockPlaceAnswer empty_place(const QueryContext& context, const exec::BlockState& block)
{
    return {.tip = block.slot(),
            .finalized = context.levels.finalized.slot,
            .ref = std::nullopt,
            .statuses = {},
            .in_ledger = false};
}

} // namespace

ReplyBody block_place(const QueryContext& context, const exec::BlockState& block, Slot slot)
{
    BlockPlaceAnswer answer = empty_place(context, block);
    if (slot <= answer.finalized) {
        return answer;
    }
    const exec::BlockState* at = &block;
    while (at != nullptr && at->slot() > slot) {
        at = at->parent;
    }
    if (at != nullptr && at->slot() == slot) {
        answer.ref = at->ref();
        answer.statuses = at->statuses;
    }
    return answer;
}

ReplyBody logs_place(const QueryContext& context, const GetBlockLogs& question)
{
    const exec::BlockState* const block = context.bank.find(question.block.id);
    if (block == nullptr) {
        // Final and no more in the tree, or of a dead fork, which the ledger then does not know.
        return BlockPlaceAnswer{.tip = context.levels.processed.slot,
                                .finalized = context.levels.finalized.slot,
                                .ref = question.block,
                                .statuses = {},
                                .in_ledger = true};
    }
    BlockPlaceAnswer answer = empty_place(context, *block);
    answer.ref = block->ref();
    answer.statuses = block->statuses;
    return answer;
}

ReplyBody chain_above(const QueryContext& context, const exec::BlockState& block)
{
    ChainAnswer answer{
        .tip = block.slot(), .finalized = context.levels.finalized.slot, .above = {}};
    for (const exec::BlockState* at = &block; at != nullptr && at->slot() > answer.finalized;
         at = at->parent) {
        answer.above.push_back(at->slot());
    }
    std::ranges::reverse(answer.above);
    return answer;
}

ReplyBody unfinal_chain(const QueryContext& context, const exec::BlockState& block)
{
    std::vector<const exec::BlockState*> chain;
    for (const exec::BlockState* at = &block;
         at != nullptr && at->slot() > context.levels.finalized.slot; at = at->parent) {
        chain.push_back(at);
    }
    const std::size_t count = std::min(chain.size(), unfinal_blocks_max);
    UnfinalChainAnswer answer{.finalized = context.levels.finalized.slot, .above = {}};
    answer.above.reserve(count);
    for (const exec::BlockState* at : std::span(chain).last(count)) {
        UnfinalChainAnswer::Block& told = answer.above.emplace_back();
        told.ref = at->ref();
        told.errors.reserve(at->statuses.size());
        for (const exec::TransactionStatus& status : at->statuses) {
            told.errors.push_back(status.error);
        }
    }
    return answer;
}

namespace {

/// Blocks of the fork that ends in now that were not on the one that ended in before.
std::vector<ChainEvent::Block> blocks_since(const exec::Bank& bank, const ledger::BlockRef& before,
                                            const ledger::BlockRef& now)
{
    std::vector<Hash> old;
    for (const exec::BlockState* at = bank.find(before.id);
         at != nullptr && old.size() < event_blocks_max; at = at->parent) {
        old.push_back(at->id());
    }
    std::vector<ChainEvent::Block> blocks;
    for (const exec::BlockState* at = bank.find(now.id);
         at != nullptr && blocks.size() < event_blocks_max; at = at->parent) {
        const bool known = std::ranges::find(old, at->id()) != old.end() ||
                           (old.empty() && at->slot() <= before.slot);
        if (known) {
            break;
        }
        blocks.push_back({at->ref(), at->anchor.parent.slot});
    }
    std::ranges::reverse(blocks);
    return blocks;
}

} // namespace

ChainEvent chain_event(const exec::Bank& bank, const Levels& before, const Levels& now,
                       std::span<const ChainEvent::Block> newly_final)
{
    ChainEvent event;
    event.root = now.finalized.slot;
    if (now.processed != before.processed) {
        event.processed = blocks_since(bank, before.processed, now.processed);
    }
    if (now.confirmed != before.confirmed) {
        event.confirmed = blocks_since(bank, before.confirmed, now.confirmed);
    }
    const auto newest =
        newly_final.last(std::min<std::size_t>(newly_final.size(), event_blocks_max));
    event.finalized.assign(newest.begin(), newest.end());
    return event;
}

ReplyBody performance(const QueryContext& context, const GetRecentPerformanceSamples& question)
{
    const std::uint64_t span_slots =
        std::max<std::uint64_t>(1, performance_sample_ms / context.genesis.slot_ms);
    PerformanceAnswer answer;
    std::uint64_t oldest_slot = UINT64_MAX;
    for (const BlockSummary& block : context.history.blocks() | std::views::reverse) {
        // Spans are counted from the newest final block down.
        const std::uint64_t back = context.levels.finalized.slot.value - block.slot.value;
        const std::uint64_t span = back / span_slots;
        if (span >= question.count_max) {
            break;
        }
        while (answer.samples.size() <= span) {
            const std::uint64_t end =
                context.levels.finalized.slot.value - answer.samples.size() * span_slots;
            answer.samples.push_back(
                {.slot = Slot{end}, .slot_count = span_slots, .transaction_count = 0});
        }
        answer.samples[span].transaction_count += block.transaction_count;
        oldest_slot = block.slot.value;
    }
    if (!answer.samples.empty() && oldest_slot != UINT64_MAX) {
        // The oldest span may reach beyond what is known.
        PerformanceAnswer::Sample& last = answer.samples.back();
        last.slot_count = std::min(last.slot_count, last.slot.value - oldest_slot + 1);
    }
    return answer;
}

} // namespace belfry::node
