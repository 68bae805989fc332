// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/seed_run.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace belfry::consensus::sim {

namespace {

constexpr std::uint64_t slots_to_progress_max = 256 + 32;
constexpr std::uint64_t slots_after_trouble = 64; // when no progress is demanded
constexpr std::size_t checked_every_step_max = 7;

bool all_finalised_above(const Simulation& simulation, const std::vector<std::size_t>& machines,
                         Slot slot)
{
    return std::ranges::all_of(machines,
                               [&](const std::size_t i) { return simulation.finalized(i) > slot; });
}

bool all_voted_above(const Simulation& simulation, const std::vector<std::size_t>& machines,
                     std::uint64_t slot)
{
    return std::ranges::all_of(machines, [&](const std::size_t i) {
        const EngineStatus status = simulation.engine(i).status();
        return !status.may_sign || (status.last_vote && status.last_vote->slot > Slot{slot});
    });
}

void tell_where_they_stand(const Simulation& simulation, const std::vector<std::size_t>& core,
                           std::vector<std::string>& out)
{
    for (const std::size_t i : core) {
        const EngineStatus status = simulation.engine(i).status();
        out.push_back(fmt::format(
            "no progress: node {} (stake {}) stands on slot {} (block {:02x}), voted {}, depth {}, "
            "confirmed {}, rooted {}, final {}{}",
            i, simulation.stakes().stake(simulation.validator(i)).value, status.best.slot.value,
            status.best.id.bytes[0], status.last_vote ? status.last_vote->slot.value : 0,
            status.tower_depth, status.confirmed.slot.value, status.rooted.slot.value,
            status.finalized.slot.value, status.may_sign ? "" : ", signs nothing"));
    }
}

SimulationOptions machines_of(const SeedOptions& options, const TroublePlan& plan)
{
    SimulationOptions machines{.seed = options.seed,
                               .stakes = plan.stakes,
                               .twins = plan.twins,
                               .engine = options.engine,
                               .sync_ms = plan.sync_ms,
                               .skew_ms = plan.skew_ms,
                               .defects = options.defects};
    machines.network.regions = true;
    machines.network.duplicate_percent = plan.duplicate_percent;
    machines.network.tail_ms = plan.tail_ms;
    machines.checks_every_step = options.validator_count <= checked_every_step_max;
    return machines;
}

} // namespace

std::string_view name_of(Outcome outcome)
{
    switch (outcome) {
    case Outcome::pass:
        return "pass";
    case Outcome::no_progress:
        return "no progress";
    case Outcome::diverged:
        break;
    }
    return "diverged";
}

SeedResult run_seed(const SeedOptions& options)
{
    const TroubleOptions drawn{.seed = options.seed,
                               .validator_count = options.validator_count,
                               .allowed = options.faults};
    const TroublePlan plan = draw_plan(drawn);
    Simulation simulation(machines_of(options, plan));
    simulation.set_trace(options.trace_lines);
    simulation.unwatch(options.unwatched_rule);
    Trouble trouble(drawn, plan, simulation);
    for (std::size_t i = 0; i < std::min(options.silent_count, options.validator_count); ++i) {
        simulation.set_roles(options.validator_count - 1 - i, Roles{.silent = true});
    }
    const auto broken = [&] {
        return !simulation.checker().violations().empty();
    };
    std::uint64_t slot = 0;
    while (slot < options.slots && !broken()) {
        trouble.before(++slot);
        simulation.run_to(Slot{slot});
    }
    SeedResult result;
    result.plan = plan.text();
    // Liars can leave Tower alone without any way on: see EngineChoice.
    const bool demanded =
        options.engine.needs_only_the_core || !plan.active.has(FaultKind::byzantine);
    bool progress = true;
    if (!broken()) {
        trouble.end(options.engine.needs_only_the_core);
        const Slot before = simulation.checker().newest_final().slot;
        // Liars can let towers grow on a fork that leads nowhere: bound for longer than a seed.
        const bool votes_demanded = demanded && !plan.active.has(FaultKind::byzantine);
        const std::uint64_t healed = slot;
        const auto goes_on = [&] {
            return all_finalised_above(simulation, trouble.core(), before) &&
                   (!votes_demanded || all_voted_above(simulation, trouble.core(), healed));
        };
        std::uint64_t slots_max = demanded ? slots_to_progress_max : slots_after_trouble;
        progress = goes_on();
        while (!broken() && !progress && result.slots_to_progress < slots_max) {
            simulation.run_to(Slot{++slot});
            ++result.slots_to_progress;
            slots_max += demanded && !trouble.leads_in_core(Slot{slot}) ? 1U : 0U;
            progress = goes_on();
        }
    }
    result.violations = simulation.checker().violations();
    result.outcome = broken() ? Outcome::diverged
                              : (progress || !demanded ? Outcome::pass : Outcome::no_progress);
    if (result.outcome == Outcome::no_progress) {
        tell_where_they_stand(simulation, trouble.core(), result.violations);
    }
    result.slots_run = slot;
    result.steps = simulation.steps();
    result.trace_hash = simulation.trace_hash();
    result.confirmed_conflicts = simulation.checker().confirmed_conflicts();
    result.root_conflicts = simulation.checker().root_conflicts();
    result.measures = simulation.measures();
    return result;
}

Minimised minimise(const SeedOptions& options, std::uint64_t runs_max)
{
    Minimised best{.options = options, .result = run_seed(options), .runs = 1};
    const Outcome wanted = best.result.outcome;
    const auto keep_if_it_fails = [&](const SeedOptions& smaller) {
        if (best.runs >= runs_max) {
            return false;
        }
        ++best.runs;
        const SeedResult result = run_seed(smaller);
        if (result.outcome != wanted) {
            return false;
        }
        best.options = smaller;
        best.result = result;
        return true;
    };
    for (std::size_t i = 0; i < fault_kind_count; ++i) {
        SeedOptions fewer = best.options;
        fewer.faults = fewer.faults.without(static_cast<FaultKind>(i));
        if (!(fewer.faults == best.options.faults)) {
            (void)keep_if_it_fails(fewer);
        }
    }
    for (std::uint64_t step = std::max<std::uint64_t>(options.slots / 2, 1); step > 0; step /= 2) {
        SeedOptions shorter = best.options;
        while (shorter.slots > step) {
            shorter.slots -= step;
            if (!keep_if_it_fails(shorter)) {
                break;
            }
        }
    }
    for (std::size_t count = 1; count < best.options.validator_count; ++count) {
        SeedOptions smaller = best.options; // other numbers draw other trouble: a new search
        smaller.validator_count = count;
        if (keep_if_it_fails(smaller)) {
            break;
        }
    }
    return best;
}

} // namespace belfry::consensus::sim
