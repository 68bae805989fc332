// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/endpoint.hpp"
#include "dataplane/net/udp.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <unordered_set>

namespace belfry::dataplane {
namespace {

TEST(Endpoint, prints_what_it_parsed)
{
    for (const std::string text : {"127.0.0.1:8001", "0.0.0.0:0", "255.255.255.255:65535",
                                   "[::1]:8001", "[::]:0", "[2001:db8::7]:9", "[fe80::1%3]:10"}) {
        const std::optional<Endpoint> endpoint = Endpoint::parse(text);
        ASSERT_TRUE(endpoint.has_value()) << text;
        EXPECT_EQ(endpoint->to_string(), text);
    }
}

TEST(Endpoint, refuses_what_is_not_an_address_and_a_port)
{
    for (const std::string text :
         {"", ":", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:65536", "127.0.0.1:-1",
          "127.0.0.1:80x", "127.0.0.1: 80", "127.0.0:80", "localhost:80", "::1:80", "[::1]",
          "[::1:80", "::1]:80", "[]:80", "[::g]:80", "[fe80::1%eth0]:80", "[fe80::1%]:80"}) {
        EXPECT_FALSE(Endpoint::parse(text).has_value()) << text;
    }
}

TEST(Endpoint, survives_the_way_through_a_socket_address)
{
    for (const std::string text : {"10.1.2.3:4567", "[fe80::abcd%7]:4567", "[::]:1"}) {
        const Endpoint endpoint = *Endpoint::parse(text);
        sockaddr_storage address{};
        EXPECT_GT(endpoint.to(address), 0U);
        EXPECT_EQ(Endpoint::from(address), endpoint);
    }
    sockaddr_storage none{};
    EXPECT_EQ(Endpoint{}.to(none), 0U);
    EXPECT_EQ(Endpoint::from(none).family, Endpoint::Family::none);
}

TEST(Endpoint, every_field_counts_in_equality_and_hash)
{
    std::unordered_set<Endpoint, EndpointHasher> set;
    for (const std::string text : {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1", "[::1]:1",
                                   "[7f00:1::]:1", "[fe80::1%1]:1", "[fe80::1%2]:1"}) {
        EXPECT_TRUE(set.insert(*Endpoint::parse(text)).second) << text;
        EXPECT_FALSE(set.insert(*Endpoint::parse(text)).second) << text;
    }
}

UdpSocket::Options loopback(const std::string& address = "127.0.0.1:0")
{
    return {.local = *Endpoint::parse(address)};
}

TEST(UdpSocket, tells_the_port_that_the_system_chose)
{
    const UdpSocket v4(loopback());
    EXPECT_NE(v4.local().port, 0);
    EXPECT_EQ(v4.local().family, Endpoint::Family::ipv4);
    const UdpSocket v6(loopback("[::1]:0"));
    EXPECT_NE(v6.local().port, 0);
    EXPECT_EQ(v6.local().family, Endpoint::Family::ipv6);
    EXPECT_GE(v4.receive_buffer_bytes(), std::size_t{100'000});
}

TEST(UdpSocket, an_occupied_port_is_an_error_that_names_the_address)
{
    const UdpSocket first(loopback());
    UdpSocket::Options options;
    options.local = first.local();
    options.bind_retry = std::chrono::milliseconds{0};
    try {
        const UdpSocket second(options);
        FAIL() << "bound twice";
    } catch (const std::runtime_error& error) {
        EXPECT_NE(std::string(error.what()).find(first.local().to_string()), std::string::npos);
        EXPECT_NE(std::string(error.what()).find("bind"), std::string::npos);
    }
}

TEST(UdpSocket, refuses_an_interface_that_carries_too_little)
{
    const std::optional<std::size_t> mtu = interface_mtu_bytes(*Endpoint::parse("127.0.0.1:0"));
    ASSERT_TRUE(mtu.has_value());
    EXPECT_EQ(mtu, interface_mtu_bytes(*Endpoint::parse("127.1.2.3:0")));
    UdpSocket::Options options = loopback();
    options.mtu_bytes_min = *mtu;
    EXPECT_NO_THROW(const UdpSocket socket(options));
    options.mtu_bytes_min = *mtu + 1;
    EXPECT_THROW(const UdpSocket socket(options), std::runtime_error);
}

} // namespace
} // namespace belfry::dataplane
