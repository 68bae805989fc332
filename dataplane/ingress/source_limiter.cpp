// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ingress/source_limiter.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <bit>
#include <random>

namespace belfry::dataplane {
namespace {

constexpr std::uint64_t burst_packets_max = std::uint64_t{1} << 32;
// Of an IPv4 address: a multicast prefix in IPv6, so that no sender has it.
constexpr std::uint64_t ipv4_marker = 0xffff'ffff'0000'0000U;

std::uint64_t draw_secret()
{
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device() | 1;
}

/// splitmix64's finish: every bit of the input reaches every bit of the result.
std::uint64_t spread(std::uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

} // namespace

SourceLimiter::SourceLimiter(const Options& options)
    : packet_ns_(0)
    , burst_ns_(0)
    , secret_(options.secret == 0 ? draw_secret() : options.secret)
    , sets_(std::bit_ceil(std::max<std::size_t>(options.sources_max / places_per_set, 1)))
{
    BELFRY_CHECK(options.packets_per_second > 0 && options.packets_per_second <= rate_max);
    BELFRY_CHECK(options.burst_packets > 0 && options.burst_packets <= burst_packets_max);
    // Rounded up: never more than was asked for.
    packet_ns_ = (1'000'000'000 + options.packets_per_second - 1) / options.packets_per_second;
    burst_ns_ = packet_ns_ * options.burst_packets;
}

std::uint64_t SourceLimiter::source_of(const Endpoint& endpoint) noexcept
{
    std::uint64_t prefix = 0;
    const std::size_t bytes = endpoint.family == Endpoint::Family::ipv6 ? 8 : 4;
    for (std::size_t i = 0; i < bytes; ++i) {
        prefix = (prefix << 8) | endpoint.address[i];
    }
    // Link-local prefixes are all the same and end in zeros: the link tells them apart.
    return endpoint.family == Endpoint::Family::ipv6 ? prefix ^ endpoint.scope
                                                     : prefix | ipv4_marker;
}

bool SourceLimiter::charge(std::uint64_t& full_at_ns, std::uint64_t now_ns) const noexcept
{
    const std::uint64_t full_at = std::max(full_at_ns, now_ns) + packet_ns_;
    if (full_at - now_ns > burst_ns_) {
        return false;
    }
    full_at_ns = full_at;
    return true;
}

SourceLimiter::Verdict SourceLimiter::take(const Endpoint& endpoint, std::uint64_t now_ns) noexcept
{
    const std::uint64_t source = source_of(endpoint);
    Set& set = sets_[spread(source ^ secret_) & (sets_.size() - 1)];
    Place* free = nullptr;
    for (Place& place : set.places) {
        if (place.source == source) {
            return charge(place.full_at_ns, now_ns) ? Verdict::pass : Verdict::over_rate;
        }
        if (place.full_at_ns <= now_ns) {
            free = &place;
        }
    }
    if (free == nullptr) {
        return charge(set.crowd_full_at_ns, now_ns) ? Verdict::pass : Verdict::crowded;
    }
    *free = {.source = source, .full_at_ns = now_ns};
    (void)charge(free->full_at_ns, now_ns); // a burst is one datagram at least
    return Verdict::pass;
}

} // namespace belfry::dataplane
