// SPDX-License-Identifier: Apache-2.0
#pragma once
// simulation.hpp: n engines in one process, with simulated hours, network, disks and leaders.
// Shapes   an instance is one machine: an engine, a journal whose newest records may not be synced,
//          and a ledger. Usually instance i is validator i; twins run one key on two machines.
// Rule     everything follows from the options and the calls: the same gives the same trace_hash().
// Model    a block exists when its slot ends and reaches each machine after a delay, or not at
//          all; a machine asks for parents and for blocks that votes name until it gets them. A
//          crash loses what was not synced, but for a random part. Votes are as lossy as blocks.
// Threads  one.

#include "base/bytes.hpp"
#include "consensus/engine.hpp"
#include "consensus/leader_schedule.hpp"
#include "consensus/sim/block_world.hpp"
#include "consensus/sim/checker.hpp"
#include "consensus/sim/random.hpp"
#include "consensus/tower/tower_engine.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <variant>
#include <vector>

namespace belfry::consensus::sim {

/// Milliseconds since the simulation's start.
using Instant = Ordinal<struct InstantTag>;

struct Range {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

struct SimulationOptions {
    std::uint64_t seed = 1;
    std::vector<Stake> stakes;
    /// Validators whose key a second machine uses too; those machines follow the first n.
    std::vector<ValidatorIndex> twins{};
    std::uint64_t slot_ms = 600;
    std::uint64_t slots_per_epoch = 64;
    Range delay_ms{.low = 10, .high = 120};
    Range sync_ms{.low = 1, .high = 10};
    std::uint64_t loss_percent = 0;
    std::uint64_t duplicate_percent = 0;
    std::uint64_t skew_ms = 0; // each machine's slots begin up to this much late
    /// Planted defect of the machine, not of the engine: statements do not wait for the disk.
    bool sends_before_persist = false;
    TowerDefects defects{};
};

class Simulation {
public:
    explicit Simulation(const SimulationOptions& options);
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    /// Everything that happens before the slot begins on the latest machine.
    void run_to(Slot slot);
    [[nodiscard]] Slot slot() const { return slot_; }

    // ---- faults -----------------------------------------------------------------------------
    /// Machines hear only those of the same group. groups[i] for instance i.
    void split(std::span<const unsigned> groups);
    void heal();
    void set_loss(std::uint64_t percent) { options_.loss_percent = percent; }
    void crash(std::size_t instance);
    void restart(std::size_t instance);
    /// Votes of the instance stay on its machine until released.
    void withhold_votes(std::size_t instance, bool withheld);
    void set_sync(std::size_t instance, Range sync_ms) { machines_.at(instance).sync_ms = sync_ms; }
    /// A leader that builds no blocks though it is alive.
    void stop_building(std::size_t instance, bool stopped);

    /// See Checker::unwatch.
    void unwatch(const std::string& rule) { checker_.unwatch(rule); }

