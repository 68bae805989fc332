// SPDX-License-Identifier: Apache-2.0
#pragma once
// history_tile.hpp: answers RPC from the ledger, where memory does not reach.
// Rule     the bank is asked first and hands on what it knows; what is in neither place when the
//          bank has looked and then the ledger has, was nowhere: blocks go from memory to disk,
//          never back.
// Threads  one: the history tile. It reads the store tile's environment through LMDB's read
//          transactions, which neither wait for the writer nor hold it up; RPC's thread never
//          reads the disk, so that one slow read cannot stop every client.

#include "base/published.hpp"
#include "node/tiles/ledger_queries.hpp"
#include "node/tiles/tile.hpp"
#include "node/topology.hpp"

namespace belfry::node {

struct HistorySnapshot {
    std::uint64_t questions = 0;
    std::uint64_t link_full = 0;
    std::uint64_t answer_us_max = 0;
};

class HistoryTile {
public:
    HistoryTile(const ledger::LmdbEnv& env, Links& links);

    bool work(std::uint64_t now_ns);
    [[nodiscard]] bool has_input() const { return !links_.rpc_history.empty(); }
    [[nodiscard]] std::chrono::nanoseconds sleep_max() const { return std::chrono::seconds(1); }
    void finish() {}

    [[nodiscard]] HistorySnapshot snapshot() const { return published_.read(); }

private:
    LedgerQueries queries_;
    Links& links_;
    HistorySnapshot counts_;
    Published<HistorySnapshot> published_;
};

} // namespace belfry::node
