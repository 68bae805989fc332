// SPDX-License-Identifier: Apache-2.0
#pragma once
// fees.hpp: what the transactions of a block paid, and who gets it.
// Rule     burn_percent of the base fees of the whole block, rounded down, is burnt; the rest and
// all
//          priority fees go to the leader at the block's end, so that no two transactions meet
//          there. What the leader's account may not take (it has data or another owner, or would
//          stay below the rent-exempt minimum) is burnt too.

#include "base/strong.hpp"
#include "exec/executor.hpp"
#include "exec/working_set.hpp"

namespace belfry::exec {

struct BlockFees {
    Lamports base;
    Lamports priority;
    Lamports burnt; // set by pay()

    /// Precondition: outcome.charged.
    void add(const ExecutionOutcome& outcome);
    [[nodiscard]] Lamports all() const;
    void pay(const Pubkey& leader, WorkingSet& working, const AccountLookup& lookup,
             const ExecutionRules& rules);
};

} // namespace belfry::exec
