// SPDX-License-Identifier: Apache-2.0
#pragma once
// seeded.hpp: the same random numbers on every run; a test prints its seed when it fails.

#include <random>

namespace belfry::ledger {

[[nodiscard]] inline std::mt19937 seeded(std::uint_fast32_t seed)
{
    return std::mt19937(seed);
}

} // namespace belfry::ledger
