// SPDX-License-Identifier: Apache-2.0
#pragma once
// regions.hpp: how long a datagram takes between thirteen places of the world, one way, in ms.
// Source   Microsoft, "Azure network round-trip latency statistics" (learn.microsoft.com/azure/
//          networking/azure-network-latency), the table of the 30 days that ended on 30 July 2026.
//          It gives the 95th percentile of round trips, so it is on the slow side of the median.
//          Here: a quarter of the sum of both directions' round trips, rounded; 1 ms inside a
//          region.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace belfry::consensus::sim {

inline constexpr std::size_t region_count = 13;

/// Precondition: both below region_count.
[[nodiscard]] std::uint64_t one_way_ms(std::size_t from, std::size_t to);
[[nodiscard]] std::string_view region_name(std::size_t region);

} // namespace belfry::consensus::sim
