// SPDX-License-Identifier: Apache-2.0
#pragma once
// shred_tile.hpp: own streams become shreds; shreds become sets, sets blocks; what is missing is
// asked for.
// Bounds   complete blocks wait for room in the bank's link; never more than repair fetches ahead
//          (RepairPlanner::Options::window_blocks for each guide) and the window's live slots.
// Threads  one: the shred tile. Snapshots may be read by all.

#include "base/published.hpp"
#include "crypto/keypair.hpp"
#include "dataplane/fec/block_assembler.hpp"
#include "dataplane/fec/fec_resolver.hpp"
#include "dataplane/repair/repair_planner.hpp"
#include "dataplane/shred/shredder.hpp"
#include "dataplane/turbine/tree.hpp"
#include "node/equivocating_leader.hpp"
#include "node/roster.hpp"
#include "node/tiles/tile.hpp"
#include "node/topology.hpp"

#include <array>
#include <deque>
#include <memory>
#include <optional>

namespace belfry::node {

struct ShredSnapshot {
    dataplane::FecCounters fec;
    dataplane::AssemblerCounters assembler;
    dataplane::RepairPlannerCounters repair;
    std::uint64_t shreds_received = 0;
    std::uint64_t shreds_sent = 0;
    std::uint64_t shreds_retransmitted = 0;
    std::uint64_t sets_made = 0;
    std::uint64_t second_sets_made = 0; // of the second version of own blocks, [faults] equivocate
    std::uint64_t net_link_full = 0;
    std::uint64_t open_bytes = 0;
    std::uint64_t held_bytes = 0;
    bool catching_up = false;
};

class ShredTile {
public:
    struct Options {
        Hash genesis;
        Roster roster;
        std::size_t fanout = 8;
        bool equivocate = false; // for tests
        std::uint64_t repair_requests_per_second = 2000;
        std::uint64_t first_repair_sequence = 1;
        ledger::BlockRef finalized;
        ledger::BlockRef tip;
        std::vector<ledger::BlockRef> known; // stored blocks above finalized
    };
    ShredTile(Options options, consensus::LeaderSchedule schedule, crypto::Keypair key,
              Links& links, const Latch& stop);

    bool work(std::uint64_t now_ns);
    [[nodiscard]] bool has_input() const;
    [[nodiscard]] std::chrono::nanoseconds sleep_max() const;
    void finish();

    [[nodiscard]] ShredSnapshot snapshot() const { return published_.read(); }

private:
    bool take_orders();
    bool take_own_stream();
    bool take_shreds(std::uint64_t now_ns);
    void take_shred(const Packet& packet, std::uint64_t now_ns);
    /// The own stream's block is sealed by its id; any other one is replayed.
    enum class From : std::uint8_t { network, own_stream };
    void take_set(ledger::ShredSet set, From from);
    void sight(Slot slot);
    void spread(const dataplane::Equivocation& equivocation);
    void retransmit(const dataplane::Accepted& accepted, ByteView datagram);
    void send_own(const dataplane::SetOut& out);
    enum class Version : std::uint8_t { first, second };
    void send_to_half(const dataplane::SetOut& out, Version version);
    void send(dataplane::Lane lane, const dataplane::Endpoint& to, ByteView payload);
    void repair(std::uint64_t now_ns);
    bool hand_over_blocks();
    void publish(std::uint64_t now_ns);

    Options options_;
    consensus::LeaderSchedule schedule_;
    crypto::Keypair key_;
    Links& links_;
    const Latch& stop_;
    dataplane::FecResolver resolver_;
    dataplane::BlockAssembler assembler_;
    dataplane::TurbineTree tree_;
    dataplane::RepairPlanner planner_;
    std::unique_ptr<dataplane::Shredder> shredder_; // of the own block under way
    Slot own_slot_;
    std::optional<EquivocatingLeader> equivocating_;
    std::array<Slot, 64> sighted_{}; // newest slot told of, by slot modulo 64
    std::array<Slot, 64> spread_{};  // newest slot whose two versions were sent on
    std::deque<ShredToBank> waiting_;
    std::uint64_t planned_ns_ = 0;
    std::uint64_t published_ns_ = 0;
    ShredSnapshot counts_;
    Published<ShredSnapshot> published_;
};

} // namespace belfry::node
