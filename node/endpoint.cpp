// SPDX-License-Identifier: Apache-2.0
#include "node/endpoint.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace belfry::node {

namespace {

/// 0..65535 in plain digits, without sign or leading zeros.
std::optional<std::uint16_t> parse_port(std::string_view text)
{
    if (text.empty() || (text.size() > 1 && text.front() == '0')) {
        return std::nullopt;
    }
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return port;
}

} // namespace

std::optional<Endpoint> Endpoint::parse(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
    if (!port) {
        return std::nullopt;
    }
    std::string host(text.substr(0, colon));
    Endpoint endpoint;
    endpoint.port = *port;
    endpoint.is_ipv6 = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (endpoint.is_ipv6) {
        host = host.substr(1, host.size() - 2);
    }
    const int family = endpoint.is_ipv6 ? AF_INET6 : AF_INET;
    // A NUL inside would end the text early for inet_pton.
    if (host.find('\0') != std::string::npos
        || inet_pton(family, host.c_str(), endpoint.address.data()) != 1) {
        return std::nullopt;
    }
    return endpoint;
}

std::string Endpoint::host() const
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = is_ipv6 ? AF_INET6 : AF_INET;
    const char* const written = inet_ntop(family, address.data(), text.data(), text.size());
    return written == nullptr ? std::string() : std::string(written);
}

std::string Endpoint::to_string() const
{
    return is_ipv6 ? fmt::format("[{}]:{}", host(), port) : fmt::format("{}:{}", host(), port);
}

unsigned Endpoint::to_sockaddr(sockaddr_storage& out) const
{
    out = sockaddr_storage{};
    if (is_ipv6) {
        sockaddr_in6 socket_address{};
        socket_address.sin6_family = AF_INET6;
        socket_address.sin6_port = htons(port);
        std::memcpy(&socket_address.sin6_addr, address.data(), 16);
        std::memcpy(&out, &socket_address, sizeof(socket_address));
        return sizeof(socket_address);
    }
    sockaddr_in socket_address{};
    socket_address.sin_family = AF_INET;
    socket_address.sin_port = htons(port);
    std::memcpy(&socket_address.sin_addr, address.data(), 4);
    std::memcpy(&out, &socket_address, sizeof(socket_address));
    return sizeof(socket_address);
}

} // namespace belfry::node
