// SPDX-License-Identifier: Apache-2.0
#pragma once
// random.hpp: the one source of chance in a simulation: the same seed gives the same run anywhere.
// Source   SplitMix64 (Steele, Lea, Flood 2014). Integers only; not for secrets.

#include "base/check.hpp"

#include <cstdint>

namespace belfry::consensus::sim {

class Random {
public:
    explicit Random(std::uint64_t seed)
        : state_(seed)
    {
    }
    std::uint64_t next()
    {
        state_ += 0x9E3779B97F4A7C15;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
    /// In [0, bound). The bias of the remainder is below 2^-40 for the small bounds used here.
    std::uint64_t below(std::uint64_t bound)
    {
        BELFRY_CHECK(bound != 0);
        return next() % bound;
    }
    std::uint64_t between(std::uint64_t low, std::uint64_t high)
    {
        BELFRY_CHECK(low <= high);
        return low + below(high - low + 1);
    }
    bool chance(std::uint64_t percent) { return below(100) < percent; }

private:
    std::uint64_t state_;
};

} // namespace belfry::consensus::sim
