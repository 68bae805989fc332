// SPDX-License-Identifier: Apache-2.0
#pragma once
// tile.hpp: what every tile's thread does around its own work: loop, sleep, count, stop.
// Rule     work() does what is there and says whether it did anything; after idle_spin of nothing
//          the tile sleeps until its bell rings or sleep_max() is over.
// Threads  run() is the tile's thread; stop() may be called from any.

#include "base/published.hpp"
#include "dataplane/link/spsc_ring.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>
#include <thread>

namespace belfry::node {

[[nodiscard]] inline std::uint64_t monotonic_ns() noexcept
{
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

/// Asks the whole node to stop, and remembers the first reason.
class NodeStop {
public:
    virtual ~NodeStop() = default;
    /// Any tile. exit_code 0 is an ordinary stop.
    virtual void stop_node(int exit_code, std::string_view why) noexcept = 0;
};

/// Loops a tile that sleeps on a Doorbell. Tile has:
///   bool work(std::uint64_t now_ns)        everything that is there; true when there was something
///   bool has_input() const                 is something in its links?
///   std::chrono::nanoseconds sleep_max()   until the next thing that time alone brings
///   void finish()                          last words, after stop
template <class Tile>
void run_tile(Tile& tile, dataplane::Doorbell& bell, const Latch& stop,
              std::chrono::microseconds idle_spin) noexcept
{
    std::uint64_t idle_since = 0;
    while (!stop.is_set()) {
        const std::uint64_t now = monotonic_ns();
        if (tile.work(now)) {
            idle_since = 0;
            continue;
        }
        if (idle_spin.count() > 0) {
            if (idle_since == 0) {
                idle_since = now;
            }
            if (std::chrono::nanoseconds(now - idle_since) < idle_spin) {
                continue;
            }
        }
        (void)bell.sleep(tile.sleep_max(),
                         [&tile, &stop] { return stop.is_set() || tile.has_input(); });
    }
    tile.finish();
}

/// Sends over a link that waits when it is full. Gives up only when the node stops.
template <class T>
void push_or_wait(dataplane::SpscRing<T>& link, T value, const Latch& stop)
{
    T* slot = link.claim();
    while (slot == nullptr && !stop.is_set()) {
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        slot = link.claim();
    }
    if (slot != nullptr) {
        *slot = std::move(value);
        link.commit();
        link.publish();
    }
}

} // namespace belfry::node
