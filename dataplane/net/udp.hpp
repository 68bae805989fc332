// SPDX-License-Identifier: Apache-2.0
#pragma once
// udp.hpp: one bound UDP socket, set up for a lane of datagrams.
// Shapes   blocking descriptor (io_uring would not wait on another), IPv6 sockets carry IPv6 only,
//          don't-fragment is set and path-MTU messages from the network are not believed.
// Bounds   receive and send buffers as asked for, as far as the system allows (beyond rmem_max with
//          CAP_NET_ADMIN); receive_buffer_bytes() says what was granted.
// Errors   the constructor throws std::runtime_error with one line that names the address and the
//          step; afterwards the descriptor is for the receiver and the sender.
// Threads  one owner.

#include "dataplane/net/endpoint.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace belfry::dataplane {

class UdpSocket {
public:
    struct Options {
        Endpoint local; // port 0: the system chooses
        std::size_t receive_buffer_bytes = std::size_t{4} << 20;
        std::size_t send_buffer_bytes = std::size_t{1} << 20;
        bool gro = true;               // equal datagrams of one flow arrive as one aggregate
        std::size_t mtu_bytes_min = 0; // the interface of local must carry this; 0: not asked
        // The kernel frees the port of a process that has just died a moment after its end.
        std::chrono::milliseconds bind_retry{1000};
    };
    explicit UdpSocket(const Options& options);
    ~UdpSocket();
    UdpSocket(UdpSocket&& other) noexcept;
    UdpSocket& operator=(UdpSocket&&) = delete;
    UdpSocket(const UdpSocket&) = delete;
    UdpSocket& operator=(const UdpSocket&) = delete;

    [[nodiscard]] int fd() const noexcept { return fd_; }
    /// The address bound, with the real port.
    [[nodiscard]] const Endpoint& local() const noexcept { return local_; }
    [[nodiscard]] bool has_gro() const noexcept { return gro_; }
    [[nodiscard]] std::size_t receive_buffer_bytes() const noexcept { return receive_bytes_; }
    /// Datagrams that the system has thrown away for want of room since the start; an aggregate
    /// counts as one. nullopt where the system does not tell.
    [[nodiscard]] std::optional<std::uint32_t> lost_count() const noexcept;

private:
    int fd_ = -1;
    Endpoint local_;
    bool gro_ = false;
    std::size_t receive_bytes_ = 0;
};

/// The MTU of the interface that has this address; for a wildcard the largest of all interfaces
/// that are up, but loopback; nullopt when there is none.
[[nodiscard]] std::optional<std::size_t> interface_mtu_bytes(const Endpoint& local);

} // namespace belfry::dataplane
