// SPDX-License-Identifier: Apache-2.0
#pragma once
// seed_run.hpp: one seed: a safety phase in which everything may break, then a liveness phase in
// which a core of more than two thirds is healed and must make progress.
// Shapes   diverged: a rule of checker.hpp, or of an engine's check(), was broken. no_progress: the
//          core did not all finalise something new within the bound, or with Tower alone, and
//          where nobody lies, did not all vote for something new.
// Bounds   256 slots for the longest lockout that a split below two thirds can build up, 32 for a
//          root, and 4 for every window that was led by none of the core.

#include "consensus/sim/trouble.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace belfry::consensus::sim {

struct SeedOptions {
    std::uint64_t seed = 1;
    std::size_t validator_count = 4;
    std::uint64_t slots = 120; // of trouble
    FaultSet faults = FaultSet::all();
    std::size_t silent_count = 0; // of the last validators: never say anything
    EngineChoice engine = certified_engines();
    MachineDefects defects{};
    /// A rule whose breach is not reported, to see what follows from it ("T-S4").
    std::string unwatched_rule{};
    std::string* trace_lines = nullptr;
};

enum class Outcome : std::uint8_t { pass, no_progress, diverged };
[[nodiscard]] std::string_view name_of(Outcome outcome);

struct SeedResult {
    Outcome outcome = Outcome::pass;
    std::vector<std::string> violations;
    std::uint64_t slots_run = 0;         // of both phases
    std::uint64_t slots_to_progress = 0; // after the healing
    std::uint64_t steps = 0;
    std::uint64_t trace_hash = 0;
    std::uint64_t confirmed_conflicts = 0;
    std::uint64_t root_conflicts = 0;
    Measures measures;
    std::string plan;
};

[[nodiscard]] SeedResult run_seed(const SeedOptions& options);

/// The same failure with fewer kinds of fault, fewer slots and fewer validators, as far as that
/// goes within runs_max runs. Precondition: run_seed(options) does not pass.
struct Minimised {
    SeedOptions options;
    SeedResult result;
    std::uint64_t runs = 0;
};
[[nodiscard]] Minimised minimise(const SeedOptions& options, std::uint64_t runs_max = 60);

} // namespace belfry::consensus::sim
