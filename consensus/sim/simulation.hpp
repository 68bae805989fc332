// SPDX-License-Identifier: Apache-2.0
#pragma once
// simulation.hpp: n engines in one process, with simulated hours, network, disks and leaders.
// Shapes   a machine is an engine, a disk with its journal, and a ledger. Usually machine i is
//          validator i; twins run one key on two machines and follow the first n.
// Rule     everything follows from the options and the calls: the same gives the same trace_hash(),
//          on any machine and compiler. Engines are driven by engine.hpp alone.
// Model    a block's first shred leaves when its leader begins it, the whole block when its slot
//          ends; each machine gets it after a delay, or not at all, and asks for parents and for
//          blocks that votes name until it has them. A crash loses what was not synced, but for a
//          random part. A signature is 64 bytes made from validator, kind and body.
// Bounds   messages are kept while a delivery is under way; the bodies' memory is used again.
// Threads  one.

#include "base/bytes.hpp"
#include "consensus/certificate/statement.hpp"
#include "consensus/engine.hpp"
#include "consensus/leader_schedule.hpp"
#include "consensus/sim/block_world.hpp"
#include "consensus/sim/calendar.hpp"
#include "consensus/sim/checker.hpp"
#include "consensus/sim/disk.hpp"
#include "consensus/sim/engines.hpp"
#include "consensus/sim/measures.hpp"
#include "consensus/sim/network.hpp"
#include "consensus/sim/random.hpp"
#include "consensus/sim/roles.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace belfry::consensus::sim {

struct SimulationOptions {
    std::uint64_t seed = 1;
    std::vector<Stake> stakes;
    /// Validators whose key a second machine uses too.
    std::vector<ValidatorIndex> twins{};
    EngineChoice engine{};
    std::uint64_t slot_ms = 600;
    std::uint64_t slots_per_epoch = 64;
    NetworkOptions network{};
    Range sync_ms{.low = 1, .high = 10};
    std::uint64_t skew_ms = 0; // each machine's slots begin up to this much late
    SetLoss set_loss{};
    MachineDefects defects{};
    /// Every invariant from scratch after each step; else at each slot's end.
    bool checks_every_step = false;
};

class Simulation {
public:
    explicit Simulation(const SimulationOptions& options);
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    /// Everything that happens before the slot begins on the latest machine.
    void run_to(Slot slot);
    [[nodiscard]] Slot slot() const { return slot_; }
    [[nodiscard]] std::uint64_t now_ms() const { return calendar_.now(); }

    // ---- faults -----------------------------------------------------------------------------
    [[nodiscard]] Network& network() { return network_; }
    /// Both kinds of payload, both ways; groups[i] for machine i.
    void split(std::span<const unsigned> groups) { network_.split(groups); }
    void heal() { network_.heal(); }
    void set_loss(std::uint64_t percent) { network_.options().loss_percent = percent; }
    void crash(std::size_t machine);
    void restart(std::size_t machine);
    /// Nothing happens on the machine for so long; what arrives meanwhile waits.
    void pause(std::size_t machine, std::uint64_t ms);
    /// Statements of the machine stay there until released.
    void withhold_votes(std::size_t machine, bool withheld);
    /// What a held link keeps from now on is let go once the hold ends.
    void hold(const Network::Link& link, Payload payload, bool held);
    void set_sync(std::size_t machine, Range sync_ms) { machines_.at(machine).sync_ms = sync_ms; }
    /// A leader that builds no blocks though it is alive.
    void stop_building(std::size_t machine, bool stopped);
    /// A slow voter: blocks reach its engine only when one of a slot that is a multiple of this has
    /// come, and it votes once for each such slot.
    void replay_every(std::size_t machine, std::uint64_t slots);
    void set_roles(std::size_t machine, const Roles& roles);
    /// The machine lies no more, if it did, and what it said last reaches everybody.
    void repent(std::size_t machine);
    /// All agreed to go on from that slot: what is above it is gone from this machine's ledger, and
    /// its engine starts anew, told of it.
    void hard_fork(std::size_t machine, Slot slot);
    /// A record in the middle of the journal is gone, or the whole file before the newest because
    /// its directory entry is. Precondition: the machine is down.
    void damage_journal(std::size_t machine, bool whole_file);

    /// See Checker::unwatch.
    void unwatch(const std::string& rule) { checker_.unwatch(rule); }

