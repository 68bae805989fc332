// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ingress/admission.hpp"

#include <algorithm>

namespace belfry::dataplane {
namespace {

SourceLimiter::Options quiet_part_of(SourceLimiter::Options options)
{
    options.packets_per_second =
        std::max<std::uint64_t>(options.packets_per_second / Admission::quiet_part, 1);
    options.burst_packets =
        std::max<std::uint64_t>(options.burst_packets / Admission::quiet_part, 1);
    return options;
}

} // namespace

Admission::Admission(const Options& options)
    : clients_(options.clients)
    , quiet_(quiet_part_of(options.clients))
{
    for (std::size_t lane = 0; lane < lane_count; ++lane) {
        strangers_.emplace_back(
            SourceLimiter::Options{.packets_per_second = options.strangers_per_second,
                                   .burst_packets = options.strangers_per_second,
                                   .sources_max = 1});
    }
    validators_.reserve(options.validators.size());
    for (const Endpoint& validator : options.validators) {
        validators_.push_back(host_of(validator));
    }
    std::ranges::sort(validators_);
    const auto repeated = std::ranges::unique(validators_);
    validators_.erase(repeated.begin(), repeated.end());
}

Endpoint Admission::host_of(Endpoint endpoint)
{
    endpoint.port = 0;
    return endpoint;
}

std::optional<Admission::Refusal> Admission::judge(Lane lane, const Endpoint& source,
                                                   std::uint64_t now_ns)
{
    if (lane == Lane::transactions) {
        switch (clients_.take(source, now_ns)) {
        case SourceLimiter::Verdict::pass:
            return std::nullopt;
        case SourceLimiter::Verdict::over_rate:
            return Refusal::over_rate;
        case SourceLimiter::Verdict::crowded:
            break;
        }
        return Refusal::crowded;
    }
    if (std::ranges::binary_search(validators_, host_of(source))) {
        return std::nullopt;
    }
    SourceLimiter& strangers = strangers_[static_cast<std::size_t>(lane)];
    return strangers.take(Endpoint{}, now_ns) == SourceLimiter::Verdict::pass
               ? std::nullopt
               : std::optional(Refusal::stranger);
}

bool Admission::is_quiet(const Endpoint& source, std::uint64_t now_ns)
{
    return quiet_.take(source, now_ns) == SourceLimiter::Verdict::pass;
}

std::optional<Admission::Refusal> Admission::refuse(Lane lane, const Endpoint& source,
                                                    std::uint64_t now_ns, Room room)
{
    std::optional<Refusal> reason = judge(lane, source, now_ns);
    // Asked also while there is room, so that who is loud is known when there is none.
    if (!reason && lane == Lane::transactions && !is_quiet(source, now_ns) &&
        room == Room::scarce) {
        reason = Refusal::loud;
    }
    if (reason) {
        counters_[static_cast<std::size_t>(lane)].refused[static_cast<std::size_t>(*reason)].add();
    }
    return reason;
}

std::string_view to_string(Admission::Refusal reason)
{
    switch (reason) {
    case Admission::Refusal::over_rate:
        return "over_rate";
    case Admission::Refusal::crowded:
        return "crowded";
    case Admission::Refusal::stranger:
        return "stranger";
    case Admission::Refusal::loud:
        break;
    }
    return "loud";
}

} // namespace belfry::dataplane