    // ---- what is seen from outside ----------------------------------------------------------
    [[nodiscard]] std::size_t count() const { return machines_.size(); }
    [[nodiscard]] bool alive(std::size_t instance) const;
    /// Precondition: alive.
    [[nodiscard]] const TowerEngine& engine(std::size_t instance) const;
    [[nodiscard]] const Checker& checker() const { return checker_; }
    [[nodiscard]] const BlockWorld& world() const { return world_; }
    [[nodiscard]] ValidatorIndex leader_at(Slot slot) { return schedule_.leader_at(slot); }
    [[nodiscard]] Slot confirmed(std::size_t instance) const;
    [[nodiscard]] Slot finalized(std::size_t instance) const;
    [[nodiscard]] std::uint64_t votes_sent(std::size_t instance) const;
    [[nodiscard]] std::uint64_t accusations() const { return accusation_count_; }
    [[nodiscard]] std::uint64_t steps() const { return step_count_; }
    [[nodiscard]] std::uint64_t trace_hash() const { return trace_; }

private:
    struct Record {
        JournalSequence sequence;
        Bytes bytes;
    };
    struct Held {
        JournalSequence after;
        std::variant<std::size_t, Build> what; // message number, or the block to begin
    };
    struct Machine {
        ValidatorIndex validator;
        std::unique_ptr<TowerEngine> engine; // none while it is down
        std::uint64_t life = 0;              // counts restarts: events of an earlier life are void
        std::vector<Record> journal;
        std::size_t synced_count = 0;
        bool syncing = false;
        std::vector<Held> held;
        std::set<BlockName> ledger;  // durable and given to the engine, or ready to be
        std::set<BlockName> waiting; // came before their parents, or beyond the window
        std::set<BlockName> wanted;
        BlockName ledger_final;
        std::optional<Slot> build_waits; // for the block of the slot before
        Range sync_ms;
        std::uint64_t skew_ms = 0;
        std::uint64_t vote_count = 0;
        unsigned group = 0;
        bool votes_withheld = false;
        bool builds_nothing = false;
        std::optional<std::size_t> withheld_message;
    };
    struct SlotBegins {
        Slot slot;
    };
    struct PatienceEnds {
        Slot slot;
    };
    struct VoteArrives {
        std::size_t message;
    };
    struct BlockArrives {
        BlockName block;
    };
    struct Fetch {
        BlockName block;
    };
    struct SyncEnds {
        std::size_t record_count;
    };
    struct BlockEnds {
        Build what;
    };
    using What = std::variant<SlotBegins, PatienceEnds, VoteArrives, BlockArrives, Fetch, SyncEnds,
                              BlockEnds>;
    struct Event {
        Instant at;
        std::uint64_t order = 0; // of two at the same instant the older first
        std::size_t instance = 0;
        std::uint64_t life = 0; // only for what ends with the machine's life
        What what;
    };
    struct Message {
        ValidatorIndex from;
        Bytes body;
    };

    void start(std::size_t instance);
    void feed(std::size_t instance, const Input& input);
    void perform(std::size_t instance, const Effects& effects);
    void perform(std::size_t instance, const Persist& persist);
    void perform(std::size_t instance, const Send& send);
    void perform(std::size_t instance, const Commit& commit);
    void perform(std::size_t instance, const Build& build);
    void release(std::size_t instance);
    void release_one(std::size_t instance, const Held& held);
    void send_vote(std::size_t instance, std::size_t message);
    void sync(std::size_t instance);
    void take_block(std::size_t instance, const BlockName& block);
    void give_waiting(std::size_t instance);
    void want(std::size_t instance, const BlockName& block);
    void try_build(std::size_t instance, Slot slot);

    void on(std::size_t instance, const SlotBegins& event);
    void on(std::size_t instance, const PatienceEnds& event);
    void on(std::size_t instance, const VoteArrives& event);
    void on(std::size_t instance, const BlockArrives& event);
    void on(std::size_t instance, const Fetch& event);
    void on(std::size_t instance, const SyncEnds& event);
    void on(std::size_t instance, const BlockEnds& event);

    void schedule(std::uint64_t in_ms, std::size_t instance, const What& what);
    [[nodiscard]] bool reaches(std::size_t from, std::size_t to);
    [[nodiscard]] std::uint64_t draw(const Range& range);
    [[nodiscard]] Instant begin_of(Slot slot) const;
    void trace(std::uint64_t value);
    void check_engines();

    SimulationOptions options_;
    Random random_;
    StakeTable stakes_;
    LeaderSchedule schedule_;
    BlockWorld world_;
    std::vector<Machine> machines_;
    Checker checker_;
    Effects effects_;
    std::vector<Event> events_; // a heap, earliest first
    std::vector<Message> messages_;
    Instant now_;
    Slot slot_;
    std::uint64_t order_ = 0;
    std::uint64_t accusation_count_ = 0;
    std::uint64_t step_count_ = 0;
    std::uint64_t trace_ = 0;
};

/// n validators with the same stake.
[[nodiscard]] std::vector<Stake> equal_stakes(std::size_t count);

} // namespace belfry::consensus::sim
