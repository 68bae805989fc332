// SPDX-License-Identifier: Apache-2.0
#pragma once
// source_limiter.hpp: how many datagrams each source may send, in fixed memory.
// Shapes   a source is an IPv4 address or an IPv6 /64, which is what one customer gets. Each has a
//          token bucket, kept as one number: the time at which it will be full again.
// Rule     sources share sets of a few places. A bucket that is full again says nothing that an
//          empty place would not, so its place is free for a newcomer: the verdicts are those of a
//          table without bound, until more sources of one set than it has places are sending
//          faster than they refill. The newcomers among those share one more bucket. Whoever wants
//          to keep a place from others must send at the full rate of one source all the time, and
//          cannot choose the set: its number depends on a secret of this process.
// Bounds   sources_max places, all memory is taken by the constructor; nothing is ever swept.
// Errors   none; the verdict says why, the caller counts.
// Threads  one owner, the net tile.

#include "dataplane/net/endpoint.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace belfry::dataplane {

class SourceLimiter {
public:
    static constexpr std::size_t places_per_set = 8;
    static constexpr std::uint64_t rate_max = 100'000'000;
    struct Options {
        std::uint64_t packets_per_second = 20'000; // of one source, at most rate_max
        std::uint64_t burst_packets = 10'000;      // that it may send at once after a rest
        std::size_t sources_max = 16'384;          // rounded up to a power of two
        std::uint64_t secret = 0;                  // 0: drawn from the system
    };
    enum class Verdict : std::uint8_t {
        pass,
        over_rate, // its own bucket is empty
        crowded,   // it has no place, and the bucket of those without is empty
    };
    explicit SourceLimiter(const Options& options);

    /// One datagram of this source; now_ns is monotonic and never falls.
    [[nodiscard]] Verdict take(const Endpoint& source, std::uint64_t now_ns) noexcept;
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return sets_.size() * sizeof(Set); }

    /// The same for all addresses of one source, different for two sources.
    [[nodiscard]] static std::uint64_t source_of(const Endpoint& endpoint) noexcept;

private:
    struct Place {
        std::uint64_t source = 0;
        std::uint64_t full_at_ns = 0; // in the past: the bucket is full, the place is free
    };
    struct Set {
        std::array<Place, places_per_set> places{};
        std::uint64_t crowd_full_at_ns = 0;
    };
    [[nodiscard]] bool charge(std::uint64_t& full_at_ns, std::uint64_t now_ns) const noexcept;

    std::uint64_t packet_ns_; // that one datagram costs
    std::uint64_t burst_ns_;
    std::uint64_t secret_;
    std::vector<Set> sets_;
};

} // namespace belfry::dataplane