    // ---- what is seen from outside ----------------------------------------------------------
    [[nodiscard]] std::size_t count() const { return machines_.size(); }
    [[nodiscard]] const StakeTable& stakes() const { return stakes_; }
    [[nodiscard]] ValidatorIndex validator(std::size_t machine) const
    {
        return machines_.at(machine).validator;
    }
    [[nodiscard]] bool alive(std::size_t machine) const
    {
        return machines_[machine].engine != nullptr;
    }
    /// Precondition: alive.
    [[nodiscard]] const Engine& engine(std::size_t machine) const;
    [[nodiscard]] const Checker& checker() const { return checker_; }
    [[nodiscard]] const BlockWorld& world() const { return world_; }
    [[nodiscard]] const Measures& measures() const { return measures_; }
    [[nodiscard]] ValidatorIndex leader_at(Slot slot) { return schedule_.leader_at(slot); }
    [[nodiscard]] Slot confirmed(std::size_t machine) const;
    [[nodiscard]] Slot finalized(std::size_t machine) const;
    [[nodiscard]] std::uint64_t votes_sent(std::size_t machine) const
    {
        return machines_[machine].vote_count;
    }
    [[nodiscard]] std::uint64_t faults(std::size_t machine) const
    {
        return machines_[machine].fault_count;
    }
    /// Own roots that it gave up for a final block, since its start.
    [[nodiscard]] std::uint64_t roots_rolled_back(std::size_t machine) const;
    [[nodiscard]] std::uint64_t accusations() const { return accusation_count_; }
    [[nodiscard]] std::uint64_t steps() const { return step_count_; }
    [[nodiscard]] std::uint64_t trace_hash() const;
    /// Lines of what happens from now on go there, one for each effect but Persist and Relay.
    void set_trace(std::string* lines) { trace_lines_ = lines; }

private:
    using MessageNumber = std::uint32_t;
    struct Part {
        ValidatorIndex from;
        StatementKind kind = StatementKind::skip;
        StatementBody body;
        Signature signature;
    };
    struct Message {
        ValidatorIndex from;
        StatementKind kind = StatementKind::tower_vote;
        Bytes body;
        Signature signature;
        BlockNumber voted = 0;   // of a tower vote, when it is a block
        std::vector<Part> parts; // of a bundle: the statements in it
        std::uint32_t uses = 0;  // under way, or kept; at 0 the number is used again
    };
    struct Building {
        Slot slot;
        BlockNumber parent = 0;
    };
    struct Held {
        JournalSequence after;
        std::variant<MessageNumber, Building> what;
    };
    struct Kept { // by a held link
        Network::Link link;
        EventKind kind = EventKind::statement;
        std::uint32_t subject = 0;
    };
    struct Duplication {
        Slot slot;
        BlockNumber first = 0;
        BlockNumber second = 0;
    };
    enum class Presence : std::uint8_t { none, wanted, waiting, held };
    struct Machine {
        ValidatorIndex validator;
        std::unique_ptr<Engine> engine; // none while it is down
        std::uint32_t life = 0;         // counts restarts: events of an earlier life are void
        Disk disk;
        bool syncing = false;
        std::vector<Held> held;
        std::vector<Presence> ledger;  // by block number; held: durable and given to the engine
        std::set<BlockNumber> waiting; // came before their parents, or beyond the window
        std::set<BlockNumber> wanted;
        BlockNumber ledger_final = 0;
        std::map<std::uint32_t, std::uint64_t> timers; // by slot: the instant
        std::map<Slot, std::uint32_t> duplicates;      // proofs that it holds
        std::optional<Slot> build_waits;               // for the block of the slot before
        Range sync_ms;
        std::uint64_t skew_ms = 0;
        std::uint64_t held_ms = 0; // the engine kept the clock back
        Slot begun;                // its newest slot
        Epoch epoch;               // that the engine was told of
        std::uint64_t paused_to = 0;
        std::uint64_t replay_every = 1;
        Slot replay_to;
        std::optional<Slot> hard_fork;
        Roles roles;
        BlockNumber last_final = 0;
        std::uint64_t vote_count = 0;
        std::uint64_t fault_count = 0;
        bool votes_withheld = false;
        bool builds_nothing = false;
        std::vector<MessageNumber> withheld;
        std::optional<MessageNumber> newest; // statement that was to leave
        std::vector<MessageNumber> said;     // by a liar, to say again later
    };

