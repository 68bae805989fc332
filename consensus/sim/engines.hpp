// SPDX-License-Identifier: Apache-2.0
#pragma once
// engines.hpp: which consensus engine the machines of a simulation run.

#include "consensus/certified_tower.hpp"
#include "consensus/engine.hpp"
#include "consensus/tower/tower_engine.hpp"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace belfry::consensus::sim {

/// What a machine knows when it starts its engine.
struct EngineStart {
    ValidatorIndex self;
    BlockName finalized;                // newest block that its ledger holds as final
    std::vector<BlockName> final_chain; // up to that one, rising
    std::vector<Slot> duplicate_slots{};
    std::optional<Slot> hard_fork{};
    bool may_sign = true;
};
using EngineFactory = std::function<std::unique_ptr<Engine>(const EngineStart&)>;

/// Tower BFT alone: finalized is what more than two thirds have rooted.
[[nodiscard]] EngineFactory tower_engines(const TowerDefects& defects = {});

[[nodiscard]] const TowerEngine* tower_itself(const Engine& engine);

/// An engine with what may be expected of it.
struct EngineChoice {
    std::string_view name = "tower";
    EngineFactory make = tower_engines();
    /// The Tower in an engine that make() gave, for what the interface does not tell.
    const TowerEngine* (*tower_of)(const Engine& engine) = tower_itself;
    /// Confirmed blocks stand against a few liars. Beside certificates they do not: those can make
    /// another fork final after more than two thirds voted for a block, when its slot was skipped.
    bool confirmed_stands = true;
    /// Goes on while liars lie, and when a vote that reached only some has nobody to repeat it.
    /// Tower BFT alone does not. Towers travel from their voter only, so two parts of the core can
    /// hold for ever to forks that each looks heavier to one of them by the last vote of somebody
    /// who has gone; and two blocks of one slot can share the votes so that neither has 52 %, nor
    /// anything else 38 %.
    bool needs_only_the_core = false;
    /// finalized comes from certificates.
    bool certificates = false;
};
/// Tower for the choice of forks, final certificates for finality: what a node runs.
[[nodiscard]] EngineChoice certified_engines(const TowerDefects& tower = {},
                                             const GadgetDefects& gadget = {});
inline constexpr std::array<std::string_view, 2> engine_names{"tower", "certified"};
inline constexpr std::string_view engine_default = "certified";
/// One of engine_names, or nullopt.
[[nodiscard]] std::optional<EngineChoice> engine_named(std::string_view name);

} // namespace belfry::consensus::sim
