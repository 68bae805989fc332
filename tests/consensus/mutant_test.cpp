// SPDX-License-Identifier: Apache-2.0
// Planted defects, in the engines and in the machine around them: each must be found by a scenario,
// or by the seeds of the simulator within the stated number, or it is no test of that rule.
// docs/scenarios.md has the table with the first seed that finds each, and those that none can
// find.
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
    std::string_view faults = "all"; // that the seeds may draw
    std::size_t validators = 4;
    std::uint64_t slots = 80;
    bool certified = false; // a Tower's defect that shows beside certificates
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
    {.name = "old_votes_switch", .seeds_max = 30, .tower = &Tower::old_votes_switch},
    {.name = "depths_unchecked", .seeds_max = 30, .tower = &Tower::threshold_unchecked},
    {.name = "shallow_depth_unchecked", .seeds_max = 60, .tower = &Tower::shallow_depth_unchecked},
    {.name = "root_not_persisted", .seeds_max = 30, .tower = &Tower::root_not_persisted},
    {.name = "duplicate_ignored", .seeds_max = 30, .tower = &Tower::duplicate_ignored},
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
    {.name = "threshold_asks_again", .scenario = "T04_wall", .tower = &Tower::no_threshold_escape},
    {.name = "switch_at_38_after_a_root",
     .scenario = "T15_five",
     .tower = &Tower::switch_at_38_exactly},
    // with certificates
    {.name = "finalize_after_skip", .seeds_max = 5, .gadget = &Gadget::finalize_after_skip},
    {.name = "skip_after_finalize", .seeds_max = 5, .gadget = &Gadget::skip_after_finalize},
    {.name = "quorum_short_by_one", .seeds_max = 5, .gadget = &Gadget::quorum_short_by_one},
    {.name = "certificate_counts_twice", .seeds_max = 5, .gadget = &Gadget::voter_counted_twice},
    {.name = "notarizes_twice", .seeds_max = 40, .gadget = &Gadget::notarizes_twice},
    {.name = "gadget_journal_not_replayed",
     .seeds_max = 5,
     .gadget = &Gadget::journal_not_replayed},
    {.name = "base_ignored", .seeds_max = 10, .gadget = &Gadget::base_ignored},
    {.name = "final_before_its_record", .seeds_max = 5, .gadget = &Gadget::sends_before_persist},
    {.name = "certificate_of_two_thirds_exactly",
     .seeds_max = 5,
     .validators = 6,
     .gadget = &Gadget::quorum_is_at_least},
    {.name = "lost_votes_bind",
     .seeds_max = 80,
     .faults = "loss,delay,clog,partition,pause,disk",
     .slots = 250,
     .certified = true,
     .tower = &Tower::lost_votes_bind},
    {.name = "roots_act", .seeds_max = 40, .certified = true, .tower = &Tower::roots_act},
    {.name = "root_stands_against_a_certificate",
     .scenario = "X04_root",
     .gadget = &Gadget::base_ignored},
    // of the machine
    {.name = "sends_before_persist", .seeds_max = 5, .machine = &Defects::sends_before_persist},
    {.name = "syncs_nothing", .seeds_max = 5, .machine = &Defects::syncs_nothing},
    {.name = "directory_not_synced", .seeds_max = 5, .machine = &Defects::directory_not_synced},
    {.name = "loses_its_journal", .seeds_max = 5, .machine = &Defects::loses_its_journal},
    {.name = "takes_torn_records", .seeds_max = 30, .machine = &Defects::takes_torn_records},
    {.name = "builds_before_persist", .seeds_max = 5, .machine = &Defects::builds_before_persist},
    {.name = "journal_file_without_its_name",
     .scenario = "T14_file",
     .machine = &Defects::directory_not_synced},
};
static_assert(std::size(mutants) >= 30);

EngineChoice engine_of(const Mutant& mutant)
{
    TowerDefects tower;
    GadgetDefects gadget;
    if (mutant.tower != nullptr) {
        tower.*mutant.tower = true;
        if (!mutant.certified) {
            EngineChoice alone;
            alone.make = tower_engines(tower);
            return alone;
        }
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
            ScenarioOptions options{.seed = seed, .engine = engine_of(mutant)};
            if (mutant.machine != nullptr) {
                options.defects.*mutant.machine = true;
            }
            const SeedResult result = run_scenario(scenario, options);
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
    seed.validator_count = mutant.validators;
    seed.slots = mutant.slots;
    seed.faults = FaultSet::parse(mutant.faults).value();
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

class EveryMutant : public ::testing::TestWithParam<std::size_t> {};

TEST_P(EveryMutant, is_found)
{
    const Mutant& mutant = mutants[GetParam()];
    EXPECT_TRUE(mutant.seeds_max == 0 ? found_by_scenario(mutant) : found_by_seeds(mutant))
        << mutant.name;
}

INSTANTIATE_TEST_SUITE_P(Planted, EveryMutant, ::testing::Range<std::size_t>(0, std::size(mutants)),
                         [](const auto& place) { return std::string(mutants[place.param].name); });

} // namespace
} // namespace belfry::consensus::sim
