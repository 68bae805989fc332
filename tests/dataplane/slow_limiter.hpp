// SPDX-License-Identifier: Apache-2.0
#pragma once
// slow_limiter.hpp: what a source limiter does, as one would explain it.

#include "dataplane/ingress/source_limiter.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace belfry::dataplane {

inline Endpoint ipv4(std::uint32_t address, std::uint16_t port = 1)
{
    Endpoint out;
    out.family = Endpoint::Family::ipv4;
    out.port = port;
    for (std::size_t i = 0; i < 4; ++i) {
        out.address[i] = static_cast<std::uint8_t>(address >> (24 - 8 * i));
    }
    return out;
}

/// A bucket as one would explain it: what is in it, and when that was reckoned.
struct Bucket {
    std::uint64_t level = 0; // in nanoseconds of refilling; a datagram takes `cost` of them
    std::uint64_t reckoned_ns = 0;

    bool take(std::uint64_t cost, std::uint64_t room, std::uint64_t now_ns)
    {
        level = std::min(room, level + (now_ns - reckoned_ns));
        reckoned_ns = now_ns;
        if (level < cost) {
            return false;
        }
        level -= cost;
        return true;
    }
    [[nodiscard]] bool is_full(std::uint64_t room, std::uint64_t now_ns) const
    {
        return level + (now_ns - reckoned_ns) >= room;
    }
};

/// The slow model: one set of `places` buckets by the bytes that make a source, searched in order.
class SlowLimiter {
public:
    SlowLimiter(const SourceLimiter::Options& options, std::size_t places)
        : cost_(1'000'000'000 / options.packets_per_second)
        , room_(cost_ * options.burst_packets)
        , places_(places)
        , crowd_{.level = room_}
    {
    }
    SourceLimiter::Verdict take(const Endpoint& from, std::uint64_t now_ns)
    {
        const bool v4 = from.family == Endpoint::Family::ipv4;
        std::vector<std::uint8_t> source(from.address.begin(), from.address.begin() + (v4 ? 4 : 8));
        source.push_back(static_cast<std::uint8_t>(v4 ? 0 : from.scope));
        if (!known_.contains(source)) {
            std::erase_if(known_,
                          [&](const auto& entry) { return entry.second.is_full(room_, now_ns); });
            if (known_.size() == places_) {
                return crowd_.take(cost_, room_, now_ns) ? SourceLimiter::Verdict::pass
                                                         : SourceLimiter::Verdict::crowded;
            }
            known_[source] = {.level = room_, .reckoned_ns = now_ns};
        }
        return known_[source].take(cost_, room_, now_ns) ? SourceLimiter::Verdict::pass
                                                         : SourceLimiter::Verdict::over_rate;
    }

private:
    std::uint64_t cost_;
    std::uint64_t room_;
    std::size_t places_;
    std::map<std::vector<std::uint8_t>, Bucket> known_;
    Bucket crowd_;
};

} // namespace belfry::dataplane
