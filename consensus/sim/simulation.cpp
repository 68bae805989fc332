// SPDX-License-Identifier: Apache-2.0
// The hours of a simulation, its machines, and what their engines ask for.
#include "consensus/sim/simulation.hpp"

#include "base/check.hpp"
#include "consensus/tower/tower_journal.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace belfry::consensus::sim {

namespace {

/// A statement for the trace: what is said of which slot.
std::string text_of(StatementKind kind, ByteView body)
{
    if (kind == StatementKind::tower_vote) {
        const auto vote = decode_tower_vote(body);
        return vote ? fmt::format("vote {}", vote->block().slot.value) : "a malformed vote";
    }
    const auto statement = decode_statement(kind, body);
    if (!statement) {
        return "a malformed statement";
    }
    const std::uint64_t first = statement->first.value;
    switch (kind) {
    case StatementKind::notarize:
        return fmt::format("notarize {} ({:02x})", first, statement->id.bytes[0]);
    case StatementKind::finalize:
        return fmt::format("finalize {}", first);
    default:
        return fmt::format("skip {}-{}", first, statement->last.value);
    }
}

constexpr std::uint64_t ns_per_ms = 1'000'000;
constexpr std::size_t few_machines = 7;
constexpr std::uint64_t replay_ms = 150; // after a slot's end: a slow voter's blocks are replayed

Hash genesis_hash_of(std::uint64_t seed)
{
    Random random(seed ^ 0x67656E65736973); // apart from the run's own stream
    Hash hash;
    for (std::uint8_t& byte : hash.bytes) {
        byte = static_cast<std::uint8_t>(random.next() & 0xFF);
    }
    return hash;
}

StakeTable table_of(const std::vector<Stake>& stakes)
{
    auto table = StakeTable::make(stakes);
    BELFRY_CHECK(table.has_value());
    return *table;
}

std::vector<ValidatorIndex> validators_of(const SimulationOptions& options)
{
    std::vector<ValidatorIndex> all;
    all.reserve(options.stakes.size() + options.twins.size());
    for (std::size_t i = 0; i < options.stakes.size(); ++i) {
        all.push_back(ValidatorIndex{static_cast<std::uint16_t>(i)});
    }
    all.insert(all.end(), options.twins.begin(), options.twins.end());
    return all;
}

} // namespace

std::vector<Stake> equal_stakes(std::size_t count)
{
    return std::vector(count, Stake{1});
}

Simulation::Simulation(const SimulationOptions& options)
    : options_(options)
    , random_(options.seed)
    , stakes_(table_of(options.stakes))
    , schedule_(genesis_hash_of(options.seed), stakes_, options.slots_per_epoch)
    , world_({.slot = Slot{0}, .id = genesis_hash_of(options.seed)})
    , network_(options.stakes.size() + options.twins.size(), options.network)
    , machines_(options.stakes.size() + options.twins.size())
    , checker_(world_, stakes_, validators_of(options))
{
    checker_.watch_confirmed(options.engine.confirmed_stands);
    checker_.let_certificates_release(options.engine.certificates);
    const std::vector<ValidatorIndex> validators = validators_of(options);
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        Machine& machine = machines_[i];
        machine.validator = validators[i];
        machine.sync_ms = options.sync_ms;
        machine.skew_ms = random_.below(options.skew_ms + 1);
        if (std::ranges::count(options.twins, machine.validator) != 0) {
            checker_.excuse(i);
        }
        start(i);
    }
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        schedule(options_.slot_ms + machines_[i].skew_ms, i, EventKind::slot_begins, 1);
    }
}

// ---- Hours --------------------------------------------------------------------------------------

void Simulation::schedule(std::uint64_t in_ms, std::size_t machine, EventKind kind,
                          std::uint64_t subject)
{
    calendar_.add(calendar_.now() + in_ms, {.subject = static_cast<std::uint32_t>(subject),
                                            .life = machines_[machine].life,
                                            .machine = static_cast<std::uint16_t>(machine),
                                            .kind = kind});
}

