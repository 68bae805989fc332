// SPDX-License-Identifier: Apache-2.0
#pragma once
// http_counters.hpp: what the HTTP server counts of its clients, and how the node's status tells
// it.

#include "node/rpc/backend.hpp"

#include <cstdint>

namespace belfry::node {

struct HttpCounters {
    std::uint64_t connections = 0;
    std::uint64_t requests = 0;
    std::uint64_t calls = 0;
    std::uint64_t cut_for_room = 0;
    std::uint64_t refused_full = 0;
    std::uint64_t cut_slow = 0;
    std::uint64_t refused_http = 0;
    std::uint64_t upgraded = 0;
};

inline void add_to(TileStatus& tile, const HttpCounters& http)
{
    tile.counters = {{"connections", http.connections},
                     {"requests", http.requests},
                     {"calls", http.calls},
                     {"upgraded", http.upgraded}};
    tile.drops = {{"cut_for_room", http.cut_for_room},
                  {"cut_slow", http.cut_slow},
                  {"refused_full", http.refused_full},
                  {"refused_http", http.refused_http}};
}

} // namespace belfry::node
