// SPDX-License-Identifier: Apache-2.0
// The machines of a simulation: how one starts, dies, comes back, and what can be done to it.
#include "base/check.hpp"
#include "consensus/sim/simulation.hpp"

#include <algorithm>
#include <utility>

namespace belfry::consensus::sim {

const Engine& Simulation::engine(std::size_t machine) const
{
    BELFRY_CHECK(alive(machine));
    return *machines_[machine].engine;
}

Slot Simulation::confirmed(std::size_t machine) const
{
    return engine(machine).status().confirmed.slot;
}

Slot Simulation::finalized(std::size_t machine) const
{
    return engine(machine).status().finalized.slot;
}

void Simulation::start(std::size_t i)
{
    Machine& machine = machines_[i];
    EngineStart how{.self = machine.validator,
                    .finalized = world_.get(machine.ledger_final).name,
                    .final_chain = {},
                    .hard_fork = machine.hard_fork};
    for (const auto& [slot, proof] : machine.duplicates) {
        if (slot > how.finalized.slot) {
            how.duplicate_slots.push_back(slot);
        }
    }
    for (BlockNumber block = machine.ledger_final; block != 0; block = world_.get(block).parent) {
        how.final_chain.push_back(world_.get(block).name);
    }
    how.final_chain.push_back(world_.genesis());
    std::ranges::reverse(how.final_chain);
    machine.engine = options_.engine.make(how);
    for (const Disk::Record& record : machine.disk.records()) {
        const JournalRecord shown{.sequence = record.sequence, .bytes = record.bytes};
        const auto done = machine.engine->restore({&shown, 1});
        if (!done) { // such a node follows and signs nothing
            how.may_sign = false;
            machine.engine = options_.engine.make(how);
            break;
        }
        checker_.record_durable(i, record.bytes); // the crash may have kept what was not synced
    }
    if (how.may_sign) {
        checker_.restarted(i, machine.engine->status());
    }
    machine.epoch = schedule_.epoch_at(slot_.next());
    machine.begun = Slot{};
    feed(i, epoch_of(slot_.next()));
    const std::vector<Presence> stored = std::exchange(machine.ledger, {});
    presence(i, 0) = Presence::held;
    for (BlockNumber block = 1; block < stored.size(); ++block) { // parents first
        if (stored[block] != Presence::held) {
            continue;
        }
        if (world_.get(block).name.slot <= world_.get(machine.ledger_final).name.slot) {
            presence(i, block) = Presence::held; // kept to serve others
        } else {
            take_block(i, block);
        }
    }
}

void Simulation::crash(std::size_t i)
{
    Machine& machine = machines_[i];
    if (!machine.engine) {
        return;
    }
    machine.engine.reset();
    ++machine.life;
    trace(machine.disk.crash(calendar_.now(), options_.defects, random_) << 16 | i);
    machine.syncing = false;
    for (const Held& held : machine.held) {
        if (const auto* message = std::get_if<MessageNumber>(&held.what)) {
            unuse(*message);
        }
    }
    machine.held.clear();
    for (const MessageNumber message : std::exchange(machine.withheld, {})) {
        unuse(message);
    }
    machine.waiting.clear();
    machine.wanted.clear();
    machine.timers.clear();
    machine.build_waits.reset();
    machine.paused_to = 0;
}

void Simulation::restart(std::size_t machine)
{
    if (!alive(machine)) {
        start(machine);
    }
}

void Simulation::pause(std::size_t machine, std::uint64_t ms)
{
    machines_.at(machine).paused_to = calendar_.now() + ms;
}

void Simulation::stop_building(std::size_t machine, bool stopped)
{
    machines_.at(machine).builds_nothing = stopped;
}

void Simulation::replay_every(std::size_t machine, std::uint64_t slots)
{
    BELFRY_CHECK(slots > 0);
    machines_.at(machine).replay_every = slots;
    give_waiting(machine);
}

void Simulation::hard_fork(std::size_t i, Slot slot)
{
    Machine& machine = machines_.at(i);
    crash(i);
    for (BlockNumber block = 1; block < machine.ledger.size() && block < world_.count(); ++block) {
        if (world_.get(block).name.slot > slot) {
            machine.ledger[block] = Presence::none;
        }
    }
    BELFRY_CHECK(world_.get(machine.ledger_final).name.slot <= slot);
    machine.hard_fork = slot;
    checker_.hard_forked(i, slot);
    start(i);
}

void Simulation::set_roles(std::size_t machine, const Roles& roles)
{
    machines_.at(machine).roles = roles;
    if (roles.any()) {
        checker_.excuse(machine);
    }
}

void Simulation::damage_journal(std::size_t machine, bool whole_file)
{
    BELFRY_CHECK(!alive(machine));
    Disk& disk = machines_[machine].disk;
    if (whole_file) {
        disk.lose_file_before_newest();
    } else {
        disk.lose_one(disk.records().size() / 2);
    }
}

std::uint64_t Simulation::roots_rolled_back(std::size_t machine) const
{
    const TowerEngine* const tower =
        alive(machine) ? options_.engine.tower_of(*machines_[machine].engine) : nullptr;
    return tower == nullptr ? 0 : tower->counters().roots_rolled_back;
}

} // namespace belfry::consensus::sim
