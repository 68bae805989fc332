// SPDX-License-Identifier: Apache-2.0
#pragma once
// sim_command.hpp: `belfry sim`: the consensus engines in a simulated world (consensus/sim/).
// Shapes   one of: a seed (--validators, --slots, --seed), a scenario (--scenario NAME or FILE),
//          many seeds on all cores (--swarm SECONDS), the names of the scenarios (--list).
//          --json prints one object on stdout:
//            outcome "pass", "no progress" or "diverged" | seed | validators | slots
//            trace_hash 16 hexadecimal digits, of the last run | violations [text]
//            seeds_run | virtual_slots_per_second
//            finality_ms {p50 p90 p99 max}, from a slot's begin to `finalized` at each honest
//            machine messages_per_slot, bytes_per_slot: consensus datagrams received by one machine
// Errors   exit_ok only when all passed; exit_failed else, with the one command that repeats the
//          smallest failure found.

#include "consensus/sim/seed_run.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace CLI { // NOLINT(readability-identifier-naming): the library's
class App;
}

namespace belfry::node {

struct SimOptions {
    std::optional<std::size_t> validators;
    std::optional<std::uint64_t> slots;
    std::optional<std::uint64_t> seed;
    std::string faults = "all";
    std::string engine{consensus::sim::engine_default};
    std::size_t silent = 0;
    std::string scenario;
    std::uint64_t swarm_seconds = 0;
    std::string trace;
    bool list = false;
    bool json = false;
};

void add_sim(CLI::App& app, int* exit_code);
[[nodiscard]] int run_sim(const SimOptions& options);

} // namespace belfry::node