void Simulation::run_to(Slot slot)
{
    calendar_.run_to(begin_of(slot) + options_.skew_ms, [&](const Event& event) { act(event); });
    slot_ = slot;
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        check_engine(i);
    }
}

void Simulation::act(const Event& event)
{
    const std::size_t i = event.machine;
    Machine& machine = machines_[i];
    if (machine.paused_to > calendar_.now() && machine.engine) {
        calendar_.add(machine.paused_to, event);
        return;
    }
    const bool same_life = event.life == machine.life;
    switch (event.kind) {
    case EventKind::slot_begins:
        on_slot(i, Slot{event.subject});
        return;
    case EventKind::statement:
    case EventKind::bundle:
        on_statement(i, event.subject);
        return;
    default:
        break;
    }
    if (!machine.engine) {
        return;
    }
    switch (event.kind) {
    case EventKind::first_shred:
        feed(i, FirstShred{.slot = Slot{event.subject}});
        break;
    case EventKind::block:
        take_block(i, event.subject);
        break;
    case EventKind::fetch:
        on_fetch(i, event.subject);
        break;
    case EventKind::duplicate:
        learn_duplicate(i, event.subject);
        break;
    case EventKind::build_waited:
        if (same_life && machine.build_waits == Slot{event.subject}) {
            try_build(i, Slot{event.subject});
        }
        break;
    case EventKind::timer:
        if (same_life) {
            on_timer(i, event);
        }
        break;
    case EventKind::persist_told:
        if (same_life) {
            on_persist_told(i, event.subject);
        }
        break;
    case EventKind::sync_ends:
        if (same_life) {
            on_sync(i, event.subject);
        }
        break;
    case EventKind::block_ends:
        if (same_life) {
            on_block_end(i, Building{builds_[event.subject]});
        }
        break;
    default:
        break;
    }
}

EpochInfo Simulation::epoch_of(Slot slot)
{
    const Epoch epoch = schedule_.epoch_at(slot);
    return {.number = epoch,
            .first_slot = schedule_.first_slot(epoch),
            .stakes = options_.stakes,
            .schedule = schedule_.windows(epoch)};
}

void Simulation::on_slot(std::size_t i, Slot due)
{
    Machine& machine = machines_[i];
    if (machine.engine && due <= machine.begun) {
        return; // it was moved on already
    }
    // After a pause the clock is where it would have been: slots in between never began here.
    std::uint64_t clock = calendar_.now() - machine.skew_ms - machine.held_ms;
    Slot slot = std::max(due, Slot{clock / options_.slot_ms});
    if (machine.engine && slot >= machine.engine->slot_limit()) {
        slot = Slot{machine.engine->slot_limit().value - 1};
        machine.held_ms += clock - begin_of(slot);
        clock = begin_of(slot);
    }
    schedule(begin_of(slot.next()) - clock, i, EventKind::slot_begins, slot.value + 1);
    if (!machine.engine) {
        return;
    }
    const bool again = slot <= machine.begun; // kept back: what was said is said again
    machine.begun = slot;
    if (schedule_.epoch_at(slot) != machine.epoch) {
        machine.epoch = schedule_.epoch_at(slot);
        feed(i, epoch_of(slot));
    }
    feed(i, Timer{.kind = TimerKind::slot_tick, .slot = slot});
    if (machine.replay_every > 1) { // a leader catches up before it builds
        const bool leads = schedule_.leader_at(slot) == machine.validator;
        const std::uint64_t whole = (slot.value - 1) / machine.replay_every * machine.replay_every;
        machine.replay_to = std::max(machine.replay_to, leads ? slot : Slot{whole});
    }
    give_waiting(i);
    for (const BlockNumber block : machine.wanted) {
        schedule(2 * network_.delay({.from = i, .to = i}, random_), i, EventKind::fetch, block);
    }
    if (again || schedule_.leader_at(slot) != machine.validator || machine.builds_nothing) {
        return;
    }
    const Slot before{slot.value - 1};
    const bool before_held = std::ranges::any_of(
        world_.versions(before), [&](const BlockNumber block) { return holds(i, block); });
    if (before_held) {
        try_build(i, slot);
    } else {
        machine.build_waits = slot;
        schedule(options_.slot_ms / 2, i, EventKind::build_waited, slot.value);
    }
}

