// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/chaos.hpp"

#include <algorithm>
#include <utility>

namespace belfry::consensus::sim {

namespace {

/// Draws the trouble of one seed, slot by slot.
class Trouble {
public:
    Trouble(const ChaosOptions& options, Simulation& simulation)
        : options_(options)
        , simulation_(simulation)
        , random_(options.seed ^ 0x74726F75626C65)
        , up_at_(simulation.count(), 0)
    {
    }

    void before(std::uint64_t slot)
    {
        for (std::size_t i = 0; i < simulation_.count(); ++i) {
            if (simulation_.alive(i) && random_.chance(options_.crash_percent)) {
                simulation_.crash(i);
                up_at_[i] = slot + random_.below(options_.down_slots_max + 1);
            } else if (!simulation_.alive(i) && slot >= up_at_[i]) {
                simulation_.restart(i);
            }
            if (random_.chance(1)) {
                simulation_.stop_building(i, random_.chance(50));
            }
        }
        if (random_.chance(options_.split_percent)) {
            split();
        } else if (random_.chance(2 * options_.split_percent)) {
            simulation_.heal();
        }
        if (random_.chance(10)) {
            simulation_.set_loss(random_.below(options_.loss_percent_max + 1));
        }
    }

    void end()
    {
        simulation_.heal();
        simulation_.set_loss(0);
        for (std::size_t i = 0; i < simulation_.count(); ++i) {
            simulation_.restart(i);
            simulation_.stop_building(i, false);
            simulation_.set_sync(i, {.low = 1, .high = 10});
        }
    }

private:
    void split()
    {
        std::vector<unsigned> groups(simulation_.count());
        const std::uint64_t group_count = random_.between(2, 3);
        for (unsigned& group : groups) {
            group = static_cast<unsigned>(random_.below(group_count));
        }
        simulation_.split(groups);
    }

    const ChaosOptions& options_;
    Simulation& simulation_;
    Random random_;
    std::vector<std::uint64_t> up_at_;
};

std::vector<Stake> stakes_of(const ChaosOptions& options)
{
    std::vector<Stake> stakes = equal_stakes(options.validator_count);
    Random random(options.seed ^ 0x7374616B6573);
    for (Stake& stake : stakes) {
        stake = options.equal_stake ? Stake{1} : Stake{random.between(1, 20)};
    }
    return stakes;
}

bool all_finalised_above(const Simulation& simulation, Slot slot)
{
    for (std::size_t i = 0; i < simulation.count(); ++i) {
        if (simulation.finalized(i) <= slot) {
            return false;
        }
    }
    return true;
}

} // namespace

ChaosResult run_chaos(const ChaosOptions& options)
{
    Simulation simulation({.seed = options.seed,
                           .stakes = stakes_of(options),
                           .sync_ms = options.sync_ms,
                           .duplicate_percent = 10,
                           .skew_ms = 50,
                           .sends_before_persist = options.sends_before_persist,
                           .defects = options.defects});
    simulation.unwatch(options.unwatched_rule);
    Trouble trouble(options, simulation);
    for (std::uint64_t slot = 1; slot <= options.slots; ++slot) {
        trouble.before(slot);
        simulation.run_to(Slot{slot});
        if (!simulation.checker().violations().empty()) {
            break;
        }
    }
    trouble.end();
    ChaosResult result;
    const Slot before = simulation.checker().newest_final().slot;
    std::uint64_t slot = options.slots;
    while (simulation.checker().violations().empty() && !all_finalised_above(simulation, before) &&
           result.slots_to_progress < progress_slots_max) {
        simulation.run_to(Slot{++slot});
        ++result.slots_to_progress;
    }
    result.violations = simulation.checker().violations();
    if (!result.violations.empty()) {
        result.outcome = ChaosOutcome::diverged;
    } else if (!all_finalised_above(simulation, before)) {
        result.outcome = ChaosOutcome::no_progress;
    }
    result.steps = simulation.steps();
    result.trace_hash = simulation.trace_hash();
    return result;
}

} // namespace belfry::consensus::sim
