// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/endpoint.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace belfry::dataplane {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text)
{
    Number number = 0;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [rest, error] = std::from_chars(begin, end, number);
    if (text.empty() || error != std::errc{} || rest != end) {
        return std::nullopt;
    }
    return number;
}

} // namespace

std::optional<Endpoint> Endpoint::parse(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const std::optional<std::uint16_t> port = parse_number<std::uint16_t>(text.substr(colon + 1));
    std::string_view host = text.substr(0, colon);
    if (!port || host.empty()) {
        return std::nullopt;
    }
    Endpoint out;
    out.port = *port;
    if (host.front() != '[') {
        out.family = Family::ipv4;
        const std::string name(host);
        return inet_pton(AF_INET, name.c_str(), out.address.data()) == 1 ? std::optional(out)
                                                                         : std::nullopt;
    }
    if (host.back() != ']') {
        return std::nullopt;
    }
    host = host.substr(1, host.size() - 2);
    if (const std::size_t percent = host.find('%'); percent != std::string_view::npos) {
        const std::optional<std::uint32_t> scope =
            parse_number<std::uint32_t>(host.substr(percent + 1));
        if (!scope) {
            return std::nullopt;
        }
        out.scope = *scope;
        host = host.substr(0, percent);
    }
    out.family = Family::ipv6;
    const std::string name(host);
    return inet_pton(AF_INET6, name.c_str(), out.address.data()) == 1 ? std::optional(out)
                                                                      : std::nullopt;
}

Endpoint Endpoint::from(const sockaddr_storage& address)
{
    Endpoint out;
    if (address.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof(v4));
        std::memcpy(out.address.data(), &v4.sin_addr, sizeof(v4.sin_addr));
        out.port = ntohs(v4.sin_port);
        out.family = Family::ipv4;
    } else if (address.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address, sizeof(v6));
        std::memcpy(out.address.data(), &v6.sin6_addr, sizeof(v6.sin6_addr));
        out.port = ntohs(v6.sin6_port);
        out.scope = v6.sin6_scope_id;
        out.family = Family::ipv6;
    }
    return out;
}

socklen_t Endpoint::to(sockaddr_storage& out) const
{
    if (family == Family::ipv4) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&v4.sin_addr, address.data(), sizeof(v4.sin_addr));
        std::memcpy(&out, &v4, sizeof(v4));
        return sizeof(v4);
    }
    if (family == Family::ipv6) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        v6.sin6_scope_id = scope;
        std::memcpy(&v6.sin6_addr, address.data(), sizeof(v6.sin6_addr));
        std::memcpy(&out, &v6, sizeof(v6));
        return sizeof(v6);
    }
    return 0;
}

std::string Endpoint::to_string() const
{
    std::array<char, INET6_ADDRSTRLEN> host{};
    if (family == Family::ipv4) {
        inet_ntop(AF_INET, address.data(), host.data(), host.size());
        return fmt::format("{}:{}", host.data(), port);
    }
    if (family == Family::ipv6) {
        inet_ntop(AF_INET6, address.data(), host.data(), host.size());
        return scope == 0 ? fmt::format("[{}]:{}", host.data(), port)
                          : fmt::format("[{}%{}]:{}", host.data(), scope, port);
    }
    return "no address";
}

bool Endpoint::is_wildcard() const
{
    return std::ranges::all_of(address, [](std::uint8_t byte) { return byte == 0; });
}

std::size_t EndpointHasher::operator()(const Endpoint& endpoint) const noexcept
{
    std::array<std::uint8_t, 32> bytes{};
    std::memcpy(bytes.data(), endpoint.address.data(), endpoint.address.size());
    std::memcpy(&bytes[16], &endpoint.scope, sizeof(endpoint.scope));
    std::memcpy(&bytes[20], &endpoint.port, sizeof(endpoint.port));
    bytes[22] = static_cast<std::uint8_t>(endpoint.family);
    return FixedBytesHasher{}.mix(bytes.data());
}

} // namespace belfry::dataplane
