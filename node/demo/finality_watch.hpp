// SPDX-License-Identifier: Apache-2.0
#pragma once
// finality_watch.hpp: how long after a slot was first seen processed it is final, by certificate
// and by root: the two finalities side by side, as one validator reports them.
// Bounds   slots_max slots wait at a time.
// Threads  one owner.

#include "base/strong.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace belfry::node {

class FinalityWatch {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t slots_max = 4096;

    struct Seen {
        Slot processed;
        Slot finalized;
        Slot super_root;
    };
    void note(const Seen& seen, Clock::time_point now);

    struct Quantiles {
        std::uint64_t p50 = 0;
        std::uint64_t p90 = 0;
        std::uint64_t p99 = 0;
        std::uint64_t max = 0;
        std::size_t slots = 0;
    };
    /// Milliseconds; zeros when no slot got so far.
    [[nodiscard]] Quantiles finalized_ms() const { return quantiles(finalized_); }
    [[nodiscard]] Quantiles super_rooted_ms() const { return quantiles(super_rooted_); }

private:
    struct Waiting {
        std::map<Slot, Clock::time_point> slots; // processed, and not yet that far
        std::vector<std::uint64_t> ms;
    };
    static void settle(Waiting& waiting, Slot upto, Clock::time_point now);
    [[nodiscard]] static Quantiles quantiles(const Waiting& waiting);

    Slot newest_;
    Waiting finalized_;
    Waiting super_rooted_;
};

} // namespace belfry::node
