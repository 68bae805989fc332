// SPDX-License-Identifier: Apache-2.0
#pragma once
// compute_budget.hpp: what a transaction asks and offers for its execution, and so its fee.
// Shapes   data: u8 tag | value: 1 heap bytes u32, 2 unit limit u32, 3 micro-lamports per unit u64,
//          4 loaded account bytes u32. Each at most once in a transaction.
// Rule     fee = lamports_per_signature * signatures + ceil(price * limit / 1e6). With a malformed
//          request the price counts as 0 and the transaction fails with its error.
// Source   Agave's compute-budget-instruction; clients.md section 6.

#include "exec/program.hpp"
#include "ledger/model/transaction.hpp"

#include <cstdint>

namespace belfry::exec {

inline constexpr std::uint64_t compute_budget_compute_units = 150;

struct ComputeBudget {
    TransactionError error; // the request is malformed; the fee is base_fee alone
    std::uint32_t unit_limit = 0;
    std::uint64_t unit_price_microlamports = 0;
    Lamports base_fee;
    Lamports priority_fee;
    /// Amounts that do not fit stay at the largest one, which nobody can pay.
    [[nodiscard]] Lamports fee() const
    {
        return base_fee.plus(priority_fee).value_or(Lamports{UINT64_MAX});
    }
};

[[nodiscard]] ComputeBudget compute_budget_of(const ledger::Transaction& transaction,
                                              const ExecutionRules& rules);

} // namespace belfry::exec
