// SPDX-License-Identifier: Apache-2.0
#pragma once
// transaction_logs.hpp: the log lines of an executed transaction, made from what it is and how it
// ended: native programs say nothing that does not follow from these.
// Rule     a failed transfer names what was there and what was needed, as Agave's System program.

#include "base/strong.hpp"
#include "exec/transaction_error.hpp"
#include "ledger/model/transaction.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace belfry::node {

struct TransactionEnd {
    exec::TransactionError error;
    Lamports fee;
    std::span<const std::uint64_t> balances; // of every account before, then after; may be empty
};
[[nodiscard]] std::vector<std::string> program_logs(const ledger::Transaction& transaction,
                                                    const TransactionEnd& end);

} // namespace belfry::node
