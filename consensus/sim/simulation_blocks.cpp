// SPDX-License-Identifier: Apache-2.0
// Blocks in a simulation: who builds one, how it spreads, what is asked for again.
#include "base/check.hpp"
#include "consensus/sim/simulation.hpp"

#include <algorithm>

namespace belfry::consensus::sim {

namespace {

constexpr unsigned ancestors_per_answer = 32;
constexpr std::uint64_t second_version = 100'000; // apart from all numbers of machines

Hash state_hash_of(const BlockName& block)
{
    Hash hash = block.id; // every machine replays alike
    std::ranges::reverse(hash.bytes);
    return hash;
}

} // namespace

Simulation::Presence& Simulation::presence(std::size_t machine, BlockNumber block)
{
    std::vector<Presence>& ledger = machines_[machine].ledger;
    if (ledger.size() <= block) {
        ledger.resize(block + 64);
    }
    return ledger[block];
}

bool Simulation::holds(std::size_t machine, BlockNumber block) const
{
    const std::vector<Presence>& ledger = machines_[machine].ledger;
    return block < ledger.size() && ledger[block] == Presence::held;
}

// ---- Made and spread ----------------------------------------------------------------------------

void Simulation::try_build(std::size_t i, Slot slot)
{
    machines_[i].build_waits.reset();
    feed(i, Timer{.kind = TimerKind::build, .slot = slot});
}

void Simulation::on_block_end(std::size_t i, const Building& build)
{
    Machine& machine = machines_[i];
    // Twins make different blocks of one slot: the machine's number is part of the id.
    const BlockNumber block = world_.make(build.slot, build.parent, machine.validator, i);
    ++measures_.blocks_made;
    trace(world_.get(block).name.id.bytes[0]);
    std::optional<BlockNumber> other;
    if (machine.roles.equivocates && random_.chance(70)) {
        other = world_.make(build.slot, build.parent, machine.validator, second_version + i);
    }
    take_block(i, block);
    if (!machine.roles.silent) {
        spread_block(i, block, other);
    }
}

void Simulation::spread_block(std::size_t i, BlockNumber block, std::optional<BlockNumber> other)
{
    const bool late = machines_[i].roles.late_blocks;
    for (std::size_t to = 0; to < machines_.size(); ++to) {
        if (to == i || (late && random_.chance(33))) {
            continue;
        }
        const BlockNumber sent = other && random_.chance(50) ? *other : block;
        const Network::Link link{.from = i, .to = to};
        const Network::Fate fate = network_.send(link, Payload::block, calendar_.now(), random_);
        if (fate.copies == 0) {
            continue;
        }
        if (fate.held) {
            kept_.push_back({.link = link, .kind = EventKind::block, .subject = sent});
            continue;
        }
        std::uint64_t in_ms = fate.in_ms[0] + (late ? random_.below(options_.slot_ms) : 0);
        std::uint64_t rounds = 0; // of asking for lost sets, all at once
        for (std::uint64_t set = 0; set < options_.set_loss.sets_per_block; ++set) {
            if (random_.below(1'000'000) >= options_.set_loss.lost_ppm) {
                continue;
            }
            std::uint64_t tries = 1;
            while (random_.chance(options_.set_loss.repair_fails_percent)) {
                ++tries;
            }
            rounds = std::max(rounds, tries);
        }
        for (std::uint64_t round = 0; round < rounds; ++round) {
            in_ms += network_.delay(link, random_);
            in_ms += network_.delay({.from = to, .to = i}, random_);
        }
        measures_.blocks_repaired += rounds > 0 ? 1 : 0;
        schedule(in_ms, to, EventKind::block, sent);
    }
}

// ---- Received -----------------------------------------------------------------------------------

void Simulation::take_block(std::size_t i, BlockNumber block)
{
    Machine& machine = machines_[i];
    machine.wanted.erase(block);
    const BlockWorld::Block made = world_.get(block);
    if (holds(i, block) || made.name.slot <= finalized(i)) {
        return;
    }
    if (machine.replay_every > 1 && made.name.slot.value % machine.replay_every == 0) {
        machine.replay_to = std::max(machine.replay_to, made.name.slot);
    }
    const bool too_early = machine.replay_every > 1 && made.name.slot > machine.replay_to;
    const bool has_parent = holds(i, made.parent);
    if (!has_parent || too_early || made.name.slot >= machine.engine->window_end()) {
        machine.waiting.insert(block);
        presence(i, block) = Presence::waiting;
        if (!has_parent && presence(i, made.parent) != Presence::waiting) {
            want(i, made.parent);
        }
        return;
    }
    machine.waiting.erase(block);
    presence(i, block) = Presence::held;
    feed(i, Ready{.block = made.name,
                  .parent = world_.get(made.parent).name,
                  .validity = Validity::valid,
                  .state_hash = state_hash_of(made.name),
                  .author = made.author});
    see_versions(i, made.name.slot);
    move_held_clock(i, made.name.slot);
    if (machine.build_waits && made.name.slot.next() == *machine.build_waits) {
        try_build(i, *machine.build_waits);
    }
    give_waiting(i);
}

void Simulation::give_waiting(std::size_t i)
{
    Machine& machine = machines_[i];
    if (machine.waiting.empty() && machine.wanted.empty()) {
        return;
    }
    const Slot final_slot = finalized(i);
    const auto is_over = [&](BlockNumber block) {
        return world_.get(block).name.slot <= final_slot;
    };
    std::erase_if(machine.waiting, is_over);
    std::erase_if(machine.wanted, is_over);
    for (const BlockNumber block : machine.waiting) {
        const BlockWorld::Block& made = world_.get(block);
        const bool too_early = machine.replay_every > 1 && made.name.slot > machine.replay_to;
        if (holds(i, made.parent) && !too_early && made.name.slot < machine.engine->window_end()) {
            take_block(i, block); // comes back here for the next one
            return;
        }
    }
}

void Simulation::want(std::size_t i, BlockNumber block)
{
    Machine& machine = machines_[i];
    if (world_.get(block).name.slot > finalized(i) && !holds(i, block) &&
        machine.wanted.insert(block).second) {
        schedule(2 * network_.delay({.from = i, .to = i}, random_), i, EventKind::fetch, block);
    }
}

void Simulation::on_fetch(std::size_t i, BlockNumber block)
{
    if (!machines_[i].wanted.contains(block)) {
        return;
    }
    const std::size_t first = random_.below(machines_.size());
    for (std::size_t k = 0; k < machines_.size(); ++k) {
        const std::size_t peer = (first + k) % machines_.size();
        const Network::Link back{.from = peer, .to = i};
        const bool can = peer != i && alive(peer) && holds(peer, block) &&
                         !network_.is_cut({.from = i, .to = peer}, Payload::block);
        if (!can || network_.is_held(back, Payload::block)) {
            continue;
        }
        const Roles& roles = machines_[peer].roles;
        if (roles.lies_in_repair || roles.silent) {
            return; // what came was not the block asked for; asked again in the next slot
        }
        if (network_.send(back, Payload::block, calendar_.now(), random_).copies == 0) {
            continue;
        }
        ++measures_.blocks_repaired;
        BlockNumber walk = block; // like an answer for an orphan: with some of its ancestors
        for (unsigned n = 0; n < ancestors_per_answer && alive(i); ++n) {
            take_block(i, walk);
            walk = world_.get(walk).parent;
        }
        return;
    }
}

// ---- Two blocks in a slot -----------------------------------------------------------------------

void Simulation::see_versions(std::size_t i, Slot slot)
{
    Machine& machine = machines_[i];
    const std::span<const BlockNumber> versions = world_.versions(slot);
    if (versions.size() < 2 || machine.duplicates.contains(slot)) {
        return;
    }
    std::vector<BlockNumber> seen;
    for (const BlockNumber block : versions) {
        if (presence(i, block) == Presence::held || presence(i, block) == Presence::waiting) {
            seen.push_back(block);
        }
    }
    if (seen.size() < 2) {
        return;
    }
    duplications_.push_back({.slot = slot, .first = seen[0], .second = seen[1]});
    const auto proof = static_cast<std::uint32_t>(duplications_.size() - 1);
    learn_duplicate(i, proof);
}

void Simulation::learn_duplicate(std::size_t i, std::uint32_t proof)
{
    Machine& machine = machines_[i];
    const Duplication known = duplications_[proof];
    if (!machine.duplicates.emplace(known.slot, proof).second) {
        return;
    }
    checker_.duplicate_known(i, known.slot);
    feed(i, Duplicate{.slot = known.slot,
                      .first = world_.get(known.first).name.id,
                      .second = world_.get(known.second).name.id});
    for (std::size_t to = 0; to < machines_.size(); ++to) { // gossiped once by everyone
        const Network::Fate fate =
            network_.send({.from = i, .to = to}, Payload::statement, calendar_.now(), random_);
        if (to != i && fate.copies > 0 && !fate.held &&
            !machines_[to].duplicates.contains(known.slot)) {
            schedule(fate.in_ms[0], to, EventKind::duplicate, proof);
        }
    }
}

} // namespace belfry::consensus::sim
