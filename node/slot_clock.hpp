// SPDX-License-Identifier: Apache-2.0
#pragma once
// slot_clock.hpp: which slot it is, from the monotonic clock alone.
// Rule     slot k runs from t0 + k * slot_ns to t0 + (k + 1) * slot_ns. t0 comes from the newest
//          block at start; evidence that a slot has ended elsewhere may move it earlier (this clock
//          was behind). Own lag never moves it later, which would slow the cluster down; only the
//          engine may keep it back (hold), for all validators alike.
// Threads  one owner, the consensus tile. Time is an argument, in nanoseconds.

#include "base/strong.hpp"

#include <cstdint>

namespace belfry::node {

class SlotClock {
public:
    /// slot_ended is the newest slot that is known to be over at now_ns. Precondition: slot_ns > 0.
    SlotClock(std::uint64_t slot_ns, Slot slot_ended, std::uint64_t now_ns);

    /// The slot under way.
    [[nodiscard]] Slot slot_at(std::uint64_t now_ns) const;
    /// 0 for what lies before the origin of the monotonic clock.
    [[nodiscard]] std::uint64_t start_of(Slot slot) const;
    [[nodiscard]] std::uint64_t end_of(Slot slot) const { return start_of(slot.next()); }

    /// Somebody else has finished this slot by now_ns. True when this clock was behind and has
    /// moved.
    bool slot_ended(Slot slot, std::uint64_t now_ns);
    /// This slot, which is over, begins again now.
    void hold(Slot slot, std::uint64_t now_ns);

private:
    std::uint64_t slot_ns_;
    std::int64_t origin_ns_; // t0; before the monotonic clock's own origin for high slots
};

} // namespace belfry::node
