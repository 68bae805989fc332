// SPDX-License-Identifier: Apache-2.0
#pragma once
// receiver.hpp: what takes datagrams from a set of sockets; three ways behind one interface.
// Shapes   multishot    io_uring, one RECVMSG per socket that goes on completing into a ring of
//                       provided buffers (Linux 6.0)
//          single_shot  io_uring, a few RECVMSG per socket, each armed again after use;
//                       they may overtake one another
//          recvmmsg     recvmmsg and poll, where io_uring is refused
// Bounds   buffers per socket from the options: a flood on one socket cannot take another's.
// Threads  made by any thread; the first collect() binds it to its caller.

#include "dataplane/link/spsc_ring.hpp"
#include "dataplane/net/endpoint.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace belfry::dataplane {

/// What one receive brought: a datagram, or an aggregate of equal ones (the last may be shorter).
struct Arrival {
    const std::uint8_t* data = nullptr;
    std::uint32_t data_bytes = 0;
    std::uint32_t segment_bytes = 0;        // of each datagram in the aggregate; 0: one datagram
    std::uint32_t buffer = 0;               // the receiver's own
    std::uint32_t queue_overflow_count = 0; // of this socket since its start; 0: not told
    std::uint8_t socket_index = 0;
    bool truncated = false; // data_bytes is all there is room for
    Endpoint source;
};

enum class ReceiveBackend : std::uint8_t { automatic, multishot, single_shot, recvmmsg };
[[nodiscard]] std::string_view to_string(ReceiveBackend backend);

struct ReceiverOptions {
    struct Socket {
        int fd = -1;
        std::size_t buffer_count = 32; // a power of two
    };
    std::vector<Socket> sockets;
    std::size_t buffer_bytes = std::size_t{64} << 10; // smaller ones truncate aggregates
    Doorbell* bell = nullptr;                         // also ends a wait
};

class Receiver {
public:
    Receiver() = default;
    virtual ~Receiver() = default;
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    [[nodiscard]] virtual ReceiveBackend backend() const noexcept = 0;
    /// Gives back the buffers of the call before, then takes what has arrived, waiting at most
    /// wait_max for the first. The arrivals are valid until the next call. Fewer than waited for
    /// when the doorbell rings.
    virtual std::span<const Arrival> collect(std::chrono::nanoseconds wait_max) noexcept = 0;
    /// Receives that ended for want of a buffer or otherwise, and were armed again; per socket.
    [[nodiscard]] virtual std::uint64_t rearm_count(std::size_t socket_index) const noexcept = 0;
    [[nodiscard]] virtual std::uint64_t error_count(std::size_t socket_index) const noexcept = 0;
    /// Whether the kernel holds it to receiving: true too where it has no ring that could do more.
    [[nodiscard]] virtual bool is_restricted() const noexcept = 0;
    /// Ends all receives, so that the ports are free when the sockets are closed. By the thread
    /// that collects; the destructor does not need it but may free the ports a moment later.
    virtual void stop() noexcept = 0;
};

/// What was made, and why nothing better (empty when it is the best).
struct ReceiverChoice {
    std::unique_ptr<Receiver> receiver;
    std::string absence;
};
/// automatic takes the best that works here. Throws std::runtime_error when the one asked for does
/// not work, or there is no memory.
[[nodiscard]] ReceiverChoice make_receiver(ReceiveBackend wanted, const ReceiverOptions& options);

} // namespace belfry::dataplane
