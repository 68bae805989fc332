// SPDX-License-Identifier: Apache-2.0
#pragma once
// closing.hpp: what Bank::close_block makes a block's state of, whether the block was replayed or
//          built here. Private to the bank and the block builder.

#include "exec/bank.hpp"
#include "exec/fees.hpp"

namespace belfry::exec {

struct Bank::Closing {
    const BlockState& parent;
    WorkingSet& working;
    BlockFees& fees;
    std::vector<TransactionStatus> statuses;
    Slot slot;
    Pubkey leader;
    Hash blockhash;
};

[[nodiscard]] inline TransactionStatus status_of(const ledger::Transaction& transaction,
                                                 const ExecutionOutcome& outcome)
{
    return TransactionStatus{.message_hash = transaction.message_hash(),
                             .first_signature = transaction.signature(0),
                             .error = outcome.error,
                             .fee = outcome.fee,
                             .compute_units = static_cast<std::uint32_t>(outcome.compute_units),
                             .balances =
                                 std::vector(outcome.balances.begin(), outcome.balances.end())};
}

} // namespace belfry::exec