void Simulation::move_held_clock(std::size_t i, Slot ended)
{
    Machine& machine = machines_[i];
    const std::uint64_t clock = calendar_.now() - machine.skew_ms - machine.held_ms;
    const std::uint64_t behind = begin_of(ended.next()) - std::min(begin_of(ended.next()), clock);
    if (machine.held_ms == 0 || behind == 0) {
        return;
    }
    machine.held_ms -= std::min(machine.held_ms, behind);
    schedule(0, i, EventKind::slot_begins, ended.value + 1);
}

void Simulation::on_timer(std::size_t i, const Event& event)
{
    const auto armed = machines_[i].timers.find(event.subject);
    if (armed != machines_[i].timers.end() && armed->second == calendar_.now()) {
        machines_[i].timers.erase(armed);
        feed(i, Timer{.kind = TimerKind::patience, .slot = Slot{event.subject}});
    }
}

// ---- Engine and effects -------------------------------------------------------------------------

void Simulation::feed(std::size_t i, const Input& input)
{
    effects_.clear(); // performing one feeds nothing, so one is enough
    Machine& machine = machines_[i];
    const std::uint64_t local =
        calendar_.now() > machine.skew_ms ? calendar_.now() - machine.skew_ms : 0;
    machine.engine->step(Tick{local * ns_per_ms}, input, effects_);
    ++step_count_;
    if (!effects_.list().empty()) {
        perform(i, effects_);
    }
    if (options_.checks_every_step) {
        check_engine(i);
    }
}

void Simulation::check_engine(std::size_t machine)
{
    // Beyond a few machines each is recomputed in every few slots, in turn.
    const std::size_t turns = (machines_.size() + few_machines) / (few_machines + 1);
    if (!alive(machine) || (machine + slot_.value) % turns != 0) {
        return;
    }
    if (const auto why = engine(machine).check()) {
        checker_.broken(fmt::format("{} (node {})", *why, machine));
    }
}

void Simulation::trace_line(std::size_t machine, const std::string& text)
{
    if (trace_lines_ != nullptr) {
        *trace_lines_ += fmt::format("{:>9} {:>3} {}\n", calendar_.now(), machine, text);
    }
}

void Simulation::perform(std::size_t i, const Effects& effects)
{
    for (const Effect& effect : effects.list()) {
        trace(effect.index() << 32 | i);
        std::visit([&](const auto& what) { perform(i, what); }, effect);
    }
}

void Simulation::perform(std::size_t i, const Persist& persist)
{
    Machine& machine = machines_[i];
    machine.disk.append(persist.sequence, persist.record, calendar_.now());
    sync(i);
}

void Simulation::sync(std::size_t i)
{
    Machine& machine = machines_[i];
    if (!machine.syncing && !machine.disk.all_synced()) {
        machine.syncing = true;
        schedule(draw(machine.sync_ms), i, EventKind::sync_ends, machine.disk.records().size());
    }
}

void Simulation::on_sync(std::size_t i, std::size_t record_count)
{
    Machine& machine = machines_[i];
    machine.syncing = false;
    if (record_count <= machine.disk.synced_count()) {
        return;
    }
    for (std::size_t k = machine.disk.synced_count(); k < record_count; ++k) {
        checker_.record_durable(i, machine.disk.records()[k].bytes);
    }
    machine.disk.synced(record_count);
    release(i);
    if (machine.replay_every == 1) {
        on_persist_told(i, record_count);
    } else {
        schedule(until_replayed(machine.replay_every), i, EventKind::persist_told, record_count);
    }
    sync(i);
}

void Simulation::on_persist_told(std::size_t i, std::size_t record_count)
{
    feed(i, Persisted{.upto = machines_[i].disk.records()[record_count - 1].sequence});
}

