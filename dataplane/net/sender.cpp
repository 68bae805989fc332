// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/sender.hpp"

#include "base/check.hpp"

#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

namespace belfry::dataplane {
namespace {

// Order words: socket (8 bits) | hash of the destination (40) | place in the batch (16).
constexpr unsigned place_bits = 16;
constexpr unsigned destination_bits = 40;
constexpr unsigned socket_shift = place_bits + destination_bits;
static_assert(Sender::batch_max <= (std::size_t{1} << place_bits));

std::size_t place_of(std::uint64_t word)
{
    return static_cast<std::size_t>(word & ((std::uint64_t{1} << place_bits) - 1));
}

/// A path that cannot checksum or cut what the kernel would have to cut.
bool means_no_gso(int error)
{
    return error == EIO || error == EOPNOTSUPP || error == ENOPROTOOPT;
}

} // namespace

Sender::Sender(std::span<const int> sockets, bool gso)
    : payloads_(batch_max * datagram_bytes_max)
{
    BELFRY_CHECK(sockets.size() <= UINT8_MAX);
    for (const int fd : sockets) {
        sockets_.push_back(Socket{.fd = fd, .gso = gso, .counts = {}});
    }
    pending_.reserve(batch_max);
    order_.reserve(batch_max);
    messages_.reserve(batch_max);
    headers_.resize(batch_max);
    pieces_.resize(batch_max);
    names_.resize(batch_max);
    controls_.resize(batch_max);
}

void Sender::add(std::size_t socket_index, const Endpoint& to, ByteView payload)
{
    BELFRY_CHECK(!full());
    BELFRY_CHECK(socket_index < sockets_.size());
    BELFRY_CHECK(payload.size() <= datagram_bytes_max);
    const std::size_t place = pending_.size();
    std::ranges::copy(payload, &payloads_[place * datagram_bytes_max]);
    pending_.push_back({.to = to,
                        .payload_bytes = static_cast<std::uint16_t>(payload.size()),
                        .socket_index = static_cast<std::uint8_t>(socket_index)});
}

const Sender::Pending& Sender::pending_at(std::size_t place) const
{
    return pending_[place_of(order_[place])];
}

void Sender::put_in_order()
{
    order_.clear();
    for (std::size_t place = 0; place < pending_.size(); ++place) {
        const Pending& pending = pending_[place];
        const std::uint64_t destination = EndpointHasher{}(pending.to) >> (64 - destination_bits);
        order_.push_back((std::uint64_t{pending.socket_index} << socket_shift) |
                         (destination << place_bits) | place);
    }
    std::ranges::sort(order_); // the place comes last: towards one destination order is kept
}

void Sender::flush()
{
    if (pending_.empty()) {
        return;
    }
    wait_left_ = wait_max;
    put_in_order();
    std::size_t first = 0;
    while (first < order_.size()) {
        const std::size_t socket_index = pending_at(first).socket_index;
        std::size_t end = first + 1;
        while (end < order_.size() && pending_at(end).socket_index == socket_index) {
            ++end;
        }
        make_messages(first, end, sockets_[socket_index].gso);
        send_messages(sockets_[socket_index]);
        first = end;
    }
    pending_.clear();
}

void Sender::make_messages(std::size_t first, std::size_t end, bool gso)
{
    messages_.clear();
    while (first < end) {
        const Pending& head = pending_at(first);
        std::size_t count = 1;
        std::size_t bytes = head.payload_bytes;
        bool open = gso && head.payload_bytes > 0;
        while (open && first + count < end && count < run_max) {
            const Pending& next = pending_at(first + count);
            if (next.to != head.to || next.payload_bytes > head.payload_bytes ||
                next.payload_bytes == 0 || bytes + next.payload_bytes > run_bytes_max) {
                break;
            }
            open = next.payload_bytes == head.payload_bytes; // a shorter one ends the run
            bytes += next.payload_bytes;
            ++count;
        }
        fill_message({.first = first, .count = count}, messages_.size());
        messages_.push_back({.first = first, .count = count});
        first += count;
    }
}

void Sender::fill_message(Message message, std::size_t place)
{
    const Pending& head = pending_at(message.first);
    for (std::size_t i = message.first; i < message.first + message.count; ++i) {
        pieces_[i] = {.iov_base = &payloads_[place_of(order_[i]) * datagram_bytes_max],
                      .iov_len = pending_at(i).payload_bytes};
    }
    msghdr& header = headers_[place].msg_hdr;
    header = {};
    header.msg_name = &names_[place];
    header.msg_namelen = head.to.to(names_[place]);
    header.msg_iov = &pieces_[message.first];
    header.msg_iovlen = message.count;
    if (message.count > 1) {
        header.msg_control = &controls_[place];
        header.msg_controllen = sizeof(Control);
        cmsghdr* const control = CMSG_FIRSTHDR(&header);
        control->cmsg_level = IPPROTO_UDP;
        control->cmsg_type = UDP_SEGMENT;
        control->cmsg_len = CMSG_LEN(sizeof(head.payload_bytes));
        std::memcpy(CMSG_DATA(control), &head.payload_bytes, sizeof(head.payload_bytes));
    }
}

void Sender::send_messages(Socket& socket)
{
    std::size_t next = 0;
    while (next < messages_.size()) {
        const int sent = sendmmsg(socket.fd, &headers_[next],
                                  static_cast<unsigned>(messages_.size() - next), MSG_DONTWAIT);
        if (sent > 0) {
            for (int i = 0; i < sent; ++i) {
                count_sent(socket, messages_[next++]);
            }
            continue;
        }
        const int error = errno;
        if (error == EINTR || (error == EAGAIN && wait_writable(socket))) {
            continue;
        }
        if (error == EAGAIN) {
            for (; next < messages_.size(); ++next) {
                socket.counts.dropped += messages_[next].count;
            }
            return;
        }
        // The error is of the first message; the others are tried again without it.
        if (messages_[next].count > 1) {
            socket.gso = socket.gso && !means_no_gso(error);
            send_singly(socket, messages_[next]);
        } else {
            ++socket.counts.errors;
        }
        ++next;
    }
}

void Sender::send_singly(Socket& socket, Message message)
{
    for (std::size_t i = message.first; i < message.first + message.count; ++i) {
        sockaddr_storage name{};
        msghdr header{};
        header.msg_name = &name;
        header.msg_namelen = pending_at(i).to.to(name);
        header.msg_iov = &pieces_[i];
        header.msg_iovlen = 1;
        if (sendmsg(socket.fd, &header, MSG_DONTWAIT) >= 0) {
            count_sent(socket, {.first = i, .count = 1});
        } else {
            ++(errno == EAGAIN ? socket.counts.dropped : socket.counts.errors);
        }
    }
}

void Sender::count_sent(Socket& socket, Message message) const
{
    socket.counts.sent += message.count;
    socket.counts.sent_in_runs += message.count > 1 ? message.count : 0;
    for (std::size_t i = message.first; i < message.first + message.count; ++i) {
        socket.counts.sent_bytes += pending_at(i).payload_bytes;
    }
}

bool Sender::wait_writable(const Socket& socket)
{
    if (wait_left_.count() <= 0) {
        return false;
    }
    constexpr std::chrono::microseconds step{500};
    wait_left_ -= step;
    const timespec timeout{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(step).count()};
    pollfd writable{.fd = socket.fd, .events = POLLOUT, .revents = 0};
    (void)ppoll(&writable, 1, &timeout, nullptr);
    return true;
}

Sender::Counts Sender::take_counts(std::size_t socket_index)
{
    return std::exchange(sockets_[socket_index].counts, Counts{});
}

} // namespace belfry::dataplane
