// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/uring_receiver.hpp"

#include "base/check.hpp"
#include "dataplane/net/control_message.hpp"

#include <poll.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

namespace belfry::dataplane {
namespace {

constexpr unsigned submissions_max = 128; // between two enters; more make one more enter
constexpr std::array operations_used{IORING_OP_RECVMSG, IORING_OP_POLL_ADD}; // datagrams, the bell
constexpr std::size_t multishot_name_bytes = sizeof(sockaddr_in6);
constexpr std::size_t multishot_head_bytes =
    sizeof(io_uring_recvmsg_out) + multishot_name_bytes + receive_control_bytes;

std::size_t all_buffers(const ReceiverOptions& options)
{
    std::size_t count = 0;
    for (const ReceiverOptions::Socket& socket : options.sockets) {
        count += socket.buffer_count;
    }
    return count;
}

unsigned completions_for(std::size_t arrivals_max)
{
    const std::size_t count =
        std::max<std::size_t>(4 * arrivals_max, std::size_t{2} * submissions_max);
    return static_cast<unsigned>(std::bit_ceil(count));
}

} // namespace

UringReceiver::UringReceiver(const ReceiverOptions& options, std::size_t arrivals_max,
                             std::uint8_t sqe_flags)
    : options_(options)
    , uring_({.sqe_count = submissions_max,
              .cqe_count = completions_for(arrivals_max),
              .operations = operations_used,
              .sqe_flags = sqe_flags})
    , rearms_(options.sockets.size())
    , errors_(options.sockets.size())
{
    arrivals_.reserve(arrivals_max);
}

std::span<const Arrival> UringReceiver::collect(std::chrono::nanoseconds wait_max) noexcept
{
    if (stopped_) {
        return {};
    }
    if (!started_) {
        started_ = uring_.start();
        BELFRY_CHECK(started_); // only a second thread's call can make it fail
    }
    arm(); // looks at arrivals_, whose buffers it gives back
    arrivals_.clear();
    if (io_uring_cq_ready(uring_.get()) == 0 || io_uring_sq_ready(uring_.get()) > 0) {
        if (wait_max.count() > 0) {
            arm_bell();
        }
        uring_.enter(wait_max);
    }
    take_all();
    return arrivals_;
}

void UringReceiver::take_all() noexcept
{
    // Completions of one look: those that come meanwhile wait for the next.
    unsigned left = io_uring_cq_ready(uring_.get());
    for (; left > 0 && arrivals_.size() < arrivals_.capacity(); --left) {
        io_uring_cqe* completion = nullptr;
        if (io_uring_peek_cqe(uring_.get(), &completion) != 0) {
            return;
        }
        if (completion->user_data == bell_tag) {
            bell_armed_ = false;
        } else {
            take(*completion);
        }
        io_uring_cqe_seen(uring_.get(), completion);
    }
}

void UringReceiver::arm_bell() noexcept
{
    if (options_.bell == nullptr || bell_armed_) {
        return;
    }
    if (io_uring_sqe* const entry = uring_.next_sqe(); entry != nullptr) {
        io_uring_prep_poll_add(entry, options_.bell->fd(), POLLIN);
        entry->user_data = bell_tag;
        bell_armed_ = true;
    }
}

void UringReceiver::stop() noexcept
{
    if (started_ && !stopped_) {
        uring_.cancel_all();
    }
    stopped_ = true;
    arrivals_.clear();
}

MultishotReceiver::MultishotReceiver(const ReceiverOptions& options)
    : UringReceiver(options, all_buffers(options), IOSQE_BUFFER_SELECT)
{
    header_.msg_namelen = multishot_name_bytes;
    header_.msg_controllen = receive_control_bytes;
    sockets_.reserve(options.sockets.size());
    for (std::size_t i = 0; i < options.sockets.size(); ++i) {
        const BufferRing::Options ring{
            .group = static_cast<std::uint16_t>(i),
            .count = static_cast<std::uint32_t>(options.sockets[i].buffer_count),
            .buffer_bytes = (multishot_head_bytes + options.buffer_bytes + 63) / 64 * 64};
        sockets_.push_back(Socket{.buffers = BufferRing(uring_, ring)});
    }
}

void MultishotReceiver::arm() noexcept
{
    for (const Arrival& arrival : arrivals_) {
        sockets_[arrival.socket_index].buffers.add(arrival.buffer);
    }
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
        Socket& socket = sockets_[i];
        socket.buffers.publish();
        if (socket.armed) {
            continue;
        }
        io_uring_sqe* const entry = uring_.next_sqe();
        if (entry == nullptr) {
            continue;
        }
        io_uring_prep_recvmsg_multishot(entry, options_.sockets[i].fd, &header_, 0);
        entry->flags = static_cast<std::uint8_t>(entry->flags | IOSQE_BUFFER_SELECT);
        entry->buf_group = socket.buffers.group();
        entry->user_data = i;
        rearms_[i] += socket.was_armed ? 1 : 0;
        socket.armed = true;
        socket.was_armed = true;
    }
}

