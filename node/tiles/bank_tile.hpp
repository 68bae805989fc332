// SPDX-License-Identifier: Apache-2.0
#pragma once
// bank_tile.hpp: replays blocks, builds the own ones, keeps the pool of transactions, and answers
// what RPC asks of any commitment.
// Rule     while an own slot is under way, complete blocks of others wait: they cannot be its
//          ancestors any more. A block whose parent is not executed yet waits for it.
// Bounds   blocks_waiting_max blocks wait; the pool and the bank have their own bounds.
// Threads  one: the bank tile. The snapshot may be read by all.

#include "base/log.hpp"
#include "base/published.hpp"
#include "dataplane/wire.hpp"
#include "exec/bank.hpp"
#include "exec/packer.hpp"
#include "exec/pool_gate.hpp"
#include "exec/silent_chain.hpp"
#include "node/roster.hpp"
#include "node/tiles/bank_queries.hpp"
#include "node/tiles/tile.hpp"
#include "node/topology.hpp"
#include "node/transaction_trail.hpp"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace belfry::node {

struct BankSnapshot {
    exec::BankCounters bank;
    exec::PoolCounters pool;
    exec::PoolGate::Counters gate;
    std::array<std::uint64_t, exec::block_error_count> refused{}; // blocks, by reason
    std::uint64_t pool_size = 0;
    std::uint64_t accounts = 0;
    std::uint64_t blocks_waiting = 0;
    Slot quarantined; // the highest block met that is in quarantine, 0: none
    std::uint64_t waiting_dropped = 0;
    std::uint64_t forwards_sent = 0;
    std::uint64_t net_link_full = 0;
    std::uint64_t rpc_link_full = 0;
    std::uint64_t blocks_abandoned = 0;  // own ones whose parent was pruned
    std::uint64_t transaction_count = 0; // finalized, since genesis
    Height processed_height;
    Slot processed;
    Slot confirmed;
    Slot finalized;
    Hash finalized_id;
    Hash finalized_state_hash;
};

class BankTile {
public:
    struct Options {
        ledger::Genesis genesis;
        Roster roster;
        std::uint32_t account_flush_blocks = 32;
        ledger::BlockRef tip;              // of the replayed ledger
        std::vector<BlockSummary> history; // final blocks of before the start, slots rising
        std::optional<Faucet> faucet;
    };
    BankTile(Options options, std::unique_ptr<exec::Bank> bank, consensus::LeaderSchedule schedule,
             Links& links, Logger& logger, const Latch& stop);

    bool work(std::uint64_t now_ns);
    [[nodiscard]] bool has_input() const;
    [[nodiscard]] std::chrono::nanoseconds sleep_max() const;
    void finish();

    [[nodiscard]] BankSnapshot snapshot() const { return published_.read(); }
    /// Of the newest transactions; may be read by all.
    [[nodiscard]] const TransactionTrail& trail() const { return trail_; }

private:
    /// The own block while its slot lasts. It begins once the silence since its parent is hashed.
    struct Building {
        BuildOrder order;
        std::unique_ptr<exec::BlockBuilder> builder;
    };

    bool take_orders();
    void finalize(const ledger::BlockRef& ref);
    void flush_accounts();
    bool take_transactions();
    bool take_blocks();
    bool replay_next();
    void replay(std::unique_ptr<ledger::Block> block);
    void refuse(std::unique_ptr<ledger::Block> block, exec::BlockError why);
    struct Executed {
        ledger::BlockRef parent;
        std::vector<Hash> set_roots;
        std::vector<Bytes> certificates; // that it carries; the own block's are known
    };
    void executed(const exec::BlockState& state, Executed block);
    void begin_block(const BuildOrder& order);
    [[nodiscard]] bool is_building() const { return building_ && building_->builder != nullptr; }
    bool make_up_for_silence(const BuildOrder& order);
    bool start_builder(Building& building);
    bool build(Building& building, std::uint64_t now_ns);
    bool follow_silence();
    bool hash_silence(const exec::BlockState& after, Slot before, std::uint64_t tick_count);
    void pack(exec::BlockBuilder& builder);
    void push_stream(Building& building, bool last);
    void seal(const SealedBlock& sealed);
    void begin_slot(Slot slot);
    bool forward();
    void forward_one(const ledger::Transaction& transaction);
    bool answer_questions();
    void tell_levels(const Levels& before);
    void publish(std::uint64_t now_ns);
    void note(exec::PoolEvent event, const ledger::Transaction& transaction);
    void note(const Signature& signature, const TrailEvent& event);
    [[nodiscard]] const Pubkey& leader_key(Slot slot);

    Options options_;
    dataplane::Prefix prefix_;
    std::unique_ptr<exec::Bank> bank_;
    exec::PoolGate gate_;
    exec::TransactionPool pool_;
    consensus::LeaderSchedule schedule_;
    Links& links_;
    TileLog log_;
    const Latch& stop_;

    exec::SilentChains silence_; // after the fork that this node stands on, and others built on
    Levels levels_;
    FinalizedHistory history_;
    Slot slot_; // by the slot clock
    std::uint32_t finalized_since_flush_ = 0;
    std::deque<std::unique_ptr<ledger::Block>> queue_;                    // ready to replay
    std::map<Hash, std::vector<std::unique_ptr<ledger::Block>>> waiting_; // by parent id
    std::size_t waiting_count_ = 0;
    std::optional<Building> building_;
    std::unique_ptr<exec::BlockBuilder> sealing_; // finished, its id is not known yet
    std::vector<std::uint16_t> next_leaders_;
    Bytes forward_bytes_;
    std::uint64_t airdrop_count_ = 0;
    std::vector<ChainEvent::Block> newly_final_; // since the last event
    TransactionTrail trail_;
    std::uint64_t now_ns_ = 0;
    std::uint64_t published_ns_ = 0;
    BankSnapshot counts_;
    Published<BankSnapshot> published_;
};

} // namespace belfry::node
