// SPDX-License-Identifier: Apache-2.0
#pragma once
// net_port.hpp: all datagrams of a node: receives from every lane's socket, and sends.
// Shapes   a Datagram's payload is one UDP payload; GRO aggregates are split here. What is sent in
//          one batch to one destination goes out as GSO runs of equal sizes, the rest by sendmmsg.
// Bounds   buffers per lane (LaneOptions), send_batch_max datagrams between two flushes; a payload
//          is at most datagram_bytes_max, longer ones are dropped and counted on both ways.
// Errors   the constructor throws when a socket cannot be had; afterwards everything is a counter.
// Threads  made by any thread, then owned by the one that calls poll() first, the net tile; the
//          counters may be read by all. The Doorbell may be rung by all.
// Speed    bench/net.

#include "base/published.hpp"
#include "dataplane/link/spsc_ring.hpp"
#include "dataplane/net/receiver.hpp"
#include "dataplane/net/sender.hpp"
#include "dataplane/net/udp.hpp"
#include "dataplane/wire.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace belfry::dataplane {

/// payload is valid until the handler returns.
struct Datagram {
    Lane lane = Lane::transactions;
    Endpoint source;
    ByteView payload;
};

/// Written by the net tile, read by anyone.
struct LaneCounters {
    Counter received;
    Counter received_bytes;
    Counter truncated;      // datagrams or ends of aggregates that a buffer had no room for
    Counter too_long;       // received, longer than any datagram of Belfry
    Counter queue_overflow; // lost by the system for want of socket buffer, as it counts them
    Counter rearmed;        // receives begun again: for want of buffers, or one by one
    Counter receive_errors;
    Counter fault_dropped; // thrown away on purpose ([faults] of the configuration)
    Counter sent;
    Counter sent_bytes;
    Counter sent_in_runs; // of sent, those that shared a system call as a GSO run
    Counter send_errors;  // refused by the system
    Counter send_dropped; // the socket's send buffer stayed full
};

/// Datagrams thrown away at the receiver on purpose, for tests of a cluster: a share per lane,
/// chosen by the seed and the datagram's number on its lane.
struct LaneFaults {
    std::array<double, lane_count> drop_share{}; // each in [0, 1]
    std::uint64_t seed = 0;
};

class NetPort {
public:
    struct LaneOptions {
        Lane lane = Lane::transactions;
        Endpoint local;
        std::size_t buffer_count = 32; // of buffer_bytes each, a power of two
        std::size_t socket_buffer_bytes = std::size_t{4} << 20;
    };
    struct Options {
        std::vector<LaneOptions> lanes; // each lane at most once
        ReceiveBackend backend = ReceiveBackend::automatic;
        std::size_t buffer_bytes = std::size_t{64} << 10;
        std::size_t mtu_bytes_min = dataplane::mtu_bytes_min;
        bool gro = true;
        bool gso = true;
        std::chrono::microseconds spin{0}; // look again for so long before sleeping
        LaneFaults faults;
    };
    explicit NetPort(const Options& options);
    ~NetPort();
    NetPort(const NetPort&) = delete;
    NetPort& operator=(const NetPort&) = delete;

    /// Sends what is pending, then delivers what has arrived: handle(const Datagram&), noexcept in
    /// spirit. When there is nothing and has_work() is false, sleeps at most sleep_max, until a
    /// datagram comes or bell() rings. Returns the number delivered.
    template <class Handle, class HasWork>
    std::size_t poll(Handle&& handle, HasWork&& has_work, std::chrono::nanoseconds sleep_max);
    template <class Handle>
    std::size_t poll(Handle&& handle, std::chrono::nanoseconds sleep_max)
    {
        return poll(handle, [] { return false; }, sleep_max);
    }

    /// Copies payload into the batch, which goes out with the next flush() or poll(), or when it is
    /// full. A lane without a socket, or a payload too long, is counted as a send error.
    void send(Lane lane, const Endpoint& to, ByteView payload);
    void flush();

