// SPDX-License-Identifier: Apache-2.0
#pragma once
// restore.hpp: from the data directory to an executed bank: accounts at the stored anchor, the
// window of recent blocks before it, then every stored block after it.
// Errors   std::runtime_error, one line, when what is stored cannot be what this node wrote;
//          ledger::StorageFailure when the disk does not give it.
// Threads  start-up only.

#include "consensus/leader_schedule.hpp"
#include "exec/bank.hpp"
#include "ledger/model/genesis.hpp"
#include "ledger/store/env.hpp"
#include "node/messages.hpp"
#include "node/roster.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace belfry::node {

struct RestoredLedger {
    std::unique_ptr<exec::Bank> bank;
    ledger::BlockRef finalized;
    ledger::BlockRef tip;                      // highest executed block
    std::vector<ledger::BlockRef> final_chain; // up to finalized, rising
    std::vector<BlockSummary> history;         // the newest of them, as they say of themselves
    std::vector<ReplayedBlock> replayed;       // above finalized, parents first
    std::uint64_t blocks_replayed = 0;
};

struct RestoreInput {
    const ledger::Genesis& genesis;
    const Roster& roster;
    consensus::LeaderSchedule& schedule;
    std::size_t threads = 1;
    exec::Quarantine quarantine = {};
    std::optional<Pubkey> dies_of = {}; // FaultSwitches::dies_of
};

[[nodiscard]] RestoredLedger restore_ledger(ledger::LmdbEnv& env, const RestoreInput& input);

} // namespace belfry::node
