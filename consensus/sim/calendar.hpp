// SPDX-License-Identifier: Apache-2.0
#pragma once
// calendar.hpp: what will happen, by millisecond: the event queue of a simulation.
// Shapes   a wheel of one bucket for each of the next wheel_ms milliseconds; what is farther away
//          waits in a map and moves onto the wheel before anything newer can be put beside it. So
//          events of one instant come in the order in which they were added.
// Bounds   buckets keep their memory: in a steady run nothing is allocated.

#include "base/check.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace belfry::consensus::sim {

enum class EventKind : std::uint8_t {
    slot_begins, // subject: the slot
    build_waited,
    timer,       // subject: the slot; extra: the kind of timer
    statement,   // subject: number of the message
    bundle,      // the same, for statements of others
    first_shred, // subject: the slot
    block,       // subject: number of the block
    fetch,
    sync_ends,    // subject: number of the record up to which all are durable
    persist_told, // the same; the engine hears of it
    block_ends,   // subject: number of the build
    duplicate,    // subject: number of the proof
};

struct Event {
    std::uint32_t subject = 0;
    std::uint32_t life = 0; // of the machine when the event was added
    std::uint16_t machine = 0;
    EventKind kind = EventKind::slot_begins;
    std::uint8_t extra = 0;
};
static_assert(sizeof(Event) == 12);

class Calendar {
public:
    static constexpr std::uint64_t wheel_ms = 2048;

    /// Precondition: at >= now().
    void add(std::uint64_t at, const Event& event)
    {
        BELFRY_CHECK(at >= now_);
        if (at - now_ < wheel_ms) {
            wheel_[at % wheel_ms].push_back(event);
        } else {
            far_[at].push_back(event);
        }
    }
    [[nodiscard]] std::uint64_t now() const { return now_; }

    /// Hands every event up to and including `end` to act(event), also those added meanwhile.
    template <class Act>
    void run_to(std::uint64_t end, const Act& act)
    {
        while (true) {
            std::vector<Event>& bucket = wheel_[now_ % wheel_ms];
            for (; done_ < bucket.size(); ++done_) {
                const Event event = bucket[done_]; // acting may grow the bucket
                act(event);
            }
            if (now_ >= end) {
                return; // done_ stays, for events added for this instant later
            }
            bucket.clear();
            done_ = 0;
            ++now_;
            bring_near();
        }
    }

private:
    void bring_near()
    {
        while (!far_.empty() && far_.begin()->first - now_ < wheel_ms) {
            std::vector<Event>& bucket = wheel_[far_.begin()->first % wheel_ms];
            const std::vector<Event>& events = far_.begin()->second;
            bucket.insert(bucket.end(), events.begin(), events.end());
            far_.erase(far_.begin());
        }
    }

    std::array<std::vector<Event>, wheel_ms> wheel_;
    std::map<std::uint64_t, std::vector<Event>> far_;
    std::uint64_t now_ = 0;
    std::size_t done_ = 0; // of this instant's bucket
};

} // namespace belfry::consensus::sim
