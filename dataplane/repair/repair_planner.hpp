// SPDX-License-Identifier: Apache-2.0
#pragma once
// repair_planner.hpp: decides what to ask whom for, and when.
// Rule     sources of work, in order: open sets whose shreds should have come by now; sets named by
// a
//          successor; wanted blocks; tails; blocks that peers' chains hold (catch-up). A set whose
//          root is known is asked for by that root, so that only the right version can answer; what
//          a liar sends or withholds costs one timeout, then another peer is asked.
// Catch-up while a slot is seen far ahead of what is replayed, guides_max peers at a time are asked
//          for their chain (32 blocks an answer); each guide may fill its share of the window of
//          blocks that are fetched at once. A guide whose blocks nobody can deliver is replaced.
// Bounds   in_flight_shreds_max shreds asked for and not yet come (what a socket buffer holds),
//          requests_per_plan_max datagrams a call, items_max things waited for.
// Time     now_ns is given, from any monotonic clock; no clock is read here.
// Threads  one owner, the shred tile.

#include "base/bytes.hpp"
#include "crypto/keypair.hpp"
#include "dataplane/fec/block_assembler.hpp"
#include "dataplane/fec/fec_resolver.hpp"
#include "dataplane/repair/repair_wire.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace belfry::dataplane {

struct RepairOut {
    std::uint16_t peer = 0; // roster index: send to its repair address
    Bytes datagram;
};

struct RepairPlannerCounters {
    std::uint64_t requests_sent = 0;
    std::uint64_t requests_timed_out = 0;
    std::uint64_t requests_met = 0;
    std::uint64_t hints_taken = 0;
    std::uint64_t hints_refused = 0; // malformed, or no answer to a request of ours
    std::uint64_t guides_replaced = 0;
    std::uint64_t items_refused = 0;
};

class RepairPlanner {
public:
    struct Options {
        Hash genesis;
        std::uint16_t me = 0;
        std::uint16_t roster_count = 1;
        std::uint64_t first_sequence = 1; // above every earlier one of this validator: at start the
                                          // wall clock in ns serves; it is never used as a time
        std::uint64_t arrival_grace_ns = 60'000'000; // until a shred that is missing counts as lost
        std::uint64_t tail_grace_ns = 150'000'000;   // until a quiet slot is asked for more
        std::uint64_t timeout_ns = 150'000'000;      // of a request; doubles up to timeout_max_ns
        std::uint64_t timeout_max_ns = 2'000'000'000;
        std::uint64_t probe_interval_ns = 1'000'000'000; // chain of one peer, when all seems well
        std::uint64_t guide_interval_ns = 20'000'000;    // between new guides in catch-up
        std::uint64_t guide_patience_ns = 2'000'000'000; // without a block of its window completed
        std::uint64_t catch_up_gap = 8; // slots ahead of the replayed one that start catch-up
        std::size_t in_flight_shreds_max = 256;
        std::size_t requests_per_plan_max = 64;
        std::size_t items_max = 4096;
        std::uint32_t block_attempts_max = 16; // then a block that nobody can deliver is let go
        std::size_t guides_max = 3;
        std::size_t window_blocks = 48; // of each guide, ahead of the replayed block
    };
    /// All references must outlive the planner.
    RepairPlanner(const Options& options, const crypto::Keypair& me, FecResolver& resolver,
                  BlockAssembler& assembler);

    struct Position {
        ledger::BlockRef finalized;
        Slot replayed; // newest replayed block
        Slot local;    // by the slot clock
    };
    /// Moves the windows of resolver and assembler too.
    void set_position(const Position& position);
    /// A block named by a vote, a child or the engine. The caller wants at most a few per voter.
    void want(const ledger::BlockRef& block);
    /// A slot that somebody who must know has reached (a vote, a far shred).
    void note_slot_seen(Slot slot);
    /// A datagram of kind_chain_hints.
    void on_hints(ByteView datagram, std::uint64_t now_ns);
    /// Requests to send now. Call every few milliseconds and after bursts of shreds.
    [[nodiscard]] std::vector<RepairOut> plan(std::uint64_t now_ns);

