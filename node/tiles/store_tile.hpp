// SPDX-License-Identifier: Apache-2.0
#pragma once
// store_tile.hpp: the one writer of the ledger, and the server of repair requests.
// Rule     a block is reported durable only after the commit that holds it and all its sets has
//          returned. A failed write stops the node: nothing is voted for that is not on disk.
// Bounds   sets that no block needs yet are written after sets_wait_ns or sets_wait_bytes.
// Threads  one: the store tile.

#include "base/published.hpp"
#include "dataplane/repair/recent_sets.hpp"
#include "dataplane/repair/repair_server.hpp"
#include "ledger/store/account_store.hpp"
#include "ledger/store/block_store.hpp"
#include "ledger/store/proof_store.hpp"
#include "node/retention.hpp"
#include "node/roster.hpp"
#include "node/tiles/tile.hpp"
#include "node/topology.hpp"

#include <memory>
#include <vector>

namespace belfry::node {

struct StoreSnapshot {
    dataplane::RepairServerCounters repair;
    std::uint64_t commits = 0;
    std::uint64_t sets_stored = 0;
    std::uint64_t blocks_stored = 0;
    std::uint64_t account_flushes = 0;
    std::uint64_t accounts_flushed = 0;
    std::uint64_t commit_ns_max = 0;
    std::uint64_t flush_ns_max = 0;
    std::uint64_t records_pruned = 0;
    std::uint64_t proofs_stored = 0;
    std::uint64_t net_link_full = 0;
    std::uint64_t used_bytes = 0;
    std::uint64_t held_bytes = 0;     // looked at when pruning
    std::uint64_t short_of_space = 0; // 1: fewer slots are kept than asked for
};

class StoreTile {
public:
    struct Options {
        Hash genesis;
        Roster roster;
        RetentionLimits retention;
        std::uint64_t repair_replies_per_second = 0; // shreds, per peer
    };
    StoreTile(Options options, ledger::LmdbEnv& env, Links& links, NodeStop& node,
              const Latch& stop);
    ~StoreTile();

    bool work(std::uint64_t now_ns);
    [[nodiscard]] bool has_input() const;
    [[nodiscard]] std::chrono::nanoseconds sleep_max() const;
    /// Writes what is still in the links: the tile stops after all that send to it.
    void finish();

    [[nodiscard]] StoreSnapshot snapshot() const { return published_.read(); }

private:
    class Source;

    bool collect();
    void take(BankToStore& message);
    void commit(std::uint64_t now_ns);
    void flush_accounts();
    void keep_proofs();
    void prune(std::uint64_t now_ns);
    bool serve(std::uint64_t now_ns);
    void fail(ledger::StoreError error, const char* doing);
    void publish(std::uint64_t now_ns);

    Options options_;
    ledger::LmdbEnv& env_;
    ledger::BlockStore blocks_;
    ledger::AccountStore accounts_;
    ledger::ProofStore proofs_;
    Links& links_;
    NodeStop& node_;
    const Latch& stop_;
    std::vector<ledger::ShredSet> sets_; // not yet committed, as everything below
    std::vector<ledger::BlockRecord> records_;
    std::vector<ledger::BlockRef> finalized_;
    std::vector<ledger::SignatureRecord> signatures_;
    std::vector<ledger::Proof> new_proofs_;
    std::unique_ptr<exec::Flush> flush_;
    std::size_t sets_bytes_ = 0;
    std::uint64_t oldest_set_ns_ = 0;
    std::uint64_t prune_at_ns_ = 0;
    std::uint64_t proofs_kept_ns_ = 0;
    std::uint64_t published_ns_ = 0;
    Slot newest_finalized_;
    bool failed_ = false;
    std::unique_ptr<Source> source_;
    dataplane::RecentSets recent_;
    dataplane::RepairServer server_;
    StoreSnapshot counts_;
    Published<StoreSnapshot> published_;
};

} // namespace belfry::node
