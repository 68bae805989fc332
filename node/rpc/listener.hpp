// SPDX-License-Identifier: Apache-2.0
#pragma once
// listener.hpp: opens a listening socket at a configured address. Private to rpc/; shows
// Boost.Asio.
// Errors   std::runtime_error: which address, why, what to do.

#include "dataplane/net/endpoint.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <stdexcept>
#include <string_view>

namespace belfry::node {

inline void open_listener(boost::asio::ip::tcp::acceptor& acceptor,
                          const dataplane::Endpoint& listen, std::string_view what)
{
    sockaddr_storage storage{};
    const socklen_t length = listen.to(storage);
    boost::asio::ip::tcp::endpoint address;
    address.resize(length);
    std::memcpy(address.data(), &storage, length);
    boost::system::error_code error;
    (void)acceptor.open(address.protocol(), error);
    if (!error) {
        (void)acceptor.set_option(boost::asio::socket_base::reuse_address(true), error);
    }
    if (!error && listen.family == dataplane::Endpoint::Family::ipv6) {
        (void)acceptor.set_option(boost::asio::ip::v6_only(true), error);
    }
    if (!error) {
        (void)acceptor.bind(address, error);
    }
    if (!error) {
        (void)acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
    }
    if (error) {
        throw std::runtime_error(
            fmt::format("cannot listen for {} on {}: {}; free the address or set another one", what,
                        listen.to_string(), error.message()));
    }
}

} // namespace belfry::node
