// SPDX-License-Identifier: Apache-2.0
// Planted defects, in the engines and in the machine around them: each must be found by a scenario,
// or by the seeds of the simulator within the stated number, or it is no test of that rule.
#include "consensus/sim/scenario.hpp"
#include "consensus/sim/seed_run.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>

namespace belfry::consensus::sim {
namespace {

struct Mutant {
    std::string_view name;
    std::uint64_t seeds_max = 0; // within which it is found; 0: by the scenario
    std::string_view scenario{};
    bool TowerDefects::* tower = nullptr;
    bool GadgetDefects::* gadget = nullptr;
    bool MachineDefects::* machine = nullptr;
};

using Tower = TowerDefects;
using Gadget = GadgetDefects;
using Defects = MachineDefects;

const Mutant mutants[] = {
    // Tower alone, by seeds
    {.name = "votes_across_forks", .seeds_max = 5, .tower = &Tower::lockout_unchecked},
    {.name = "reset_to_heaviest", .seeds_max = 5, .tower = &Tower::resets_to_heaviest},
    {.name = "tower_journal_not_replayed", .seeds_max = 5, .tower = &Tower::journal_not_replayed},
    {.name = "no_switch_proof", .seeds_max = 5, .tower = &Tower::no_switch_proof},
    {.name = "switcher_counted_twice", .seeds_max = 40, .tower = &Tower::voter_counted_twice},
    // Tower alone, where a scenario is the shortest way
    {.name = "quorum_of_two_thirds_exactly",
     .scenario = "T03_exact",
     .tower = &Tower::quorum_is_at_least},
    {.name = "threshold_ignored", .scenario = "T04", .tower = &Tower::threshold_unchecked},
    {.name = "switch_at_38_exactly", .scenario = "T05", .tower = &Tower::switch_at_38_exactly},
    {.name = "duplicate_stays_invalid",
     .scenario = "T09",
     .tower = &Tower::duplicate_stays_invalid},
    {.name = "sibling_rule_ignored", .scenario = "T08", .tower = &Tower::sibling_rule_ignored},
    // with certificates
    {.name = "finalize_after_skip", .seeds_max = 5, .gadget = &Gadget::finalize_after_skip},
    {.name = "skip_after_finalize", .seeds_max = 5, .gadget = &Gadget::skip_after_finalize},
    {.name = "quorum_short_by_one", .seeds_max = 5, .gadget = &Gadget::quorum_short_by_one},
    {.name = "certificate_counts_twice", .seeds_max = 5, .gadget = &Gadget::voter_counted_twice},
    {.name = "notarizes_twice", .seeds_max = 40, .gadget = &Gadget::notarizes_twice},
    {.name = "gadget_journal_not_replayed",
     .seeds_max = 5,
     .gadget = &Gadget::journal_not_replayed},
    // of the machine
    {.name = "sends_before_persist", .seeds_max = 5, .machine = &Defects::sends_before_persist},
    {.name = "syncs_nothing", .seeds_max = 5, .machine = &Defects::syncs_nothing},
    {.name = "directory_not_synced", .seeds_max = 5, .machine = &Defects::directory_not_synced},
    {.name = "loses_its_journal", .seeds_max = 5, .machine = &Defects::loses_its_journal},
};
static_assert(std::size(mutants) >= 20);

EngineChoice engine_of(const Mutant& mutant)
{
    TowerDefects tower;
    GadgetDefects gadget;
    if (mutant.tower != nullptr) {
        tower.*mutant.tower = true;
        EngineChoice alone;
        alone.make = tower_engines(tower);
        return alone;
    }
    if (mutant.gadget != nullptr) {
        gadget.*mutant.gadget = true;
    }
    return certified_engines(tower, gadget);
}

bool found_by_scenario(const Mutant& mutant)
{
    for (const StoredScenario& stored : stored_scenarios()) {
        if (stored.name != mutant.scenario) {
            continue;
        }
        const ParsedScenario parsed = parse_scenario(stored.text);
        const Scenario& scenario = std::get<Scenario>(parsed);
        for (std::uint64_t seed = scenario.first_seed; seed <= scenario.last_seed; ++seed) {
            const SeedResult result =
                run_scenario(scenario, {.seed = seed, .engine = engine_of(mutant)});
            if (result.outcome != Outcome::pass) {
                return true;
            }
        }
    }
    return false;
}

bool found_by_seeds(const Mutant& mutant)
{
    SeedOptions seed;
    seed.slots = 80;
    seed.engine = engine_of(mutant);
    if (mutant.machine != nullptr) {
        seed.defects.*mutant.machine = true;
    }
    for (seed.seed = 1; seed.seed <= mutant.seeds_max; ++seed.seed) {
        if (run_seed(seed).outcome != Outcome::pass) {
            return true;
        }
    }
    return false;
}

class EveryMutant : public testing::TestWithParam<std::size_t> {};

TEST_P(EveryMutant, is_found)
{
    const Mutant& mutant = mutants[GetParam()];
    EXPECT_TRUE(mutant.seeds_max == 0 ? found_by_scenario(mutant) : found_by_seeds(mutant))
        << mutant.name;
}

INSTANTIATE_TEST_SUITE_P(Planted, EveryMutant, testing::Range<std::size_t>(0, std::size(mutants)),
                         [](const auto& place) { return std::string(mutants[place.param].name); });

} // namespace
} // namespace belfry::consensus::sim
