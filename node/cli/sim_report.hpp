// SPDX-License-Identifier: Apache-2.0
#pragma once
// sim_report.hpp: what `belfry sim` says at its end, as JSON or for people.

#include "consensus/sim/seed_run.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace belfry::node {

struct SimReport {
    consensus::sim::Outcome outcome = consensus::sim::Outcome::pass;
    std::uint64_t seed = 0;
    std::size_t validators = 0;
    std::uint64_t slots = 0;
    std::uint64_t trace_hash = 0;
    std::vector<std::string> violations;
    std::uint64_t seeds_run = 1;
    std::uint64_t slots_run = 0;         // of all seeds
    std::uint64_t machine_slots_run = 0; // the same times the machines of each
    /// A block became confirmed or final on another fork than one that somebody called confirmed.
    std::uint64_t confirmed_undone = 0;
    std::uint64_t seeds_confirmed_undone = 0; // in which that happened
    std::uint64_t roots_undone = 0;           // the same of local roots
    double seconds = 0;
    consensus::sim::Measures measures;
    std::string repeat; // the command; empty when all passed
    std::string note;   // one line more, for people
};

[[nodiscard]] std::string report_json(const SimReport& report);
[[nodiscard]] std::string report_text(const SimReport& report);

} // namespace belfry::node
