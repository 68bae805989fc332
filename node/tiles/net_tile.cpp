// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/net_tile.hpp"

#include "dataplane/repair/repair_wire.hpp"
#include "node/tiles/tile.hpp"

#include <algorithm>

namespace belfry::node {
namespace {

using dataplane::Lane;
constexpr std::size_t send_batch = 512; // per link and turn, so that receiving is never starved
constexpr std::chrono::milliseconds sleep_max{100};
constexpr std::chrono::nanoseconds partition_sleep_max{PartitionFile::look_interval_ns};

} // namespace

Packet* NetTile::room_for(Lane lane, Link<Packet>& link)
{
    if (lane != Lane::transactions) {
        return link.claim();
    }
    if (transactions_room_ == 0) {
        return nullptr;
    }
    --transactions_room_;
    return link.claim();
}

void NetTile::take(const dataplane::Datagram& datagram)
{
    if (partition_ && !partition_->hears(datagram.lane, datagram.source)) {
        counters_.partitioned[static_cast<std::size_t>(datagram.lane)].add();
        return;
    }
    if (now_ns_ == 0) { // asked once for all that have come together
        now_ns_ = monotonic_ns();
        const std::size_t free_count = links_.net_verify.free_count();
        const std::size_t kept_count = links_.net_verify.capacity() / 4;
        transactions_room_ = free_count - std::min(free_count, kept_count);
    }
    const auto room = transactions_room_ < links_.net_verify.capacity() / 4
                          ? dataplane::Admission::Room::scarce
                          : dataplane::Admission::Room::ample;
    if (admission_.refuse(datagram.lane, datagram.source, now_ns_, room)) {
        return; // counted there
    }
    Link<Packet>* link = &links_.net_verify;
    if (datagram.lane == Lane::shreds) {
        link = &links_.net_shred;
    } else if (datagram.lane == Lane::votes) {
        link = &links_.net_consensus;
    } else if (datagram.lane == Lane::repair) {
        const bool asks =
            dataplane::kind_of_datagram(datagram.payload) == dataplane::kind_repair_request;
        link = asks ? &links_.net_store : &links_.net_shred;
    }
    Packet* const packet = room_for(datagram.lane, *link);
    if (packet == nullptr) {
        counters_.link_full[static_cast<std::size_t>(datagram.lane)].add();
        return;
    }
    packet->lane = datagram.lane;
    packet->peer = datagram.source;
    packet->set_payload(datagram.payload);
    link->commit();
}

bool NetTile::send_from(Link<Packet>& link)
{
    return link.drain(send_batch, [this](const Packet& packet) {
        port_.send(packet.lane, packet.peer, packet.payload());
    }) > 0;
}

bool NetTile::has_output() const
{
    return !links_.bank_net.empty() || !links_.shred_net.empty() || !links_.store_net.empty() ||
           !links_.consensus_net.empty();
}

void NetTile::look_at_partition()
{
    if (partition_) {
        partition_->look(monotonic_ns());
        counters_.partition_unknown.set(partition_->unknown_words());
    }
}

void NetTile::run(const Latch& stop) noexcept
{
    while (!stop.is_set()) {
        look_at_partition();
        // Votes first: they are few, and everything waits for them.
        bool sent = send_from(links_.consensus_net);
        sent = send_from(links_.shred_net) || sent;
        sent = send_from(links_.bank_net) || sent;
        sent = send_from(links_.store_net) || sent;
        const std::chrono::nanoseconds sleep = sent         ? std::chrono::nanoseconds{0}
                                               : partition_ ? partition_sleep_max
                                                            : sleep_max;
        now_ns_ = 0;
        (void)port_.poll([this](const dataplane::Datagram& datagram) { take(datagram); },
                         [this, &stop] { return stop.is_set() || has_output(); }, sleep);
        links_.net_verify.publish();
        links_.net_shred.publish();
        links_.net_store.publish();
        links_.net_consensus.publish();
    }
    port_.flush();
    port_.stop();
}

} // namespace belfry::node
