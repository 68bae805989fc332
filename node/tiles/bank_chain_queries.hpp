// SPDX-License-Identifier: Apache-2.0
#pragma once
// bank_chain_queries.hpp: what the bank knows of blocks and their transactions, for the history
// tile to complete, and figures over the newest final blocks.
// Threads  the bank tile's.

#include "node/tiles/bank_queries.hpp"

#include <span>

namespace belfry::node {

/// level: of the commitment asked for; at its block the search begins.
[[nodiscard]] ReplyBody transaction_place(const QueryContext& context,
                                          const exec::BlockState& block,
                                          const GetTransaction& question);
[[nodiscard]] ReplyBody block_place(const QueryContext& context, const exec::BlockState& block,
                                    Slot slot);
[[nodiscard]] ReplyBody logs_place(const QueryContext& context, const GetBlockLogs& question);
/// The slots above finalized on the fork that ends in block.
[[nodiscard]] ReplyBody chain_above(const QueryContext& context, const exec::BlockState& block);
/// The same blocks with how their transactions ended.
[[nodiscard]] ReplyBody unfinal_chain(const QueryContext& context, const exec::BlockState& block);
/// What is new at each level. newly_final: since the last event, rising.
[[nodiscard]] ChainEvent chain_event(const exec::Bank& bank, const Levels& before,
                                     const Levels& now,
                                     std::span<const ChainEvent::Block> newly_final);
/// Over spans of performance_sample_ms by the slot clock, from the final blocks in memory.
[[nodiscard]] ReplyBody performance(const QueryContext& context,
                                    const GetRecentPerformanceSamples& question);

inline constexpr std::uint64_t performance_sample_ms = 60'000;

} // namespace belfry::node
