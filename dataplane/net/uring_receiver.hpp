// SPDX-License-Identifier: Apache-2.0
#pragma once
// uring_receiver.hpp: the two receivers on io_uring; see receiver.hpp.
// Bounds   multishot: buffer_count provided buffers per socket; when they are used up the receive
//          ends (ENOBUFS), the kernel's queue keeps what comes, and the next collect() arms it
//          again. single shot: requests_max per socket.

#include "dataplane/net/receiver.hpp"
#include "dataplane/net/uring.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace belfry::dataplane {

/// What both have in common: the ring, its start in the collecting thread, the doorbell.
class UringReceiver : public Receiver {
public:
    std::span<const Arrival> collect(std::chrono::nanoseconds wait_max) noexcept final;
    [[nodiscard]] std::uint64_t rearm_count(std::size_t socket_index) const noexcept final
    {
        return rearms_[socket_index];
    }
    [[nodiscard]] std::uint64_t error_count(std::size_t socket_index) const noexcept final
    {
        return errors_[socket_index];
    }
    [[nodiscard]] bool is_restricted() const noexcept final { return uring_.is_restricted(); }
    void stop() noexcept final;

protected:
    UringReceiver(const ReceiverOptions& options, std::size_t arrivals_max, std::uint8_t sqe_flags);

    /// Gives back the buffers of the last arrivals and arms what is not armed.
    virtual void arm() noexcept = 0;
    /// Takes one completion: may append to arrivals_ and mark its receive as not armed.
    virtual void take(const io_uring_cqe& completion) noexcept = 0;

    ReceiverOptions options_;
    Uring uring_;
    std::vector<Arrival> arrivals_;
    std::vector<std::uint64_t> rearms_;
    std::vector<std::uint64_t> errors_;

private:
    static constexpr std::uint64_t bell_tag = UINT64_MAX;
    void take_all() noexcept;
    void arm_bell() noexcept;
    bool started_ = false;
    bool stopped_ = false;
    bool bell_armed_ = false;
};

class MultishotReceiver final : public UringReceiver {
public:
    /// Throws std::system_error when the kernel lacks a part of it.
    explicit MultishotReceiver(const ReceiverOptions& options);
    [[nodiscard]] ReceiveBackend backend() const noexcept override
    {
        return ReceiveBackend::multishot;
    }

private:
    struct Socket {
        BufferRing buffers;
        bool armed = false;
        bool was_armed = false;
    };
    void arm() noexcept override;
    void take(const io_uring_cqe& completion) noexcept override;
    /// False when the buffer does not hold a whole header.
    static bool read(const std::uint8_t* buffer, std::size_t bytes, Arrival& arrival) noexcept;

    std::vector<Socket> sockets_;
    msghdr header_{}; // the sizes that every receive has in common
};

class SingleShotReceiver final : public UringReceiver {
public:
    explicit SingleShotReceiver(const ReceiverOptions& options);
    [[nodiscard]] ReceiveBackend backend() const noexcept override
    {
        return ReceiveBackend::single_shot;
    }

private:
    static constexpr std::size_t requests_max = 16; // of one socket
    struct Request {
        msghdr header{};
        iovec piece{};
        sockaddr_storage name{};
        alignas(cmsghdr) std::array<std::uint8_t, 64> control{};
        std::uint8_t socket_index = 0;
        bool armed = false;
    };
    void arm() noexcept override;
    void take(const io_uring_cqe& completion) noexcept override;

    MappedBytes buffers_;
    std::vector<Request> requests_;
};

} // namespace belfry::dataplane
