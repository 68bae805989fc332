// SPDX-License-Identifier: Apache-2.0
#pragma once
// endpoint.hpp: an IP address and port as a configuration writes it: "127.0.0.1:8899",
// "[::1]:8899". Shapes   addresses only, no names: a node never waits for a resolver.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr_storage;

namespace belfry::node {

struct Endpoint {
    std::array<std::uint8_t, 16> address{}; // network order; IPv4 uses the first four
    bool is_ipv6 = false;
    std::uint16_t port = 0;
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;

    /// nullopt when the text is not "a.b.c.d:port" or "[ipv6]:port".
    [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    /// The address without port, IPv6 without brackets.
    [[nodiscard]] std::string host() const;
    /// Fills a socket address and returns its length.
    [[nodiscard]] unsigned to_sockaddr(sockaddr_storage& out) const;
};

} // namespace belfry::node