    void start(std::size_t machine);
    void feed(std::size_t machine, const Input& input);
    void perform(std::size_t machine, const Effects& effects);
    void perform(std::size_t machine, const Persist& persist);
    void perform(std::size_t machine, const Send& send);
    void perform(std::size_t machine, const Commit& commit);
    void perform(std::size_t machine, const Build& build);
    void perform(std::size_t machine, const Want& want_block);
    void perform(std::size_t machine, const Relay& relay);
    void perform(std::size_t machine, const Arm& arm);
    void perform(std::size_t machine, const Accuse& accuse);
    void perform(std::size_t machine, const Fault& fault);
    void perform(std::size_t machine, const BestFork& best);
    void perform(std::size_t machine, const Purge& purge);
    void perform(std::size_t machine, const Certified& certified);
    void perform(std::size_t machine, const Expose& expose);
    void check_switch(std::size_t machine, ByteView vote_body);
    void release(std::size_t machine);
    void release_one(std::size_t machine, const Held& held);
    void sync(std::size_t machine);
    void say(std::size_t machine, MessageNumber message);
    void broadcast(std::size_t machine, MessageNumber message);
    void send_to(const Network::Link& link, MessageNumber message, EventKind kind);
    void say_falsely(std::size_t machine, MessageNumber message);
    [[nodiscard]] std::optional<MessageNumber> contrary(MessageNumber message);
    [[nodiscard]] std::optional<MessageNumber> contrary_statement(MessageNumber message);
    [[nodiscard]] MessageNumber new_message();
    [[nodiscard]] MessageNumber sign(ValidatorIndex from, StatementKind kind, ByteView body);
    /// One more use of the message of that bundle; nullopt when it is none.
    [[nodiscard]] std::optional<MessageNumber> bundle_of(std::size_t machine, ByteView body);
    void unuse(MessageNumber message);
    void take_block(std::size_t machine, BlockNumber block);
    void give_waiting(std::size_t machine);
    void want(std::size_t machine, BlockNumber block);
    void spread_block(std::size_t machine, BlockNumber block, std::optional<BlockNumber> other);
    void see_versions(std::size_t machine, Slot slot);
    void learn_duplicate(std::size_t machine, std::uint32_t proof);
    void try_build(std::size_t machine, Slot slot);
    [[nodiscard]] Presence& presence(std::size_t machine, BlockNumber block);
    [[nodiscard]] bool holds(std::size_t machine, BlockNumber block) const;

    void act(const Event& event);
    void on_slot(std::size_t machine, Slot due);
    /// Others have ended a slot that a clock kept back has not.
    void move_held_clock(std::size_t machine, Slot ended);
    void on_statement(std::size_t machine, MessageNumber message);
    void on_timer(std::size_t machine, const Event& event);
    void on_sync(std::size_t machine, std::size_t record_count);
    void on_persist_told(std::size_t machine, std::size_t record_count);
    /// Until a slow voter has replayed the blocks that come next: it hears only then that its vote
    /// is durable, and so votes for the newest of them and for none between.
    [[nodiscard]] std::uint64_t until_replayed(std::uint64_t slots) const;
    void on_block_end(std::size_t machine, const Building& build);
    void on_fetch(std::size_t machine, BlockNumber block);

    void schedule(std::uint64_t in_ms, std::size_t machine, EventKind kind, std::uint64_t subject);
    [[nodiscard]] std::uint64_t draw(const Range& range)
    {
        return random_.between(range.low, range.high);
    }
    [[nodiscard]] std::uint64_t begin_of(Slot slot) const { return slot.value * options_.slot_ms; }
    [[nodiscard]] EpochInfo epoch_of(Slot slot);
    void trace(std::uint64_t value) { trace_ = Random(trace_ ^ value).next(); }
    void trace_line(std::size_t machine, const std::string& text);
    void check_engine(std::size_t machine);

    SimulationOptions options_;
    Random random_;
    StakeTable stakes_;
    LeaderSchedule schedule_;
    BlockWorld world_;
    Network network_;
    std::vector<Machine> machines_;
    Checker checker_;
    Measures measures_;
    Effects effects_;
    Calendar calendar_;
    std::vector<Message> messages_;
    std::vector<MessageNumber> free_messages_;
    /// The same bundle goes to many, one after the other: decoded and checked once.
    std::array<std::optional<MessageNumber>, 8> newest_bundles_;
    std::size_t next_bundle_ = 0;
    std::vector<Building> builds_;
    std::vector<Duplication> duplications_;
    std::vector<Kept> kept_;
    Slot slot_;
    std::uint64_t accusation_count_ = 0;
    std::uint64_t step_count_ = 0;
    std::uint64_t trace_ = 0;
    std::string* trace_lines_ = nullptr;
};

/// n validators with the same stake.
[[nodiscard]] std::vector<Stake> equal_stakes(std::size_t count);

} // namespace belfry::consensus::sim
