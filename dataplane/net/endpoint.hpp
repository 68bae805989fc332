// SPDX-License-Identifier: Apache-2.0
#pragma once
// endpoint.hpp: an IPv4 or IPv6 address with a port, as a value.
// Shapes   "127.0.0.1:8001", "[::1]:8001", "[fe80::1%2]:8001" (the scope as a number).
// Errors   parse gives nullopt; names are not resolved.

#include "base/bytes.hpp"

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace belfry::dataplane {

struct Endpoint {
    enum class Family : std::uint8_t { none, ipv4, ipv6 };

    std::array<std::uint8_t, 16> address{}; // network order; the first four bytes for IPv4
    std::uint32_t scope = 0;
    std::uint16_t port = 0; // host order
    Family family = Family::none;

    friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;

    [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);
    /// Family none for anything but IPv4 and IPv6.
    [[nodiscard]] static Endpoint from(const sockaddr_storage& address);
    /// Returns the length that bind and sendmsg want; 0 for family none.
    socklen_t to(sockaddr_storage& out) const;
    [[nodiscard]] std::string to_string() const;
    /// 0.0.0.0 or ::
    [[nodiscard]] bool is_wildcard() const;
};
static_assert(sizeof(Endpoint) == 24);

/// Seeded per process: peers choose their addresses and ports.
struct EndpointHasher {
    [[nodiscard]] std::size_t operator()(const Endpoint& endpoint) const noexcept;
};

} // namespace belfry::dataplane
