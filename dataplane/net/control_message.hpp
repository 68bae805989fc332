// SPDX-License-Identifier: Apache-2.0
#pragma once
// control_message.hpp: what the kernel tells beside a datagram: the size of an aggregate's parts,
// and how many datagrams the socket has lost.

#include "dataplane/net/receiver.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace belfry::dataplane {

inline constexpr std::size_t receive_control_bytes =
    CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(std::uint32_t)); // UDP_GRO, SO_RXQ_OVFL

inline void read_control(const cmsghdr& message, Arrival& arrival)
{
    if (message.cmsg_level == IPPROTO_UDP && message.cmsg_type == UDP_GRO &&
        message.cmsg_len >= CMSG_LEN(sizeof(int))) {
        int segment_bytes = 0;
        std::memcpy(&segment_bytes, CMSG_DATA(&message), sizeof(segment_bytes));
        arrival.segment_bytes = segment_bytes > 0 ? static_cast<std::uint32_t>(segment_bytes) : 0;
    }
    if (message.cmsg_level == SOL_SOCKET && message.cmsg_type == SO_RXQ_OVFL &&
        message.cmsg_len >= CMSG_LEN(sizeof(std::uint32_t))) {
        std::memcpy(&arrival.queue_overflow_count, CMSG_DATA(&message), sizeof(std::uint32_t));
    }
}

/// From a msghdr that recvmsg filled: everything but data_bytes and buffer.
inline void read_header(msghdr& header, Arrival& arrival)
{
    for (cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr;
         message = CMSG_NXTHDR(&header, message)) {
        read_control(*message, arrival);
    }
    arrival.truncated = (header.msg_flags & MSG_TRUNC) != 0;
    arrival.source = Endpoint::from(*static_cast<const sockaddr_storage*>(header.msg_name));
}

} // namespace belfry::dataplane
