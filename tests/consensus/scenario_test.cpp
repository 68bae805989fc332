// SPDX-License-Identifier: Apache-2.0
// Every scenario of tests/scenarios with every engine it is meant for; planted defects that a
// scenario must show; and what the parser refuses.
#include "consensus/sim/scenario.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace belfry::consensus::sim {
namespace {

Scenario scenario_of(std::string_view name)
{
    for (const StoredScenario& stored : stored_scenarios()) {
        if (stored.name == name) {
            const ParsedScenario parsed = parse_scenario(stored.text);
            if (const auto* error = std::get_if<ScenarioError>(&parsed)) {
                ADD_FAILURE() << name << ":" << error->line << ": " << error->what;
                return {};
            }
            return std::get<Scenario>(parsed);
        }
    }
    ADD_FAILURE() << "there is no scenario " << name;
    return {};
}

std::string text_of(const SeedResult& result)
{
    std::string text{name_of(result.outcome)};
    for (const std::string& what : result.violations) {
        text += "\n  " + what;
    }
    return text;
}

class EveryScenario : public ::testing::TestWithParam<std::string_view> {};

TEST_P(EveryScenario, ends_as_it_says)
{
    const Scenario scenario = scenario_of(GetParam());
    for (const std::string_view name : engine_names) {
        if (!scenario.engine.empty() && scenario.engine != name) {
            continue;
        }
        for (std::uint64_t seed = scenario.first_seed; seed <= scenario.last_seed; ++seed) {
            const SeedResult result =
                run_scenario(scenario, {.seed = seed, .engine = *engine_named(name)});
            EXPECT_EQ(text_of(result), "pass") << name << ", seed " << seed;
        }
    }
}

std::vector<std::string_view> all_names()
{
    std::vector<std::string_view> names;
    for (const StoredScenario& stored : stored_scenarios()) {
        names.push_back(stored.name);
    }
    return names;
}

INSTANTIATE_TEST_SUITE_P(Scenario, EveryScenario, ::testing::ValuesIn(all_names()),
                         [](const auto& name) { return std::string(name.param); });

// ---- What is no scenario ------------------------------------------------------------------------

/// "line: what", or "" for a scenario.
std::string refusal(std::string_view text)
{
    const ParsedScenario parsed = parse_scenario(text);
    const auto* error = std::get_if<ScenarioError>(&parsed);
    return error == nullptr ? "" : std::to_string(error->line) + ": " + error->what;
}

TEST(ScenarioText, is_refused_with_the_line_of_the_error)
{
    EXPECT_EQ(refusal("validators 4\nat 3 heal\n"), "");
    EXPECT_EQ(refusal("# nothing"), "0: 'validators N' is missing");
    EXPECT_EQ(refusal("validators 4\n\nat 3 hael\n"), "3: 'hael' is no action");
    EXPECT_EQ(refusal("validators 4\nat 3 heal now\n"), "2: 'now' is too much");
    EXPECT_EQ(refusal("at 3 heal\n"), "1: 'validators N' comes first");
    EXPECT_EQ(refusal("validators 4\nat 3 crash 4\n"), "2: there is no machine 4");
    EXPECT_EQ(refusal("validators 4\nat 3 crash 1,1\n"), "2: a machine is named twice, or none is");
    EXPECT_EQ(refusal("validators 4\ntwins 0\nat 3 crash 4\n"), "");
    EXPECT_EQ(refusal("validators 4\nstakes 1 2\n"), "2: 2 stakes for 4 validators");
    EXPECT_EQ(refusal("validators 4\nslots 10\nat 11 heal\n"), "3: that slot is after the end");
    EXPECT_EQ(refusal("validators 4\nexpect 9..3 all depth = 1\n"),
              "2: the last slot is before the first");
    EXPECT_EQ(refusal("validators 4\nexpect 3 all dept = 1\n"), "2: 'dept' is no field");
    EXPECT_EQ(refusal("validators 4\nexpect 3 all best on there\n"), "2: there is no mark 'there'");
    EXPECT_EQ(refusal("validators -4\n"),
              "1: a count of validators is a number up to 256, not '-4'");
    EXPECT_EQ(refusal("validators 4\nat 3 cut 0 1\n"), "2: '>' is missing");
    EXPECT_EQ(refusal("validators 4\nrole 0 nasty\n"), "2: 'nasty' is no role");
    EXPECT_EQ(refusal(std::string(scenario_bytes_max + 1, ' ')), "0: the file is too long");
}

TEST(ScenarioText, an_expectation_that_does_not_come_true_is_named)
{
    const ParsedScenario parsed =
        parse_scenario("validators 4\nslots 20\nexpect 20 all finalized >= 15\n");
    const SeedResult result = run_scenario(std::get<Scenario>(parsed), {.seed = 1});
    EXPECT_EQ(result.outcome, Outcome::diverged);
    ASSERT_FALSE(result.violations.empty());
    EXPECT_EQ(result.violations.front().substr(0, 35), "line 3: slot 20, machine 0: finaliz");
    const ParsedScenario late =
        parse_scenario("validators 4\nslots 20\nat 1 idle all\nexpect 2 all progress 10\n");
    EXPECT_EQ(run_scenario(std::get<Scenario>(late), {.seed = 1}).outcome, Outcome::no_progress);
}

} // namespace
} // namespace belfry::consensus::sim