    /// For the rings that bring this tile its work: their producers ring it.
    [[nodiscard]] Doorbell& bell() { return bell_; }
    /// The address bound; family none for a lane without a socket.
    [[nodiscard]] Endpoint local(Lane lane) const;
    [[nodiscard]] const LaneCounters& counters(Lane lane) const
    {
        return counters_[static_cast<std::size_t>(lane)];
    }
    [[nodiscard]] ReceiveBackend backend() const { return choice_.receiver->backend(); }
    /// One line for the log: the backend, and what is missing for a better one.
    [[nodiscard]] std::string description() const;
    /// Ends receiving; by the owner, as its last call. Ports are free once the object is gone.
    void stop();

private:
    struct Socket {
        Lane lane;
        UdpSocket udp;
    };

    std::span<const Arrival> collect(std::chrono::nanoseconds wait_max);
    void count_receiver_events();
    /// Asks the system what each socket has lost: after a flood no datagram may follow to tell it.
    void count_losses();
    /// Notes overflow and truncation; the datagrams in data_bytes are good.
    void note(const Arrival& arrival, LaneCounters& counters);
    /// False when the datagram is too long or falls to the fault hook.
    bool admit(Lane lane, std::size_t payload_bytes, LaneCounters& counters);
    template <class Handle>
    std::size_t deliver(std::span<const Arrival> arrivals, Handle& handle);

    Options options_;
    Doorbell bell_;
    std::vector<Socket> sockets_;
    std::array<int, lane_count> socket_of_lane_{}; // -1: none
    std::array<LaneCounters, lane_count> counters_;
    std::array<std::uint64_t, lane_count> fault_thresholds_{};
    std::array<std::uint64_t, lane_count> fault_draws_{};
    std::uint32_t looks_ = 0; // since the sockets were last asked what they have lost
    std::unique_ptr<Sender> sender_;
    ReceiverChoice choice_; // last: gone before the sockets
};

template <class Handle>
std::size_t NetPort::deliver(std::span<const Arrival> arrivals, Handle& handle)
{
    std::size_t count = 0;
    for (const Arrival& arrival : arrivals) {
        const Lane lane = sockets_[arrival.socket_index].lane;
        LaneCounters& counters = counters_[static_cast<std::size_t>(lane)];
        note(arrival, counters);
        const std::size_t whole_bytes = arrival.data_bytes;
        const std::size_t step = arrival.segment_bytes == 0 ? whole_bytes : arrival.segment_bytes;
        // An empty datagram is one datagram. What a truncated arrival ends with is not whole.
        std::size_t offset = 0;
        do {
            const std::size_t bytes = std::min(step, whole_bytes - offset);
            if (arrival.truncated && (bytes < step || arrival.segment_bytes == 0)) {
                break;
            }
            if (admit(lane, bytes, counters)) {
                handle(Datagram{lane, arrival.source, ByteView{arrival.data + offset, bytes}});
                ++count;
            }
            offset += bytes;
        } while (offset < whole_bytes);
    }
    return count;
}

template <class Handle, class HasWork>
std::size_t NetPort::poll(Handle&& handle, HasWork&& has_work, std::chrono::nanoseconds sleep_max)
{
    using Clock = std::chrono::steady_clock;
    flush();
    std::size_t count = deliver(collect(std::chrono::nanoseconds{0}), handle);
    if (count > 0 || sleep_max.count() <= 0 || has_work()) {
        return count;
    }
    if (options_.spin.count() > 0) {
        const Clock::time_point spin_end = Clock::now() + options_.spin;
        do {
            count = deliver(collect(std::chrono::nanoseconds{0}), handle);
            if (count > 0 || has_work()) {
                return count;
            }
        } while (Clock::now() < spin_end);
    }
    bell_.announce_sleep();
    if (!has_work()) { // after the announcement: see spsc_ring.hpp, C2
        count = deliver(collect(sleep_max), handle);
    }
    bell_.woke();
    return count;
}

} // namespace belfry::dataplane
