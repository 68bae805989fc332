// SPDX-License-Identifier: Apache-2.0
#pragma once
// scenario.hpp: one named situation, told in a file of lines, and what must come of it.
// Shapes   the grammar stands in docs/scenarios.md. It is a line format of this room's own and not
//          TOML: a scenario is a course of events in time, one event a line, and an error can name
//          its line; and this room may include neither a TOML library nor the node's rooms.
// Rule     what happens `at` a slot happens when that slot begins, after what is expected there.
// Bounds   scenario_bytes_max, scenario_lines_max, 256 validators, scenario_slots_max.
// Errors   ScenarioError: the line and what is wrong there.

#include "consensus/sim/seed_run.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace belfry::consensus::sim {

inline constexpr std::size_t scenario_bytes_max = std::size_t{64} * 1024;
inline constexpr std::size_t scenario_lines_max = 1000;
inline constexpr std::uint64_t scenario_slots_max = 100'000;

struct ScenarioError {
    std::size_t line = 0; // from 1; 0: the file as a whole
    std::string what;
};

using Machines = std::vector<std::size_t>; // rising

/// What is asked of one machine.
enum class Field : std::uint8_t {
    best,
    confirmed,
    rooted,
    super_rooted,
    finalized,
    vote,
    depth,
    may_sign,
    statements,
    faults,
    rolled_back, // own roots that a certificate decided against
};
inline constexpr std::array<std::string_view, 11> field_names{
    "best",  "confirmed", "rooted",     "super_rooted", "finalized",  "vote",
    "depth", "may_sign",  "statements", "faults",       "rolled_back"};

enum class ActionKind : std::uint8_t {
    split,
    heal,
    cut,
    mend,
    hold,
    release,
    withhold,
    tell,
    crash,
    restart,
    pause,
    idle,
    lead,
    replay,
    sync,
    loss,
    damage,
    unlink,
    role,
    mark,
    repent,
    hardfork,
};

struct Action {
    std::size_t line = 0;
    Slot at;
    ActionKind kind = ActionKind::heal;
    std::vector<Machines> groups; // split: all of them; cut and hold: from, to; else one
    std::vector<Payload> payloads;
    std::array<std::uint64_t, 2> numbers{};
    Roles roles;
    Field field = Field::best;
    std::string name; // of a mark
};

enum class Comparison : std::uint8_t { equal, at_least, at_most, on, off };

struct Expectation {
    enum class Kind : std::uint8_t {
        value,    // of a field, in every slot from first to last
        progress, // all finalise something above what any had confirmed, within `number` slots
        accused,  // exactly these validators, at the end
        reverted, // two forks both reached the level, at the end; `number`: 1 yes, 0 no
    };
    std::size_t line = 0;
    Kind kind = Kind::value;
    Slot first;
    Slot last;
    Machines who;
    Field field = Field::best;
    Comparison comparison = Comparison::equal;
    std::uint64_t number = 0;
    bool from_slot = false; // number is subtracted from the slot
    std::string mark;       // number is added to the slot of that mark; on, off: the block itself
};

struct Scenario {
    std::string title;
    std::string engine; // empty: any
    std::vector<Stake> stakes;
    std::vector<ValidatorIndex> twins;
    std::uint64_t slots = 100;
    std::uint64_t first_seed = 1;
    std::uint64_t last_seed = 1;
    std::uint64_t slot_ms = 600;
    NetworkOptions network;
    Range sync_ms{.low = 1, .high = 10};
    std::uint64_t skew_ms = 0;
    SetLoss set_loss;
    Outcome outcome = Outcome::pass;
    std::string broken_rule; // with outcome diverged: the first violation begins so
    std::vector<Action> actions;
    std::vector<Expectation> expectations;
};

using ParsedScenario = std::variant<Scenario, ScenarioError>;
[[nodiscard]] ParsedScenario parse_scenario(std::string_view text);

struct ScenarioOptions {
    std::uint64_t seed = 1;
    EngineChoice engine{};
    MachineDefects defects{};
    std::string* trace_lines = nullptr;
};
/// outcome is pass when all that is expected came true, no_progress when only progress failed.
/// violations names the line of what did not.
[[nodiscard]] SeedResult run_scenario(const Scenario& scenario, const ScenarioOptions& options);

/// The scenarios of tests/scenarios, compiled in.
struct StoredScenario {
    std::string_view name;
    std::string_view text;
};
[[nodiscard]] std::span<const StoredScenario> stored_scenarios();

} // namespace belfry::consensus::sim
