// SPDX-License-Identifier: Apache-2.0
#pragma once
// executor.hpp: executes transactions in block order, in parallel where they do not touch each
//          other, with the result of doing them one after the other.
// Shapes   a transaction writes its writable accounts and reads the others. Its wave is one more
// than
//          that of the last earlier transaction it conflicts with; waves follow one another, and
//          within a wave no two transactions conflict. A small wave is done by the caller alone.
// Rules    the fee is taken first and stays taken when the rest fails; see run_transaction().
// Threads  one owner; uses the arena.

#include "exec/arena.hpp"
#include "exec/program.hpp"
#include "exec/transaction_error.hpp"
#include "exec/working_set.hpp"
#include "ledger/model/transaction.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace belfry::exec {

/// Charged: the transaction is in the block, error says whether it took effect. Otherwise nothing
/// changed, and it may not be in a block.
struct ExecutionOutcome {
    bool charged = false;
    TransactionError error;
    Lamports fee;      // base and priority fee
    Lamports base_fee; // the part that the burn rule is about
    std::uint64_t compute_units = 0;
    /// Lamports of every account before, then of every account after: two per account. What they
    /// are in lives until the executor's next execute(); empty where nobody asked.
    std::span<const std::uint64_t> balances = {};
};

/// A transaction with the places of its accounts in a working set.
struct LoadedTransaction {
    const ledger::Transaction* transaction = nullptr;
    std::span<const std::uint32_t> places;  // one per account
    std::uint64_t writable_mask = 0;        // bit i: account i
    std::span<std::uint64_t> balances = {}; // two per account, or empty: not asked for
};

/// Bit i: the transaction may write account i. Native programs and programs it calls are not
/// writable, whatever its header says.
[[nodiscard]] std::uint64_t writable_mask_of(const ledger::Transaction& transaction);

/// One transaction: fee, programs, instructions in order, rent rule; all effects or the fee alone.
[[nodiscard]] ExecutionOutcome run_transaction(const LoadedTransaction& loaded, WorkingSet& working,
                                               const ExecutionRules& rules);

class Executor {
public:
    /// The arena must outlive it.
    Executor(const ExecutionRules& rules, Arena& arena);

    /// outcomes[i] is that of transactions[i]. Precondition: equal counts.
    void execute(std::span<const ledger::Transaction* const> transactions, WorkingSet& working,
                 const AccountLookup& lookup, std::span<ExecutionOutcome> outcomes);

    [[nodiscard]] const ExecutionRules& rules() const { return rules_; }

private:
    void load(std::span<const ledger::Transaction* const> transactions, WorkingSet& working,
              const AccountLookup& lookup);
    void make_waves(const WorkingSet& working);

    ExecutionRules rules_;
    Arena& arena_;
    std::vector<LoadedTransaction> loaded_;
    std::vector<std::uint32_t> places_;
    std::vector<std::uint64_t> balances_;
    struct LastWave {
        std::uint64_t generation = 0; // of the call that the two numbers belong to
        std::uint32_t written = 0;    // one more than the wave, 0 for none
        std::uint32_t read = 0;
    };
    std::vector<LastWave> last_waves_; // by place
    std::vector<std::uint32_t> waves_; // by transaction
    std::vector<std::uint32_t> order_; // transactions by wave, then block order
    std::vector<std::uint32_t> wave_begins_;
    std::vector<std::uint32_t> next_in_wave_;
    std::uint64_t generation_ = 0;
};

} // namespace belfry::exec