    [[nodiscard]] bool catching_up() const;
    [[nodiscard]] const RepairPlannerCounters& counters() const { return counters_; }
    [[nodiscard]] std::size_t in_flight_shreds() const { return in_flight_shreds_; }

private:
    struct ItemKey {
        RepairWhat what = RepairWhat::set;
        SetKey key;
        friend auto operator<=>(const ItemKey&, const ItemKey&) = default;
    };
    struct Item { // something missing
        std::uint64_t noticed_ns = 0;
        std::uint64_t asked_ns = 0;
        std::uint64_t deadline_ns = 0;
        std::uint64_t round = 0; // of plan() that last found it missing
        std::uint32_t attempts = 0;
        std::uint16_t peer = 0;
        std::size_t expected_shreds = 0;
        bool outstanding = false;
    };
    struct Candidate {
        ItemKey item;
        SetKey asked; // what the request names; a part of the item when some of it is here
        std::uint64_t bits = 0;
        std::uint64_t eligible_ns = 0; // besides the grace since it was noticed
        std::uint64_t grace_ns = 0;
        std::size_t expected_shreds = 0;
    };
    struct Peer {
        std::uint64_t latency_ns = 0; // smoothed; 0: not known
        std::uint64_t avoid_until_ns = 0;
        std::uint32_t failures = 0; // in a row
    };
    struct Guide {
        std::uint16_t peer = 0;
        std::deque<ChainHint> hints;
        std::uint64_t echo = 0;
        Slot after;
        std::uint64_t deadline_ns = 0; // of the question under way
        std::uint64_t progress_ns = 0;
        std::size_t fetched_count = 0; // of its blocks, at the last look
        std::size_t dropped_count = 0; // hints that are behind us
        bool outstanding = false;
        bool exhausted = false; // has told all of its chain
        bool useless = false;
    };

    void collect_candidates(std::uint64_t now_ns);
    void collect_open_set(const OpenSet& open);
    void collect_missing(const Missing& missing);
    void collect_block_ranges(const ledger::BlockRef& block, std::uint32_t set_count,
                              std::uint64_t now_ns);
    [[nodiscard]] std::uint64_t grace_of(Slot slot) const;
    void settle_items(std::uint64_t now_ns);
    void ask(const Candidate& candidate, std::uint64_t now_ns, std::vector<RepairOut>& out);
    [[nodiscard]] std::optional<std::uint16_t> choose_peer(std::optional<std::uint16_t> not_this,
                                                           std::uint64_t now_ns);
    [[nodiscard]] std::uint64_t timeout_of(std::uint16_t peer, std::uint32_t attempts) const;
    void note_failure(std::uint16_t peer, std::uint64_t now_ns);
    void note_success(std::uint16_t peer, std::uint64_t latency_ns);
    [[nodiscard]] Bytes write_request(std::uint16_t peer, RepairWhat what, const SetKey& asked,
                                      std::uint64_t bits);
    void want_far(const ledger::BlockRef& block);
    void drop_far_slots();

    // repair_catch_up.cpp
    void guide(std::uint64_t now_ns, std::vector<RepairOut>& out);
    void follow(Guide& guide, std::uint64_t now_ns);
    void question(Guide& guide, std::uint64_t now_ns, std::vector<RepairOut>& out);
    void dismiss(const Guide& guide);

    Options options_;
    const crypto::Keypair& me_;
    FecResolver& resolver_;
    BlockAssembler& assembler_;
    Prefix prefix_;
    Position position_;
    Slot highest_slot_seen_;
    std::uint64_t sequence_ = 0;
    std::uint64_t round_ = 0;
    std::uint64_t next_guide_ns_ = 0;
    std::uint16_t next_peer_ = 0;
    std::uint16_t next_guide_peer_ = 0;
    std::size_t empty_guides_ = 0; // in a row that had nothing new
    std::uint32_t turn_ = 0;
    std::size_t in_flight_shreds_ = 0;
    std::vector<Peer> peers_;
    std::vector<Guide> guides_;
    std::map<ItemKey, Item> items_;
    std::set<Slot> far_slots_; // resolver's wanted slots
    // Of the present plan() only; kept for their memory.
    std::vector<Candidate> candidates_;
    std::set<SetKey> wanted_keys_;
    std::set<std::pair<Slot, std::uint32_t>> open_places_;
    std::set<SetKey> open_after_; // names of the sets that open ones follow
    RepairPlannerCounters counters_;
};

} // namespace belfry::dataplane