std::uint64_t Simulation::until_replayed(std::uint64_t slots) const
{
    const std::uint64_t period = slots * options_.slot_ms;
    const std::uint64_t first = begin_of(Slot{1}) + replay_ms;
    const std::uint64_t since = calendar_.now() + period - first % period;
    return period - since % period;
}

void Simulation::perform(std::size_t i, const Send& send)
{
    Machine& machine = machines_[i];
    if (send.kind == StatementKind::tower_vote) {
        check_switch(i, send.body);
    }
    checker_.statement_asked(i, send.kind, send.body);
    const MessageNumber message = sign(machine.validator, send.kind, send.body);
    trace(static_cast<std::uint64_t>(messages_[message].signature.bytes[0]) << 8 |
          messages_[message].signature.bytes[1]);
    if (trace_lines_ != nullptr) {
        trace_line(
            i, fmt::format("send {} after {}", text_of(send.kind, send.body), send.after.value()));
    }
    machine.held.push_back({.after = send.after, .what = message});
    release(i);
}

void Simulation::perform(std::size_t i, const Build& build)
{
    Machine& machine = machines_[i];
    const std::optional<BlockName> last = machine.engine->status().last_vote;
    const std::optional<BlockNumber> voted = last ? world_.find(*last) : std::nullopt;
    const bool holds_vote = voted && holds(i, *voted);
    // A build that comes late, for a slot below where the engine stands, may find no better parent.
    // One that holds a switch proof may stand elsewhere before it votes there.
    const TowerEngine* const tower = options_.engine.tower_of(*machine.engine);
    const bool switches = tower != nullptr && tower->standing_switch();
    if (machine.engine->status().best == build.parent && !switches) {
        checker_.block_asked(i, build.slot, build.parent, holds_vote);
    }
    trace_line(i, fmt::format("build {} on {}", build.slot.value, build.parent.slot.value));
    machine.held.push_back(
        {.after = build.after,
         .what = Building{.slot = build.slot, .parent = world_.number(build.parent)}});
    release(i);
}

void Simulation::perform(std::size_t i, const Commit& commit)
{
    Machine& machine = machines_[i];
    trace(commit.block.slot.value << 8 | static_cast<std::uint64_t>(commit.level));
    trace_line(i, fmt::format("commit level {} slot {}", static_cast<int>(commit.level),
                              commit.block.slot.value));
    checker_.committed(i, commit.level, commit.block);
    const std::optional<BlockNumber> block = world_.find(commit.block);
    if (commit.level != Level::finalized || !block) {
        return;
    }
    if (checker_.honest(i)) {
        for (BlockNumber walk = *block; walk > machine.last_final; walk = world_.get(walk).parent) {
            const std::uint64_t begun = begin_of(world_.get(walk).name.slot);
            measures_.finality_ms.add(calendar_.now() - std::min(begun, calendar_.now()));
        }
    }
    machine.last_final = std::max(machine.last_final, *block);
    if (random_.chance(30)) { // accounts reach the disk in batches, so the ledger lags behind
        machine.ledger_final = *block;
    }
}

void Simulation::perform(std::size_t i, const Want& want_block)
{
    if (const auto block = world_.find(want_block.block)) {
        want(i, *block);
    }
}

void Simulation::perform(std::size_t i, const Arm& arm)
{
    Machine& machine = machines_[i];
    BELFRY_CHECK(arm.timer.kind == TimerKind::patience);
    const std::uint64_t at = (arm.at.value + ns_per_ms - 1) / ns_per_ms + machine.skew_ms;
    const std::uint64_t in_ms = at > calendar_.now() ? at - calendar_.now() : 0;
    const auto slot = static_cast<std::uint32_t>(arm.timer.slot.value);
    machine.timers[slot] = calendar_.now() + in_ms;
    schedule(in_ms, i, EventKind::timer, slot);
}

