// SPDX-License-Identifier: Apache-2.0
#pragma once
// admission.hpp: which arriving datagrams get further than their socket, by lane and source.
// Rule     transactions come from anyone: each source has its token bucket (source_limiter.hpp).
//          While the tile behind is late, only the quiet part of what a source sends gets further:
//          a bucket of 1/quiet_part of that size. A flood from a few dozen sources, each within its
//          rate, then leaves room for everybody who sends little, and loses what it would have lost
//          anyway.
//          The other lanes are for validators: who sends from an address of the roster passes, all
//          others share one bucket per lane, so that strangers cannot keep a tile busy with forged
//          votes or shreds. Addresses can be forged, so nothing is ever believed because of one.
// Bounds   fixed memory; a few dozen instructions for a datagram, before anything of it is parsed.
// Errors   Refusal; each has a counter per lane.
// Threads  one owner, the net tile; the counters may be read by all.

#include "base/published.hpp"
#include "dataplane/ingress/source_limiter.hpp"
#include "dataplane/net/endpoint.hpp"
#include "dataplane/wire.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace belfry::dataplane {

class Admission {
public:
    struct Options {
        SourceLimiter::Options clients;           // on the lane transactions
        std::vector<Endpoint> validators;         // of the roster; only the address counts
        std::uint64_t strangers_per_second = 100; // on each other lane
    };
    static constexpr std::uint64_t quiet_part = 64;
    enum class Room : std::uint8_t { ample, scarce }; // of the link behind
    enum class Refusal : std::uint8_t {
        over_rate, // the source sends faster than it may
        crowded,   // too many sources do so, of those that share its set
        stranger,  // not of the roster, and strangers send faster than they may
        loud,      // room is scarce, and the source has sent more than its quiet part
    };
    static constexpr std::size_t refusal_count = 4;
    struct Counters {
        std::array<Counter, refusal_count> refused;
    };
    explicit Admission(const Options& options);

    /// nullopt: let it in. room counts on the lane transactions alone.
    [[nodiscard]] std::optional<Refusal> refuse(Lane lane, const Endpoint& source,
                                                std::uint64_t now_ns, Room room = Room::ample);
    [[nodiscard]] const Counter& refused(Lane lane, Refusal reason) const
    {
        return counters_[static_cast<std::size_t>(lane)].refused[static_cast<std::size_t>(reason)];
    }

private:
    /// An endpoint without its port.
    [[nodiscard]] static Endpoint host_of(Endpoint endpoint);
    [[nodiscard]] std::optional<Refusal> judge(Lane lane, const Endpoint& source,
                                               std::uint64_t now_ns);
    /// Of a source that may send: whether this one is of its quiet part.
    [[nodiscard]] bool is_quiet(const Endpoint& source, std::uint64_t now_ns);

    SourceLimiter clients_;
    SourceLimiter quiet_;                  // the same sources with smaller buckets
    std::vector<SourceLimiter> strangers_; // by lane; each knows a single source
    std::vector<Endpoint> validators_;     // sorted hosts
    std::array<Counters, lane_count> counters_;
};

[[nodiscard]] std::string_view to_string(Admission::Refusal reason);

} // namespace belfry::dataplane
