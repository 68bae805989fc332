// SPDX-License-Identifier: Apache-2.0
#pragma once
// net_tile.hpp: joins the node's sockets to its links.
// Rule     first of all a datagram's source is judged (Admission), unparsed. Repair requests go
//          to the store tile, which serves them; what answers them goes to the shred tile. A full
//          link drops the datagram and counts it; the last quarter of the link to the verify tile
//          is kept for what validators forward, which one of them has verified already.
// Threads  one: the net tile. Counters may be read by all.

#include "base/published.hpp"
#include "dataplane/ingress/admission.hpp"
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
    NetTile(dataplane::NetPort& port, const dataplane::Admission::Options& admission, Links& links,
            std::optional<PartitionFile> partition)
        : port_(port)
        , links_(links)
        , partition_(std::move(partition))
        , admission_(admission)
    {
    }
    void run(const Latch& stop) noexcept;

    struct Counters {
        std::array<Counter, dataplane::lane_count> link_full;   // received, no room in the link
        std::array<Counter, dataplane::lane_count> partitioned; // from a peer not to be heard
        Counter partition_unknown;                              // words that name no validator
    };
    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] const dataplane::Admission& admission() const { return admission_; }

private:
    void take(const dataplane::Datagram& datagram);
    void look_at_partition();
    /// The next slot of the link, or nullptr when it has no room for this lane.
    [[nodiscard]] Packet* room_for(dataplane::Lane lane, Link<Packet>& link);
    bool send_from(Link<Packet>& link);
    [[nodiscard]] bool has_output() const;

    dataplane::NetPort& port_;
    Links& links_;
    std::optional<PartitionFile> partition_;
    dataplane::Admission admission_;
    std::uint64_t now_ns_ = 0;          // of this turn's arrivals; 0: the clock was not asked yet
    std::size_t transactions_room_ = 0; // that this turn may still take in the link
    Counters counters_;
};

} // namespace belfry::node