void Simulation::perform(std::size_t i, const Accuse& accuse)
{
    ++accusation_count_;
    trace_line(i, fmt::format("accuse {} at slot {}", accuse.who.value, accuse.first.slot.value));
    if (checker_.honest(i)) {
        checker_.accused(accuse.who);
    }
}

void Simulation::perform(std::size_t i, const Fault& fault)
{
    ++machines_[i].fault_count;
    trace_line(i, fmt::format("fault {}", static_cast<int>(fault.why)));
}

void Simulation::perform(std::size_t i, const BestFork& best)
{
    trace(best.block.slot.value);
    trace_line(i, fmt::format("stand on {}", best.block.slot.value));
}

void Simulation::perform(std::size_t i, const Purge& purge)
{
    Machine& machine = machines_[i];
    const std::optional<BlockNumber> gone = world_.find(purge.block);
    trace_line(i, fmt::format("purge {}", purge.block.slot.value));
    if (!gone) {
        return;
    }
    for (BlockNumber block = *gone; block < machine.ledger.size(); ++block) {
        if (block < world_.count() && world_.descends(block, *gone)) {
            machine.ledger[block] = Presence::none;
            machine.waiting.erase(block);
        }
    }
}

void Simulation::check_switch(std::size_t i, ByteView vote_body)
{
    const TowerEngine* const tower = options_.engine.tower_of(*machines_[i].engine);
    if (tower != nullptr) {
        checker_.fork_chosen(i, vote_body, tower->last_switch());
    }
}

void Simulation::release(std::size_t i)
{
    Machine& machine = machines_[i];
    const bool no_wait = options_.defects.sends_before_persist || options_.defects.syncs_nothing;
    const std::optional<JournalSequence> durable = machine.disk.synced_upto();
    std::vector<Held> free;
    std::erase_if(machine.held, [&](const Held& held) {
        const bool block_waits =
            std::holds_alternative<Building>(held.what) && !options_.defects.builds_before_persist;
        const bool may_go = (durable && held.after <= *durable) || (no_wait && !block_waits) ||
                            (options_.defects.builds_before_persist && !block_waits &&
                             std::holds_alternative<Building>(held.what));
        if (may_go) {
            free.push_back(held);
        }
        return may_go;
    });
    for (const Held& held : free) {
        release_one(i, held);
    }
}

void Simulation::release_one(std::size_t i, const Held& held)
{
    Machine& machine = machines_[i];
    if (const auto* message = std::get_if<MessageNumber>(&held.what)) {
        const Disk& disk = machine.disk;
        const std::optional<JournalSequence> durable = disk.synced_upto();
        ByteView record;
        if (durable && held.after <= *durable) {
            const std::uint64_t back = durable->value() - held.after.value();
            record = disk.records()[disk.synced_count() - 1 - back].bytes;
        }
        const Message& body = messages_[*message];
        checker_.statement_sent(
            i, {.kind = body.kind, .body = body.body, .after = held.after, .record = record});
        ++machine.vote_count;
        say(i, *message);
        return;
    }
    const Building& build = std::get<Building>(held.what);
    const std::optional<JournalSequence> durable = machine.disk.synced_upto();
    checker_.block_begun(i, build.slot, durable && held.after <= *durable);
    if (!machine.roles.silent) {
        for (std::size_t to = 0; to < machines_.size(); ++to) {
            const Network::Link link{.from = i, .to = to};
            if (to != i && !network_.is_cut(link, Payload::block)) {
                schedule(network_.delay(link, random_), to, EventKind::first_shred,
                         build.slot.value);
            }
        }
    }
    builds_.push_back(build);
    const std::uint64_t end = begin_of(build.slot.next()) + machines_[i].held_ms - 1;
    schedule(end > calendar_.now() ? end - calendar_.now() : 0, i, EventKind::block_ends,
             builds_.size() - 1);
}

std::uint64_t Simulation::trace_hash() const
{
    std::uint64_t hash = trace_;
    for (const Machine& machine : machines_) {
        hash = Random(hash ^ (machine.engine ? machine.engine->digest() : 0)).next();
    }
    return hash;
}

} // namespace belfry::consensus::sim
