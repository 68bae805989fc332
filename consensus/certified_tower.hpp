// SPDX-License-Identifier: Apache-2.0
#pragma once
// certified_tower.hpp: Tower BFT for the choice of forks, certificates for finality: one engine.
// Rules    finalized is a final certificate and nothing else; it prunes Tower's tree. Tower's own
//          roots are told and act on nothing. What this node leads it builds above the base, the
//          newest notarized block, on Tower's best leaf there.
// Shapes   one journal for both: record kinds 1 and 2 are Tower's, 3 and up the gadget's.
// Threads  as engine.hpp.

#include "consensus/certificate/gadget.hpp"
#include "consensus/engine.hpp"
#include "consensus/journal_counter.hpp"
#include "consensus/tower/tower_engine.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace belfry::consensus {

struct EngineConfig {
    TowerConfig tower{};
    bool certificates = true; // a genesis parameter
    CertificateTimes times{};
    GadgetDefects gadget_defects{};
};

/// CertifiedTower, or where genesis turns certificates off TowerEngine.
[[nodiscard]] std::unique_ptr<Engine> make_engine(const EngineConfig& config);

} // namespace belfry::consensus
