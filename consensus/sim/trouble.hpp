// SPDX-License-Identifier: Apache-2.0
#pragma once
// trouble.hpp: the faults of one seed: drawn first as options, then slot by slot.
// Source   the ranges are those of TigerBeetle's VOPR and FoundationDB's simulation, scaled to
//          slots.

#include "consensus/sim/fault_kinds.hpp"
#include "consensus/sim/simulation.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace belfry::consensus::sim {

/// What a seed drew. Everything that it did not draw is at rest.
struct TroublePlan {
    FaultSet active;
    std::uint64_t loss_percent_max = 0;
    std::uint64_t duplicate_percent = 0;
    std::uint64_t tail_ms = 0;
    std::uint64_t clog_per_mille = 0;    // of a slot, for each machine
    std::uint64_t partition_percent = 0; // of a slot
    std::uint64_t crash_per_mille = 0;   // of a slot, for each machine
    std::uint64_t down_slots_max = 0;
    std::uint64_t pause_per_mille = 0; // of a slot, for each machine
    std::uint64_t skew_ms = 0;
    Range sync_ms{.low = 1, .high = 10};
    bool idles = false;
    std::vector<Stake> stakes;
    std::vector<ValidatorIndex> twins;
    std::vector<Roles> roles; // by validator
    [[nodiscard]] std::string text() const;
};

struct TroubleOptions {
    std::uint64_t seed = 1;
    std::size_t validator_count = 4;
    FaultSet allowed = FaultSet::all();
};
[[nodiscard]] TroublePlan draw_plan(const TroubleOptions& options);

class Trouble {
public:
    /// The simulation was made from the plan and outlives this.
    Trouble(const TroubleOptions& options, const TroublePlan& plan, Simulation& simulation);

    /// What befalls the machines before the slot begins.
    void before(std::uint64_t slot);
    /// A core with more than two thirds of stake is healed for good. What ails the others stays;
    /// or, with mercy, the liars stop lying and what the others said last reaches everybody.
    void end(bool merciless);
    /// Machines that end() healed, rising.
    [[nodiscard]] const std::vector<std::size_t>& core() const { return core_; }
    [[nodiscard]] bool leads_in_core(Slot slot);

private:
    [[nodiscard]] Random& of(FaultKind kind) { return streams_[static_cast<std::size_t>(kind)]; }
    void crash(std::uint64_t slot);
    void partition();
    void clog();
    void choose_core();
    [[nodiscard]] bool is_second_twin(std::size_t machine) const;

    TroublePlan plan_;
    Simulation& simulation_;
    std::vector<Random> streams_; // by kind
    Random last_;                 // of the core
    std::vector<std::uint64_t> up_at_;
    std::vector<std::size_t> core_;
    ValidatorSet core_validators_;
};

} // namespace belfry::consensus::sim
