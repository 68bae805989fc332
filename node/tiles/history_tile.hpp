// SPDX-License-Identifier: Apache-2.0
#pragma once
// history_tile.hpp: answers RPC from the ledger, where memory does not reach, and keeps the index
// of addresses. Rule     the bank is asked first and hands on what it knows; what is in neither
// place when the
//          bank has looked and then the ledger has, was nowhere: blocks go from memory to disk,
//          never back. What the bank knows and the store has not written yet is tried again for
//          wait_max_ns.
// Bounds   waiting_max questions wait for the store.
// Threads  one: the history tile. It reads the store tile's environment through LMDB's read
//          transactions, which neither wait for the writer nor hold it up; RPC's thread never
//          reads the disk, so that one slow read cannot stop every client. Its own index is another
//          environment, whose writes no vote waits for.

#include "base/published.hpp"
#include "node/tiles/address_follower.hpp"
#include "node/tiles/ledger_queries.hpp"
#include "node/tiles/tile.hpp"
#include "node/topology.hpp"

#include <deque>

namespace belfry::node {

struct HistorySnapshot {
    std::uint64_t questions = 0;
    std::uint64_t retries = 0;
    std::uint64_t given_up = 0;
    std::uint64_t link_full = 0;
    std::uint64_t answer_us_max = 0;
    std::uint64_t index_us_max = 0;
    std::uint64_t index_failed = 0;
    Slot indexed;
};

class HistoryTile {
public:
    struct Options {
        LedgerQueries::Options queries;
        std::filesystem::path index_directory;
        std::uint64_t index_map_bytes = 0;
    };
    /// Throws std::runtime_error when the index cannot be opened.
    HistoryTile(Options options, const ledger::LmdbEnv& env, Links& links);

    bool work(std::uint64_t now_ns);
    [[nodiscard]] bool has_input() const { return !links_.rpc_history.empty(); }
    [[nodiscard]] std::chrono::nanoseconds sleep_max() const;
    void finish() {}

    [[nodiscard]] HistorySnapshot snapshot() const { return published_.read(); }

private:
    struct Waiting {
        HistoryQuestion question;
        std::uint64_t until_ns = 0;
    };
    void answer(HistoryQuestion question, std::uint64_t until_ns);
    void send(Reply reply);
    bool follow(std::uint64_t now_ns);

    ledger::LmdbEnv index_env_;
    ledger::AddressIndex index_;
    AddressFollower follower_;
    LedgerQueries queries_;
    Links& links_;
    std::deque<Waiting> waiting_;
    std::uint64_t retried_ns_ = 0;
    std::uint64_t followed_ns_ = 0;
    HistorySnapshot counts_;
    Published<HistorySnapshot> published_;
};

} // namespace belfry::node
