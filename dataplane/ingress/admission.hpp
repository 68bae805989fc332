// SPDX-License-Identifier: Apache-2.0
#pragma once
// admission.hpp: which arriving datagrams get further than their socket, by lane and source.
// Rule     transactions come from anyone: each source has its token bucket (source_limiter.hpp).
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
    enum class Refusal : std::uint8_t {
        over_rate, // the source sends faster than it may
        crowded,   // too many sources do so, of those that share its set
        stranger,  // not of the roster, and strangers send faster than they may
    };
    static constexpr std::size_t refusal_count = 3;
    struct Counters {
        std::array<Counter, refusal_count> refused;
    };
    explicit Admission(const Options& options);

    /// nullopt: let it in.
    [[nodiscard]] std::optional<Refusal> refuse(Lane lane, const Endpoint& source,
                                                std::uint64_t now_ns);
    [[nodiscard]] const Counter& refused(Lane lane, Refusal reason) const
    {
        return counters_[static_cast<std::size_t>(lane)].refused[static_cast<std::size_t>(reason)];
    }

private:
    /// An endpoint without its port.
    [[nodiscard]] static Endpoint host_of(Endpoint endpoint);
    [[nodiscard]] std::optional<Refusal> judge(Lane lane, const Endpoint& source,
                                               std::uint64_t now_ns);

    SourceLimiter clients_;
    std::vector<SourceLimiter> strangers_; // by lane; each knows a single source
    std::vector<Endpoint> validators_;     // sorted hosts
    std::array<Counters, lane_count> counters_;
};

[[nodiscard]] std::string_view to_string(Admission::Refusal reason);

} // namespace belfry::dataplane
