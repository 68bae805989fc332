// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/scenario.hpp"

namespace belfry::consensus::sim {

namespace {

constexpr StoredScenario scenarios[] = {
#include "scenarios.inc" // made from tests/scenarios by consensus/CMakeLists.txt
};

} // namespace

std::span<const StoredScenario> stored_scenarios()
{
    return scenarios;
}

} // namespace belfry::consensus::sim
