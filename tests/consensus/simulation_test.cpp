// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/chaos.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace belfry::consensus::sim {
namespace {

TEST(Simulation, healthy)
{
    Simulation s({.seed = 1, .stakes = equal_stakes(4)});
    for (std::uint64_t slot = 1; slot <= 100; ++slot) {
        s.run_to(Slot{slot});
        if (slot % 10 == 0) {
            const auto st = s.engine(0).status();
            std::cout << slot << " best " << st.best.slot.value << " conf "
                      << st.confirmed.slot.value << " root " << st.rooted.slot.value << " fin "
                      << st.finalized.slot.value << " depth " << st.tower_depth << "\n";
        }
    }
    for (auto& v : s.checker().violations()) {
        std::cout << v << "\n";
    }
}
TEST(Simulation, chaos)
{
    std::uint64_t worst = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        const auto r = run_chaos({.seed = seed});
        worst = std::max(worst, r.slots_to_progress);
        if (r.outcome != ChaosOutcome::pass) {
            std::cout << "seed " << seed << " outcome " << int(r.outcome) << "\n";
            for (auto& v : r.violations) {
                std::cout << v << "\n";
            }
        }
    }
    std::cout << "worst " << worst << "\n";
}

} // namespace
} // namespace belfry::consensus::sim