void MultishotReceiver::take(const io_uring_cqe& completion) noexcept
{
    const auto index = static_cast<std::size_t>(completion.user_data);
    Socket& socket = sockets_[index];
    if ((completion.flags & IORING_CQE_F_MORE) == 0) {
        socket.armed = false;
    }
    const bool has_buffer = (completion.flags & IORING_CQE_F_BUFFER) != 0;
    if (completion.res < 0 && completion.res != -ENOBUFS) {
        ++errors_[index];
    }
    if (!has_buffer) {
        return;
    }
    const std::uint32_t id = completion.flags >> IORING_CQE_BUFFER_SHIFT;
    Arrival arrival;
    arrival.socket_index = static_cast<std::uint8_t>(index);
    arrival.buffer = id;
    if (completion.res < 0 ||
        !read(socket.buffers.buffer(id), static_cast<std::size_t>(completion.res), arrival)) {
        errors_[index] += completion.res < 0 ? 0 : 1; // too short to be what was asked for
        socket.buffers.add(id);
        return;
    }
    arrivals_.push_back(arrival);
}

bool MultishotReceiver::read(const std::uint8_t* buffer, std::size_t bytes,
                             Arrival& arrival) noexcept
{
    if (bytes < multishot_head_bytes) {
        return false;
    }
    io_uring_recvmsg_out out{};
    std::memcpy(&out, buffer, sizeof(out));
    sockaddr_storage name{};
    std::memcpy(&name, buffer + sizeof(out),
                std::min<std::size_t>(out.namelen, multishot_name_bytes));
    arrival.source = Endpoint::from(name);

    alignas(cmsghdr) std::array<std::uint8_t, receive_control_bytes> control{};
    std::memcpy(control.data(), buffer + sizeof(out) + multishot_name_bytes, control.size());
    msghdr header{};
    header.msg_control = control.data();
    header.msg_controllen = std::min<std::size_t>(out.controllen, control.size());
    for (cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr;
         message = CMSG_NXTHDR(&header, message)) {
        read_control(*message, arrival);
    }
    arrival.data = buffer + multishot_head_bytes;
    arrival.data_bytes = static_cast<std::uint32_t>(bytes - multishot_head_bytes);
    arrival.truncated = (out.flags & MSG_TRUNC) != 0;
    return true;
}

SingleShotReceiver::SingleShotReceiver(const ReceiverOptions& options)
    : UringReceiver(options, options.sockets.size() * requests_max, 0)
    , buffers_(options.sockets.size() * requests_max * options.buffer_bytes)
    , requests_(options.sockets.size() * requests_max)
{
    for (std::size_t i = 0; i < requests_.size(); ++i) {
        requests_[i].socket_index = static_cast<std::uint8_t>(i / requests_max);
    }
}

void SingleShotReceiver::arm() noexcept
{
    for (std::size_t i = 0; i < requests_.size(); ++i) {
        Request& request = requests_[i];
        if (request.armed) {
            continue;
        }
        io_uring_sqe* const entry = uring_.next_sqe();
        if (entry == nullptr) {
            return;
        }
        request.piece = {.iov_base = buffers_.data() + (i * options_.buffer_bytes),
                         .iov_len = options_.buffer_bytes};
        request.header = {};
        request.header.msg_name = &request.name;
        request.header.msg_namelen = sizeof(request.name);
        request.header.msg_iov = &request.piece;
        request.header.msg_iovlen = 1;
        request.header.msg_control = request.control.data();
        request.header.msg_controllen = request.control.size();
        io_uring_prep_recvmsg(entry, options_.sockets[request.socket_index].fd, &request.header, 0);
        entry->user_data = i;
        request.armed = true;
    }
}

void SingleShotReceiver::take(const io_uring_cqe& completion) noexcept
{
    const auto index = static_cast<std::size_t>(completion.user_data);
    Request& request = requests_[index];
    request.armed = false;
    ++rearms_[request.socket_index];
    if (completion.res < 0) {
        ++errors_[request.socket_index];
        return;
    }
    Arrival& arrival = arrivals_.emplace_back();
    arrival.data = buffers_.data() + (index * options_.buffer_bytes);
    arrival.data_bytes = static_cast<std::uint32_t>(completion.res);
    arrival.buffer = static_cast<std::uint32_t>(index);
    arrival.socket_index = request.socket_index;
    read_header(request.header, arrival);
}

} // namespace belfry::dataplane
