// SPDX-License-Identifier: Apache-2.0
#pragma once
// mmsg_receiver.hpp: receives with recvmmsg and poll, where io_uring is refused; see receiver.hpp.

#include "dataplane/net/receiver.hpp"
#include "dataplane/net/uring.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace belfry::dataplane {

class MmsgReceiver final : public Receiver {
public:
    explicit MmsgReceiver(const ReceiverOptions& options);

    [[nodiscard]] ReceiveBackend backend() const noexcept override
    {
        return ReceiveBackend::recvmmsg;
    }
    std::span<const Arrival> collect(std::chrono::nanoseconds wait_max) noexcept override;
    [[nodiscard]] std::uint64_t rearm_count(std::size_t /*socket_index*/) const noexcept override
    {
        return 0;
    }
    [[nodiscard]] std::uint64_t error_count(std::size_t socket_index) const noexcept override
    {
        return errors_[socket_index];
    }
    void stop() noexcept override { stopped_ = true; }
    [[nodiscard]] bool is_restricted() const noexcept override { return true; } // it has no ring

private:
    struct Slot {
        sockaddr_storage name{};
        iovec piece{};
        alignas(cmsghdr) std::array<std::uint8_t, 64> control{};
    };
    void receive(std::size_t socket_index) noexcept;

    ReceiverOptions options_;
    MappedBytes buffers_;
    std::vector<Slot> slots_;
    std::vector<mmsghdr> headers_;
    std::vector<std::size_t> first_slot_; // of each socket, and the end
    std::vector<pollfd> polled_;
    std::vector<Arrival> arrivals_;
    std::vector<std::uint64_t> errors_;
    bool stopped_ = false;
};

} // namespace belfry::dataplane
