// SPDX-License-Identifier: Apache-2.0
#pragma once
// net_tile.hpp: joins the node's sockets to its links.
// Rule     repair requests go to the store tile, which serves them; what answers them goes to the
//          shred tile. A full link drops the datagram and counts it.
// Threads  one: the net tile. Counters may be read by all.

#include "base/published.hpp"
#include "dataplane/net/net_port.hpp"
#include "node/topology.hpp"

#include <array>

namespace belfry::node {

class NetTile {
public:
    NetTile(dataplane::NetPort& port, Links& links)
        : port_(port)
        , links_(links)
    {
    }
    void run(const Latch& stop) noexcept;

    struct Counters {
        std::array<Counter, dataplane::lane_count> link_full; // received, no room in the link
    };
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    void take(const dataplane::Datagram& datagram);
    bool send_from(Link<Packet>& link);
    [[nodiscard]] bool has_output() const;

    dataplane::NetPort& port_;
    Links& links_;
    Counters counters_;
};

} // namespace belfry::node
