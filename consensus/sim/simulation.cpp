// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/simulation.hpp"

#include "base/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace belfry::consensus::sim {

namespace {

constexpr std::uint64_t ns_per_ms = 1'000'000;
constexpr unsigned ancestors_per_answer = 32;

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

Hash state_hash_of(const BlockName& block)
{
    Hash hash = block.id; // every machine replays alike
    std::ranges::reverse(hash.bytes);
    return hash;
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
    , machines_(options.stakes.size() + options.twins.size())
    , checker_(world_, machines_.size())
{
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        Machine& machine = machines_[i];
        const std::size_t first = options.stakes.size();
        machine.validator =
            i < first ? ValidatorIndex{static_cast<std::uint16_t>(i)} : options.twins[i - first];
        machine.ledger_final = world_.genesis();
        machine.sync_ms = options.sync_ms;
        machine.skew_ms = random_.below(options.skew_ms + 1);
        if (std::ranges::count(options.twins, machine.validator) != 0) {
            checker_.excuse(i);
        }
        start(i);
    }
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        schedule(options_.slot_ms + machines_[i].skew_ms, i, SlotBegins{.slot = Slot{1}});
    }
}

// ---- Hours and chance ---------------------------------------------------------------------------

Instant Simulation::begin_of(Slot slot) const
{
    return Instant{slot.value * options_.slot_ms};
}

std::uint64_t Simulation::draw(const Range& range)
{
    return random_.between(range.low, range.high);
}

void Simulation::trace(std::uint64_t value)
{
    trace_ = Random(trace_ ^ value).next();
}

bool Simulation::reaches(std::size_t from, std::size_t to)
{
    return machines_[from].group == machines_[to].group && !random_.chance(options_.loss_percent);
}

void Simulation::schedule(std::uint64_t in_ms, std::size_t instance, const What& what)
{
    events_.push_back({.at = Instant{now_.value + in_ms},
                       .order = order_++,
                       .instance = instance,
                       .life = machines_[instance].life,
                       .what = what});
    std::ranges::push_heap(events_, [](const Event& a, const Event& b) {
        return std::pair{a.at, a.order} > std::pair{b.at, b.order};
    });
}

void Simulation::run_to(Slot slot)
{
    const Instant end{begin_of(slot).value + options_.skew_ms};
    while (!events_.empty() && events_.front().at <= end) {
        std::ranges::pop_heap(events_, [](const Event& a, const Event& b) {
            return std::pair{a.at, a.order} > std::pair{b.at, b.order};
        });
        const Event event = events_.back();
        events_.pop_back();
        now_ = event.at;
        std::visit(
            [&](const auto& what) {
                using T = std::decay_t<decltype(what)>;
                constexpr bool never_dies = std::is_same_v<T, SlotBegins>;
                constexpr bool dies_with_machine = std::is_same_v<T, PatienceEnds> ||
                                                   std::is_same_v<T, SyncEnds> ||
                                                   std::is_same_v<T, BlockEnds>;
                const bool same_life = event.life == machines_[event.instance].life;
                if (never_dies || (alive(event.instance) && (!dies_with_machine || same_life))) {
                    on(event.instance, what);
                }
            },
            event.what);
    }
    slot_ = slot;
    check_engines();
}

void Simulation::check_engines()
{
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        if (alive(i)) {
            if (const auto why = engine(i).check()) {
                checker_.broken(fmt::format("{} (node {})", *why, i));
            }
        }
    }
}

// ---- Machines -----------------------------------------------------------------------------------

bool Simulation::alive(std::size_t instance) const
{
    return machines_[instance].engine != nullptr;
}

const TowerEngine& Simulation::engine(std::size_t instance) const
{
    BELFRY_CHECK(alive(instance));
    return *machines_[instance].engine;
}

Slot Simulation::confirmed(std::size_t instance) const
{
    return engine(instance).status().confirmed.slot;
}

Slot Simulation::finalized(std::size_t instance) const
{
    return engine(instance).status().finalized.slot;
}

std::uint64_t Simulation::votes_sent(std::size_t instance) const
{
    return machines_[instance].vote_count;
}

