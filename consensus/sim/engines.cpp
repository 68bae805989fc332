// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/engines.hpp"

namespace belfry::consensus::sim {

namespace {

TowerConfig tower_config(const EngineStart& start, const TowerDefects& defects)
{
    return {.self = start.self,
            .finalized = start.finalized,
            .final_chain = start.final_chain,
            .may_sign = start.may_sign,
            .duplicate_slots = start.duplicate_slots,
            .hard_fork = start.hard_fork,
            .defects = defects};
}

const TowerEngine* tower_inside(const Engine& engine)
{
    const auto* const both = dynamic_cast<const CertifiedTower*>(&engine);
    return both == nullptr ? nullptr : &both->tower();
}

} // namespace

EngineFactory tower_engines(const TowerDefects& defects)
{
    return [defects](const EngineStart& start) {
        return make_tower(tower_config(start, defects));
    };
}

EngineChoice certified_engines(const TowerDefects& tower, const GadgetDefects& gadget)
{
    EngineChoice choice{.name = "certified",
                        .make = {},
                        .tower_of = tower_inside,
                        .confirmed_stands = false,
                        .needs_only_the_core = true,
                        .certificates = true};
    choice.make = [tower, gadget](const EngineStart& start) {
        return make_engine({.tower = tower_config(start, tower), .gadget_defects = gadget});
    };
    return choice;
}

const TowerEngine* tower_itself(const Engine& engine)
{
    return dynamic_cast<const TowerEngine*>(&engine);
}

std::optional<EngineChoice> engine_named(std::string_view name)
{
    if (name == "tower") {
        return EngineChoice{};
    }
    if (name == "certified") {
        return certified_engines();
    }
    return std::nullopt;
}

} // namespace belfry::consensus::sim
