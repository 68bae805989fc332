// SPDX-License-Identifier: Apache-2.0
#include "node/slot_clock.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace belfry::node {
namespace {

std::int64_t origin(std::uint64_t slot_ns, Slot ended, std::uint64_t now_ns)
{
    return static_cast<std::int64_t>(now_ns) -
           static_cast<std::int64_t>((ended.value + 1) * slot_ns);
}

} // namespace

SlotClock::SlotClock(std::uint64_t slot_ns, Slot ended, std::uint64_t now_ns)
    : slot_ns_(slot_ns)
    , origin_ns_(origin(slot_ns, ended, now_ns))
{
    BELFRY_CHECK(slot_ns > 0);
}

Slot SlotClock::slot_at(std::uint64_t now_ns) const
{
    const std::int64_t elapsed = static_cast<std::int64_t>(now_ns) - origin_ns_;
    return Slot{elapsed < 0 ? 0 : static_cast<std::uint64_t>(elapsed) / slot_ns_};
}

std::uint64_t SlotClock::start_of(Slot slot) const
{
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, origin_ns_ + static_cast<std::int64_t>(slot.value * slot_ns_)));
}

void SlotClock::hold(Slot slot, std::uint64_t now_ns)
{
    origin_ns_ = origin(slot_ns_, Slot{slot.value - 1}, now_ns);
}

bool SlotClock::slot_ended(Slot slot, std::uint64_t now_ns)
{
    const std::int64_t seen = origin(slot_ns_, slot, now_ns);
    if (seen >= origin_ns_) {
        return false;
    }
    origin_ns_ = seen;
    return true;
}

} // namespace belfry::node
