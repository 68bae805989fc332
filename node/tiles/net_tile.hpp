// SPDX-License-Identifier: Apache-2.0
#pragma once
// net_tile.hpp: joins the node's sockets to its links.
// Rule     repair requests go to the store tile, which serves them; what answers them goes to the
//          shred tile. A full link drops the datagram and counts it.
// Threads  one: the net tile. Counters may be read by all.

#include "base/published.hpp"
#include "dataplane/net/net_port.hpp"
#include "node/partition_file.hpp"
#include "node/topology.hpp"

#include <array>
#include <optional>
#include <utility>

namespace belfry::node {

class NetTile {
public:
    /// partition: for tests; whose datagrams are thrown away.
    NetTile(dataplane::NetPort& port, Links& links, std::optional<PartitionFile> partition)
        : port_(port)
        , links_(links)
        , partition_(std::move(partition))
    {
    }
    void run(const Latch& stop) noexcept;

    struct Counters {
        std::array<Counter, dataplane::lane_count> link_full;   // received, no room in the link
        std::array<Counter, dataplane::lane_count> partitioned; // from a peer not to be heard
        Counter partition_unknown;                              // words that name no validator
    };
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    void take(const dataplane::Datagram& datagram);
    void look_at_partition();
    bool send_from(Link<Packet>& link);
    [[nodiscard]] bool has_output() const;

    dataplane::NetPort& port_;
    Links& links_;
    std::optional<PartitionFile> partition_;
    Counters counters_;
};

} // namespace belfry::node