void Simulation::start(std::size_t instance)
{
    Machine& machine = machines_[instance];
    TowerConfig config{.self = machine.validator,
                       .finalized = machine.ledger_final,
                       .may_sign = true,
                       .defects = options_.defects};
    for (BlockName block = machine.ledger_final; block != world_.genesis();
         block = world_.get(block).parent) {
        config.final_chain.push_back(block);
    }
    config.final_chain.push_back(world_.genesis());
    std::ranges::reverse(config.final_chain);
    machine.engine = std::make_unique<TowerEngine>(config);
    for (const Record& record : machine.journal) {
        const JournalRecord shown{.sequence = record.sequence, .bytes = record.bytes};
        const auto done = machine.engine->restore({&shown, 1});
        if (!done) {
            checker_.broken(fmt::format("T-S4 node {} cannot read its journal", instance));
        }
    }
    checker_.restarted(instance, machine.engine->status().last_vote);
    const Slot next = slot_.next();
    const Epoch epoch = schedule_.epoch_at(next);
    feed(instance, EpochInfo{.number = epoch,
                             .first_slot = schedule_.first_slot(epoch),
                             .stakes = options_.stakes,
                             .schedule = schedule_.windows(epoch)});
    const std::set<BlockName> stored = std::exchange(machine.ledger, {machine.ledger_final});
    for (const BlockName& block : stored) { // in order of slot: parents first
        if (block.slot <= machine.ledger_final.slot) {
            machine.ledger.insert(block); // kept to serve others
        } else {
            take_block(instance, block);
        }
    }
}

void Simulation::crash(std::size_t instance)
{
    Machine& machine = machines_[instance];
    if (!alive(instance)) {
        return;
    }
    machine.engine.reset();
    ++machine.life;
    // Of what was written but not synced, any first part may have reached the disk.
    const std::size_t unsynced = machine.journal.size() - machine.synced_count;
    const std::size_t kept = machine.synced_count + random_.below(unsynced + 1);
    for (std::size_t i = machine.synced_count; i < kept; ++i) {
        checker_.record_durable(instance, machine.journal[i].bytes);
    }
    machine.journal.erase(machine.journal.begin() + static_cast<std::ptrdiff_t>(kept),
                          machine.journal.end());
    machine.synced_count = kept;
    machine.syncing = false;
    machine.held.clear();
    machine.waiting.clear();
    machine.wanted.clear();
    machine.build_waits.reset();
    machine.withheld_message.reset();
    trace(instance);
}

void Simulation::restart(std::size_t instance)
{
    if (!alive(instance)) {
        start(instance);
    }
}

void Simulation::split(std::span<const unsigned> groups)
{
    BELFRY_CHECK(groups.size() == machines_.size());
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        machines_[i].group = groups[i];
    }
}

void Simulation::heal()
{
    for (Machine& machine : machines_) {
        machine.group = 0;
    }
}

void Simulation::withhold_votes(std::size_t instance, bool withheld)
{
    Machine& machine = machines_[instance];
    machine.votes_withheld = withheld;
    const std::optional<std::size_t> message = machine.withheld_message;
    if (!withheld && message) {
        machine.withheld_message.reset();
        send_vote(instance, *message);
    }
}

void Simulation::stop_building(std::size_t instance, bool stopped)
{
    machines_[instance].builds_nothing = stopped;
}

// ---- Engine and effects -------------------------------------------------------------------------

void Simulation::feed(std::size_t instance, const Input& input)
{
    effects_.clear(); // performing one feeds nothing, so one is enough
    machines_[instance].engine->step(Tick{now_.value * ns_per_ms}, input, effects_);
    ++step_count_;
    perform(instance, effects_);
}

void Simulation::perform(std::size_t instance, const Effects& effects)
{
    for (const Effect& effect : effects.list()) {
        trace(effect.index() << 32 | instance);
        std::visit(
            [&](const auto& what) {
                using T = std::decay_t<decltype(what)>;
                if constexpr (std::is_same_v<T, Want>) {
                    want(instance, what.block);
                } else if constexpr (std::is_same_v<T, Accuse>) {
                    ++accusation_count_;
                } else if constexpr (!std::is_same_v<T, BestFork> && !std::is_same_v<T, Fault> &&
                                     !std::is_same_v<T, Relay> && !std::is_same_v<T, Arm> &&
                                     !std::is_same_v<T, Certified> && !std::is_same_v<T, Expose> &&
                                     !std::is_same_v<T, Purge>) {
                    perform(instance, what);
                }
            },
            effect);
    }
}

void Simulation::perform(std::size_t instance, const Persist& persist)
{
    machines_[instance].journal.push_back(
        {.sequence = persist.sequence, .bytes = {persist.record.begin(), persist.record.end()}});
    checker_.record_written(instance, persist.record);
    sync(instance);
}

