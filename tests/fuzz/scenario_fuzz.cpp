// SPDX-License-Identifier: Apache-2.0
// scenario_fuzz: any text is a scenario or an error with its line; what is a scenario keeps the
// bounds that the simulator relies on.
#include "base/check.hpp"
#include "consensus/sim/scenario.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry::consensus::sim; // NOLINT(google-build-using-namespace)
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const ParsedScenario parsed = parse_scenario(text);
    if (const auto* error = std::get_if<ScenarioError>(&parsed)) {
        const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
        BELFRY_CHECK(!error->what.empty() && error->line <= lines);
        return 0;
    }
    const Scenario& scenario = std::get<Scenario>(parsed);
    const std::size_t machines = scenario.stakes.size() + scenario.twins.size();
    BELFRY_CHECK(!scenario.stakes.empty() && scenario.stakes.size() <= 256);
    BELFRY_CHECK(scenario.slots <= scenario_slots_max);
    for (const Action& action : scenario.actions) {
        BELFRY_CHECK(action.at.value <= scenario.slots);
        for (const Machines& group : action.groups) {
            BELFRY_CHECK(std::ranges::is_sorted(group));
            BELFRY_CHECK(group.empty() || group.back() < machines);
        }
    }
    for (const Expectation& expected : scenario.expectations) {
        BELFRY_CHECK(expected.last.value <= scenario.slots);
        BELFRY_CHECK(expected.who.empty() || expected.who.back() < machines);
    }
    return 0;
}
