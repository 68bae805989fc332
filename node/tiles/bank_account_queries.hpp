// SPDX-License-Identifier: Apache-2.0
#pragma once
// bank_account_queries.hpp: the bank's answers about accounts, and what a transaction would do.
// Threads  the bank tile's.

#include "node/tiles/bank_queries.hpp"

namespace belfry::node {

[[nodiscard]] ReplyBody accounts_at(const QueryContext& context, const exec::BlockState& block,
                                    const GetAccounts& question);
[[nodiscard]] ReplyBody simulate_at(const QueryContext& context, const exec::BlockState& block,
                                    const SimulateTransaction& question);
/// What a preflight of this transaction shows.
[[nodiscard]] SimulationAnswer simulation_at(const QueryContext& context,
                                             const exec::BlockState& block,
                                             const ledger::Transaction& transaction,
                                             const SimulateTransaction& question);
[[nodiscard]] ReplyBody airdrop_at(const QueryContext& context, const exec::BlockState& block,
                                   const RequestAirdrop& question);

} // namespace belfry::node
