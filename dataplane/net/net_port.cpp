// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/net_port.hpp"

#include "base/check.hpp"

#include <fmt/core.h>

#include <cmath>
#include <stdexcept>

namespace belfry::dataplane {
namespace {

/// Below the threshold with probability share; all of it for 1.
std::uint64_t threshold_of(double share)
{
    if (!(share >= 0.0 && share <= 1.0)) {
        throw std::runtime_error(fmt::format("faults: a share of {} is not within 0 and 1", share));
    }
    return share == 1.0 ? UINT64_MAX : static_cast<std::uint64_t>(std::ldexp(share, 64));
}

/// splitmix64: the n-th number of the sequence that the seed begins.
std::uint64_t draw(std::uint64_t seed, std::uint64_t n)
{
    std::uint64_t value = seed + ((n + 1) * 0x9e3779b97f4a7c15U);
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

constexpr std::uint32_t looks_between_counts = 64;

/// Losses only grow, but what a datagram tells of them is as old as the datagram.
void raise(Counter& counter, std::uint64_t value)
{
    if (value > counter.read()) {
        counter.set(value);
    }
}

std::size_t index_of(Lane lane)
{
    return static_cast<std::size_t>(lane);
}

} // namespace

NetPort::NetPort(const Options& options)
    : options_(options)
{
    socket_of_lane_.fill(-1);
    sockets_.reserve(options.lanes.size());
    ReceiverOptions receiver;
    receiver.buffer_bytes = options.buffer_bytes;
    receiver.bell = &bell_;
    std::vector<int> descriptors;
    for (const LaneOptions& lane : options.lanes) {
        BELFRY_CHECK(socket_of_lane_[index_of(lane.lane)] == -1);
        socket_of_lane_[index_of(lane.lane)] = static_cast<int>(sockets_.size());
        UdpSocket::Options udp;
        udp.local = lane.local;
        udp.receive_buffer_bytes = lane.socket_buffer_bytes;
        udp.gro = options.gro;
        udp.mtu_bytes_min = options.mtu_bytes_min;
        const Socket& socket = sockets_.emplace_back(Socket{lane.lane, UdpSocket(udp)});
        descriptors.push_back(socket.udp.fd());
        receiver.sockets.push_back({.fd = socket.udp.fd(), .buffer_count = lane.buffer_count});
    }
    for (std::size_t lane = 0; lane < lane_count; ++lane) {
        fault_thresholds_[lane] = threshold_of(options.faults.drop_share[lane]);
    }
    sender_ = std::make_unique<Sender>(descriptors, options.gso);
    choice_ = make_receiver(options.backend, receiver);
}

NetPort::~NetPort() = default;

std::span<const Arrival> NetPort::collect(std::chrono::nanoseconds wait_max)
{
    const std::span<const Arrival> arrivals = choice_.receiver->collect(wait_max);
    if (!arrivals.empty() || wait_max.count() > 0) {
        count_receiver_events();
        if (wait_max.count() > 0 || ++looks_ == looks_between_counts) {
            count_losses();
        }
    }
    return arrivals;
}

void NetPort::count_losses()
{
    looks_ = 0;
    for (const Socket& socket : sockets_) {
        if (const std::optional<std::uint32_t> lost_count = socket.udp.lost_count()) {
            raise(counters_[index_of(socket.lane)].queue_overflow, *lost_count);
        }
    }
}

void NetPort::count_receiver_events()
{
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
        LaneCounters& counters = counters_[index_of(sockets_[i].lane)];
        counters.rearmed.set(choice_.receiver->rearm_count(i));
        counters.receive_errors.set(choice_.receiver->error_count(i));
    }
}

void NetPort::note(const Arrival& arrival, LaneCounters& counters)
{
    raise(counters.queue_overflow, arrival.queue_overflow_count);
    if (arrival.truncated) {
        counters.truncated.add();
    }
}

bool NetPort::admit(Lane lane, std::size_t payload_bytes, LaneCounters& counters)
{
    counters.received.add();
    counters.received_bytes.add(payload_bytes);
    if (payload_bytes > datagram_bytes_max) {
        counters.too_long.add();
        return false;
    }
    const std::size_t index = index_of(lane);
    if (fault_thresholds_[index] != 0) {
        const std::uint64_t lane_seed = draw(options_.faults.seed, index);
        if (draw(lane_seed, fault_draws_[index]++) < fault_thresholds_[index]) {
            counters.fault_dropped.add();
            return false;
        }
    }
    return true;
}

void NetPort::send(Lane lane, const Endpoint& to, ByteView payload)
{
    const int socket_index = socket_of_lane_[index_of(lane)];
    if (socket_index < 0 || payload.size() > datagram_bytes_max ||
        to.family == Endpoint::Family::none) {
        counters_[index_of(lane)].send_errors.add();
        return;
    }
    if (sender_->full()) {
        flush();
    }
    sender_->add(static_cast<std::size_t>(socket_index), to, payload);
}

void NetPort::flush()
{
    if (sender_->empty()) {
        return;
    }
    sender_->flush();
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
        const Sender::Counts counts = sender_->take_counts(i);
        LaneCounters& counters = counters_[index_of(sockets_[i].lane)];
        counters.sent.add(counts.sent);
        counters.sent_bytes.add(counts.sent_bytes);
        counters.sent_in_runs.add(counts.sent_in_runs);
        counters.send_errors.add(counts.errors);
        counters.send_dropped.add(counts.dropped);
    }
}

Endpoint NetPort::local(Lane lane) const
{
    const int socket_index = socket_of_lane_[index_of(lane)];
    return socket_index < 0 ? Endpoint{}
                            : sockets_[static_cast<std::size_t>(socket_index)].udp.local();
}

std::string NetPort::description() const
{
    std::string text(to_string(backend()));
    for (const Socket& socket : sockets_) {
        if (options_.gro && !socket.udp.has_gro()) {
            text += ", no UDP_GRO";
            break;
        }
    }
    if (!choice_.receiver->is_restricted()) {
        text += ", not restricted to receiving by this kernel";
    }
    if (!choice_.absence.empty()) {
        text += fmt::format(" ({})", choice_.absence);
    }
    return text;
}

void NetPort::stop()
{
    flush();
    choice_.receiver->stop();
}

} // namespace belfry::dataplane
