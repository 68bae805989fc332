// SPDX-License-Identifier: Apache-2.0
#pragma once
// in_flight.hpp: which block and which transaction the calling thread works on, for whoever has to
// say of what it died (node/crash_notes.hpp).
// Rule     a mark is set before anything looks at what a stranger made, and taken away behind it.
// Threads  each has its own; a loop of the arena hands the block on to its workers. May be read by
//          a signal handler on the same thread.
// Speed    two stores to memory of the thread for a block, a batch or a transaction.

#include "ledger/model/block_ref.hpp"
#include "ledger/model/transaction.hpp"

namespace belfry::exec {

/// nullptr: none. An own block has no id yet: it is zero.
struct InFlight {
    const ledger::BlockRef* volatile block = nullptr;
    const ledger::Transaction* volatile transaction = nullptr;
};
extern thread_local constinit InFlight in_flight;

class BlockInFlight {
public:
    explicit BlockInFlight(const ledger::BlockRef* block)
        : before_(in_flight.block)
    {
        in_flight.block = block;
    }
    ~BlockInFlight() { in_flight.block = before_; }
    BlockInFlight(const BlockInFlight&) = delete;
    BlockInFlight& operator=(const BlockInFlight&) = delete;

private:
    const ledger::BlockRef* before_;
};

class TransactionInFlight {
public:
    explicit TransactionInFlight(const ledger::Transaction& transaction)
        : before_(in_flight.transaction)
    {
        in_flight.transaction = &transaction;
    }
    ~TransactionInFlight() { in_flight.transaction = before_; }
    TransactionInFlight(const TransactionInFlight&) = delete;
    TransactionInFlight& operator=(const TransactionInFlight&) = delete;

private:
    const ledger::Transaction* before_;
};

} // namespace belfry::exec
