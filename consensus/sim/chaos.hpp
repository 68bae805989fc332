// SPDX-License-Identifier: Apache-2.0
#pragma once
// chaos.hpp: one seed of trouble: crashes, splits, loss and silent leaders for a while, then all is
// healed and progress is demanded.

#include "consensus/sim/simulation.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace belfry::consensus::sim {

struct ChaosOptions {
    std::uint64_t seed = 1;
    std::size_t validator_count = 4;
    std::uint64_t slots = 120;       // of trouble
    std::uint64_t crash_percent = 3; // per slot
    std::uint64_t down_slots_max = 12;
    std::uint64_t split_percent = 3;
    std::uint64_t loss_percent_max = 30;
    Range sync_ms{.low = 1, .high = 40};
    bool equal_stake = true;
    bool sends_before_persist = false;
    /// A rule whose breach is not reported, to see what follows from it ("T-S4").
    std::string unwatched_rule{};
    TowerDefects defects{};
};

enum class ChaosOutcome : std::uint8_t { pass, no_progress, diverged };

struct ChaosResult {
    ChaosOutcome outcome = ChaosOutcome::pass;
    std::vector<std::string> violations;
    std::uint64_t slots_to_progress = 0; // after the healing, until all finalised something new
    std::uint64_t steps = 0;
    std::uint64_t trace_hash = 0;
};

/// Slots after the healing within which everybody must have finalised something new: the longest
/// lockout that a split can build up, the depth of a root, and room for windows that fail.
inline constexpr std::uint64_t progress_slots_max = 256 + 32 + 4 * 8;

[[nodiscard]] ChaosResult run_chaos(const ChaosOptions& options);

} // namespace belfry::consensus::sim
