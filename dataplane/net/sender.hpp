// SPDX-License-Identifier: Apache-2.0
#pragma once
// sender.hpp: collects datagrams and sends them with few system calls.
// Shapes   a batch is put in order of socket and destination; a run of equal datagrams to one
//          destination (the last may be shorter) is one message with UDP_SEGMENT, all messages of a
//          socket go with sendmmsg. Order towards one destination is kept.
// Bounds   batch_max datagrams of datagram_bytes_max; a full send buffer is waited for at most
//          wait_max in one flush, then the rest of that socket's batch is dropped and counted.
// Errors   counters only. A path without GSO makes its socket send one by one from then on.
// Threads  one owner.
// Speed    bench/net.

#include "base/bytes.hpp"
#include "dataplane/net/endpoint.hpp"
#include "dataplane/wire.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace belfry::dataplane {

class Sender {
public:
    static constexpr std::size_t batch_max = 256;
    static constexpr std::size_t run_max = 64; // the oldest limit of the kernel on a GSO run
    static constexpr std::size_t run_bytes_max = 65'000;
    static constexpr std::chrono::milliseconds wait_max{2};

    struct Counts {
        std::uint64_t sent = 0;
        std::uint64_t sent_bytes = 0;
        std::uint64_t sent_in_runs = 0;
        std::uint64_t errors = 0;
        std::uint64_t dropped = 0;
    };

    /// The descriptors must outlive the sender. Precondition: at most 255 sockets.
    Sender(std::span<const int> sockets, bool gso);

    [[nodiscard]] bool full() const { return pending_.size() == batch_max; }
    [[nodiscard]] bool empty() const { return pending_.empty(); }
    /// Precondition: not full, payload not longer than datagram_bytes_max, socket_index is one.
    void add(std::size_t socket_index, const Endpoint& to, ByteView payload);
    void flush();
    /// Since the call before.
    [[nodiscard]] Counts take_counts(std::size_t socket_index);

private:
    struct Pending {
        Endpoint to;
        std::uint16_t payload_bytes = 0;
        std::uint8_t socket_index = 0;
    };
    struct Message {
        std::size_t first = 0; // in order_
        std::size_t count = 0;
    };
    struct Socket {
        int fd = -1;
        bool gso = false;
        Counts counts;
    };

    [[nodiscard]] const Pending& pending_at(std::size_t place) const;
    void put_in_order();
    /// The messages of one socket's datagrams, which are order_[first..end).
    void make_messages(std::size_t first, std::size_t end, bool gso);
    void fill_message(Message message, std::size_t place);
    void send_messages(Socket& socket);
    /// After a refused GSO run: each of its datagrams by itself.
    void send_singly(Socket& socket, Message message);
    void count_sent(Socket& socket, Message message) const;
    [[nodiscard]] bool wait_writable(const Socket& socket);

    std::vector<Socket> sockets_;
    std::vector<Pending> pending_;
    std::vector<std::uint8_t> payloads_;
    std::vector<std::uint64_t> order_; // socket, destination's hash, place in pending_
    std::vector<Message> messages_;
    std::vector<mmsghdr> headers_;
    std::vector<iovec> pieces_;
    std::vector<sockaddr_storage> names_;
    struct alignas(cmsghdr) Control {
        std::array<std::uint8_t, CMSG_SPACE(sizeof(std::uint16_t))> bytes;
    };
    std::vector<Control> controls_;
    std::chrono::nanoseconds wait_left_{0};
};

} // namespace belfry::dataplane
