// SPDX-License-Identifier: Apache-2.0
#pragma once
// bank_queries.hpp: answers of the bank tile to RPC, each from the state of exactly the block that
// its commitment stands for.
// Threads  the bank tile's.

#include "consensus/leader_schedule.hpp"
#include "crypto/keypair.hpp"
#include "exec/bank.hpp"
#include "exec/packer.hpp"
#include "exec/pool_gate.hpp"
#include "ledger/model/block_ref.hpp"
#include "ledger/model/genesis.hpp"
#include "node/messages.hpp"
#include "node/roster.hpp"
#include "node/rpc/backend.hpp"

#include <deque>

namespace belfry::node {

/// The newest block of each level; finalized is an ancestor of the other two, or one of them.
struct Levels {
    ledger::BlockRef processed;
    ledger::BlockRef confirmed;
    ledger::BlockRef finalized;
    [[nodiscard]] const ledger::BlockRef& at(Commitment commitment) const;
};

/// What is kept of final blocks after the bank has forgotten them; the oldest go first.
class FinalizedHistory {
public:
    static constexpr std::size_t blocks_max = 2048;
    void add(const BlockSummary& block);
    [[nodiscard]] std::optional<BlockSummary> find(Slot slot) const;
    [[nodiscard]] const std::deque<BlockSummary>& blocks() const { return blocks_; }

private:
    std::deque<BlockSummary> blocks_; // slots rising
};

/// A funded key that gives to whoever asks, for clusters whose lamports are worth nothing.
struct Faucet {
    crypto::Keypair key;
    Lamports lamports_max; // at once
};

struct QueryContext {
    const ledger::Genesis& genesis;
    const Roster& roster;
    const Levels& levels;
    const FinalizedHistory& history;
    consensus::LeaderSchedule& schedule;
    exec::Bank& bank;
    exec::TransactionPool& pool;
    exec::PoolGate& gate;
    Slot local;                     // by the slot clock
    const Faucet* faucet = nullptr; // nullptr: none
    std::uint64_t& airdrop_count;
};

/// The state that the pool's gate judges at: the block that this node stands on.
[[nodiscard]] exec::PoolGate::View gate_view(const exec::Bank& bank, const Levels& levels);

/// To whoever sends a transaction of bank.quarantine(), or wants to know what it would do.
[[nodiscard]] ReplyBody in_quarantine();

/// The answer to who sent a transaction over RPC: it passes the same gate as one over UDP.
/// success is the answer when it is in the pool or waits for its blockhash. What no block could
/// hold is refused aloud, also when no preflight was wanted: dropped in silence, it would leave
/// its sender waiting until the blockhash dies.
[[nodiscard]] ReplyBody enter_pool(const QueryContext& context,
                                   const ledger::Transaction& transaction, ReplyBody success);

/// GetHealth and GetNodeStatus are answered elsewhere (rpc_port.hpp).
[[nodiscard]] Reply answer(const RpcQuestion& question, const QueryContext& context);

[[nodiscard]] BlockSummary summary_of(const exec::BlockState& state, const Pubkey& leader);

} // namespace belfry::node