void Simulation::sync(std::size_t instance)
{
    Machine& machine = machines_[instance];
    if (!machine.syncing && machine.synced_count < machine.journal.size()) {
        machine.syncing = true;
        schedule(draw(machine.sync_ms), instance, SyncEnds{.record_count = machine.journal.size()});
    }
}

void Simulation::on(std::size_t instance, const SyncEnds& event)
{
    Machine& machine = machines_[instance];
    machine.syncing = false;
    for (std::size_t i = machine.synced_count; i < event.record_count; ++i) {
        checker_.record_durable(instance, machine.journal[i].bytes);
    }
    machine.synced_count = event.record_count;
    release(instance);
    feed(instance, Persisted{.upto = machine.journal[event.record_count - 1].sequence});
    sync(instance);
}

void Simulation::perform(std::size_t instance, const Send& send)
{
    Machine& machine = machines_[instance];
    messages_.push_back({.from = machine.validator, .body = {send.body.begin(), send.body.end()}});
    machine.held.push_back({.after = send.after, .what = messages_.size() - 1});
    release(instance);
}

void Simulation::perform(std::size_t instance, const Build& build)
{
    Machine& machine = machines_[instance];
    const std::optional<BlockName> last = machine.engine->status().last_vote;
    const bool holds_vote =
        last.has_value() && machine.ledger.contains(*last) && !machine.engine->standing_switch();
    checker_.block_asked(instance, build.slot, build.parent, holds_vote);
    machine.held.push_back({.after = build.after, .what = build});
    release(instance);
}

void Simulation::perform(std::size_t instance, const Commit& commit)
{
    Machine& machine = machines_[instance];
    trace(commit.block.slot.value << 8 | static_cast<std::uint64_t>(commit.level));
    if (commit.level != Level::finalized) {
        return;
    }
    checker_.finalized(instance, commit.block);
    if (random_.chance(30)) { // accounts reach the disk in batches, so the ledger lags behind
        machine.ledger_final = commit.block;
    }
}

void Simulation::release(std::size_t instance)
{
    Machine& machine = machines_[instance];
    const auto durable = [&](const Held& held) {
        return options_.sends_before_persist ||
               (machine.synced_count > 0 &&
                held.after <= machine.journal[machine.synced_count - 1].sequence);
    };
    while (!machine.held.empty() && durable(machine.held.front())) {
        const Held held = machine.held.front();
        machine.held.erase(machine.held.begin());
        release_one(instance, held);
    }
}

void Simulation::release_one(std::size_t instance, const Held& held)
{
    Machine& machine = machines_[instance];
    if (const auto* message = std::get_if<std::size_t>(&held.what)) {
        if (machine.votes_withheld) {
            machine.withheld_message = *message;
        } else {
            send_vote(instance, *message);
        }
        return;
    }
    const Build& build = std::get<Build>(held.what);
    checker_.block_begun(instance, build.slot);
    const std::uint64_t end = begin_of(build.slot.next()).value - 1;
    schedule(end > now_.value ? end - now_.value : 0, instance, BlockEnds{.what = build});
}

void Simulation::send_vote(std::size_t instance, std::size_t message)
{
    checker_.vote_sent(instance, messages_[message].body);
    ++machines_[instance].vote_count;
    for (std::size_t to = 0; to < machines_.size(); ++to) {
        if (to == instance || machines_[to].validator == machines_[instance].validator) {
            continue; // a machine does not hear its own key: that would stop it
        }
        const unsigned copies = random_.chance(options_.duplicate_percent) ? 2 : 1;
        for (unsigned copy = 0; copy < copies; ++copy) {
            if (reaches(instance, to)) {
                schedule(draw(options_.delay_ms), to, VoteArrives{.message = message});
            }
        }
    }
}

void Simulation::on(std::size_t instance, const VoteArrives& event)
{
    const Message& message = messages_[event.message];
    feed(instance, VoteMessage{.from = message.from, .body = message.body});
}

// ---- Blocks -------------------------------------------------------------------------------------

