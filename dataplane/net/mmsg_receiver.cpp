// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/mmsg_receiver.hpp"

#include "dataplane/net/control_message.hpp"

#include <cerrno>
#include <ctime>

namespace belfry::dataplane {
namespace {

std::vector<std::size_t> lay_out(const ReceiverOptions& options)
{
    std::vector<std::size_t> first{0};
    for (const ReceiverOptions::Socket& socket : options.sockets) {
        first.push_back(first.back() + socket.buffer_count);
    }
    return first;
}

} // namespace

MmsgReceiver::MmsgReceiver(const ReceiverOptions& options)
    : options_(options)
    , buffers_(lay_out(options).back() * options.buffer_bytes)
    , first_slot_(lay_out(options))
    , errors_(options.sockets.size())
{
    slots_.resize(first_slot_.back());
    headers_.resize(first_slot_.back());
    arrivals_.reserve(first_slot_.back());
    for (const ReceiverOptions::Socket& socket : options.sockets) {
        polled_.push_back({.fd = socket.fd, .events = POLLIN, .revents = 0});
    }
    if (options.bell != nullptr) {
        polled_.push_back({.fd = options.bell->fd(), .events = POLLIN, .revents = 0});
    }
}

std::span<const Arrival> MmsgReceiver::collect(std::chrono::nanoseconds wait_max) noexcept
{
    arrivals_.clear();
    if (stopped_) {
        return {};
    }
    if (wait_max.count() > 0) {
        const timespec timeout{.tv_sec = wait_max.count() / 1'000'000'000,
                               .tv_nsec = wait_max.count() % 1'000'000'000};
        (void)ppoll(polled_.data(), polled_.size(), &timeout, nullptr);
    }
    for (std::size_t i = 0; i < options_.sockets.size(); ++i) {
        receive(i);
    }
    return arrivals_;
}

void MmsgReceiver::receive(std::size_t socket_index) noexcept
{
    const std::size_t first = first_slot_[socket_index];
    const std::size_t count = first_slot_[socket_index + 1] - first;
    for (std::size_t i = first; i < first + count; ++i) {
        slots_[i].piece = {.iov_base = buffers_.data() + (i * options_.buffer_bytes),
                           .iov_len = options_.buffer_bytes};
        msghdr& header = headers_[i].msg_hdr;
        header = {};
        header.msg_name = &slots_[i].name;
        header.msg_namelen = sizeof(slots_[i].name);
        header.msg_iov = &slots_[i].piece;
        header.msg_iovlen = 1;
        header.msg_control = slots_[i].control.data();
        header.msg_controllen = slots_[i].control.size();
    }
    const int received = recvmmsg(options_.sockets[socket_index].fd, &headers_[first],
                                  static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
    if (received < 0) {
        errors_[socket_index] += errno != EAGAIN && errno != EINTR ? 1 : 0;
        return;
    }
    for (std::size_t i = first; i < first + static_cast<std::size_t>(received); ++i) {
        Arrival& arrival = arrivals_.emplace_back();
        arrival.data = static_cast<const std::uint8_t*>(slots_[i].piece.iov_base);
        arrival.data_bytes = headers_[i].msg_len;
        arrival.buffer = static_cast<std::uint32_t>(i);
        arrival.socket_index = static_cast<std::uint8_t>(socket_index);
        read_header(headers_[i].msg_hdr, arrival);
    }
}

} // namespace belfry::dataplane