void Simulation::on(std::size_t instance, const SlotBegins& event)
{
    Machine& machine = machines_[instance];
    schedule(options_.slot_ms, instance, SlotBegins{.slot = event.slot.next()});
    if (!alive(instance)) {
        return;
    }
    const Epoch epoch = schedule_.epoch_at(event.slot);
    if (schedule_.first_slot(epoch) == event.slot) {
        feed(instance, EpochInfo{.number = epoch,
                                 .first_slot = event.slot,
                                 .stakes = options_.stakes,
                                 .schedule = schedule_.windows(epoch)});
    }
    feed(instance, Timer{.kind = TimerKind::slot_tick, .slot = event.slot});
    give_waiting(instance);
    for (const BlockName& block : machine.wanted) {
        schedule(2 * draw(options_.delay_ms), instance, Fetch{.block = block});
    }
    if (schedule_.leader_at(event.slot) != machine.validator || machine.builds_nothing) {
        return;
    }
    const bool before_held = std::ranges::any_of(
        machine.ledger, [&](const BlockName& block) { return block.slot.next() == event.slot; });
    if (before_held) {
        try_build(instance, event.slot);
    } else {
        machine.build_waits = event.slot;
        schedule(options_.slot_ms / 2, instance, PatienceEnds{.slot = event.slot});
    }
}

void Simulation::on(std::size_t instance, const PatienceEnds& event)
{
    if (machines_[instance].build_waits == event.slot) {
        try_build(instance, event.slot);
    }
}

void Simulation::try_build(std::size_t instance, Slot slot)
{
    machines_[instance].build_waits.reset();
    feed(instance, Timer{.kind = TimerKind::build, .slot = slot});
}

void Simulation::on(std::size_t instance, const BlockEnds& event)
{
    // Twins make different blocks of one slot: the machine's number is part of the id.
    const BlockName name =
        world_.make(event.what.slot, event.what.parent, machines_[instance].validator, instance)
            .name;
    take_block(instance, name);
    for (std::size_t to = 0; to < machines_.size(); ++to) {
        if (to != instance && reaches(instance, to)) {
            schedule(draw(options_.delay_ms), to, BlockArrives{.block = name});
        }
    }
}

void Simulation::on(std::size_t instance, const BlockArrives& event)
{
    take_block(instance, event.block);
}

void Simulation::take_block(std::size_t instance, const BlockName& block)
{
    Machine& machine = machines_[instance];
    machine.wanted.erase(block);
    if (machine.ledger.contains(block) || block.slot <= finalized(instance)) {
        return;
    }
    const BlockName parent = world_.get(block).parent;
    if (!machine.ledger.contains(parent) || block.slot >= machine.engine->window_end()) {
        machine.waiting.insert(block);
        if (!machine.ledger.contains(parent) && !machine.waiting.contains(parent)) {
            want(instance, parent);
        }
        return;
    }
    machine.waiting.erase(block);
    machine.ledger.insert(block);
    feed(instance, Ready{.block = block,
                         .parent = parent,
                         .validity = Validity::valid,
                         .state_hash = state_hash_of(block),
                         .author = world_.get(block).author});
    if (machine.build_waits && block.slot.next() == *machine.build_waits) {
        try_build(instance, *machine.build_waits);
    }
    give_waiting(instance);
}

void Simulation::give_waiting(std::size_t instance)
{
    Machine& machine = machines_[instance];
    const Slot final_slot = finalized(instance);
    std::erase_if(machine.waiting,
                  [&](const BlockName& block) { return block.slot <= final_slot; });
    std::erase_if(machine.wanted, [&](const BlockName& block) { return block.slot <= final_slot; });
    for (const BlockName& block : machine.waiting) {
        if (machine.ledger.contains(world_.get(block).parent) &&
            block.slot < machine.engine->window_end()) {
            take_block(instance, BlockName{block}); // comes back here for the next one
            return;
        }
    }
}

void Simulation::want(std::size_t instance, const BlockName& block)
{
    Machine& machine = machines_[instance];
    if (block.slot > finalized(instance) && !machine.ledger.contains(block) &&
        machine.wanted.insert(block).second) {
        schedule(2 * draw(options_.delay_ms), instance, Fetch{.block = block});
    }
}

void Simulation::on(std::size_t instance, const Fetch& event)
{
    if (!machines_[instance].wanted.contains(event.block)) {
        return;
    }
    for (std::size_t peer = 0; peer < machines_.size(); ++peer) {
        if (peer != instance && alive(peer) && machines_[peer].ledger.contains(event.block) &&
            reaches(peer, instance)) {
            // Like a repair answer for an orphan: the block with some of its ancestors.
            BlockName block = event.block;
            for (unsigned i = 0; i < ancestors_per_answer; ++i) {
                take_block(instance, block);
                block = world_.get(block).parent;
            }
            return;
        }
    }
}

} // namespace belfry::consensus::sim
