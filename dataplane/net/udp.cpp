// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/udp.hpp"

#include <fmt/core.h>
#include <ifaddrs.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace belfry::dataplane {
namespace {

[[noreturn]] void fail(const Endpoint& local, std::string_view step)
{
    throw std::runtime_error(fmt::format("UDP socket {}: {}: {}", local.to_string(), step,
                                         std::generic_category().message(errno)));
}

bool set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/// As much as asked for: beyond the system's limit with CAP_NET_ADMIN, else up to the limit.
void raise_buffer(int fd, int forced_name, int name, std::size_t bytes)
{
    const int wanted = static_cast<int>(std::min<std::size_t>(bytes, std::size_t{1} << 30));
    if (!set_option(fd, SOL_SOCKET, forced_name, wanted)) {
        (void)set_option(fd, SOL_SOCKET, name, wanted); // what was granted is asked for afterwards
    }
}

void bind_patiently(int fd, const UdpSocket::Options& options)
{
    sockaddr_storage address{};
    const socklen_t length = options.local.to(address);
    const auto give_up = std::chrono::steady_clock::now() + options.bind_retry;
    while (bind(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        if (errno != EADDRINUSE || std::chrono::steady_clock::now() >= give_up) {
            fail(options.local, "bind");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
}

void require_mtu(const UdpSocket::Options& options)
{
    if (options.mtu_bytes_min == 0) {
        return;
    }
    const std::optional<std::size_t> mtu = interface_mtu_bytes(options.local);
    if (mtu && *mtu < options.mtu_bytes_min) {
        throw std::runtime_error(
            fmt::format("UDP socket {}: the interface carries {} bytes, {} are needed",
                        options.local.to_string(), *mtu, options.mtu_bytes_min));
    }
}

} // namespace

UdpSocket::UdpSocket(const Options& options)
{
    if (options.local.family == Endpoint::Family::none) {
        throw std::runtime_error("UDP socket: no address to bind to");
    }
    require_mtu(options);
    const bool is_ipv6 = options.local.family == Endpoint::Family::ipv6;
    fd_ = socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
    if (fd_ < 0) {
        fail(options.local, "socket");
    }
    try {
        if (is_ipv6 && !set_option(fd_, IPPROTO_IPV6, IPV6_V6ONLY, 1)) {
            fail(options.local, "IPV6_V6ONLY");
        }
        raise_buffer(fd_, SO_RCVBUFFORCE, SO_RCVBUF, options.receive_buffer_bytes);
        raise_buffer(fd_, SO_SNDBUFFORCE, SO_SNDBUF, options.send_buffer_bytes);
        // PROBE sets don't-fragment and ignores what forged ICMP messages say of the path.
        const bool whole =
            is_ipv6 ? set_option(fd_, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE)
                    : set_option(fd_, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
        if (!whole) {
            fail(options.local, "MTU_DISCOVER");
        }
        if (!set_option(fd_, SOL_SOCKET, SO_RXQ_OVFL, 1)) {
            fail(options.local, "SO_RXQ_OVFL");
        }
        gro_ = options.gro && set_option(fd_, IPPROTO_UDP, UDP_GRO, 1); // Linux 5.0
        bind_patiently(fd_, options);
        sockaddr_storage address{};
        socklen_t length = sizeof(address);
        if (getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
            fail(options.local, "getsockname");
        }
        local_ = Endpoint::from(address);
        int granted = 0;
        length = sizeof(granted);
        if (getsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &granted, &length) == 0) {
            receive_bytes_ = static_cast<std::size_t>(granted) / 2; // the kernel doubles it
        }
    } catch (...) {
        close(fd_);
        throw;
    }
}

UdpSocket::~UdpSocket()
{
    if (fd_ >= 0) {
        close(fd_);
    }
}

UdpSocket::UdpSocket(UdpSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1))
    , local_(other.local_)
    , gro_(other.gro_)
    , receive_bytes_(other.receive_bytes_)
{
}

std::optional<std::uint32_t> UdpSocket::lost_count() const noexcept
{
    std::array<std::uint32_t, SK_MEMINFO_VARS> values{};
    socklen_t length = sizeof(values);
    const bool told = getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, values.data(), &length) == 0 &&
                      length > SK_MEMINFO_DROPS * sizeof(std::uint32_t);
    return told ? std::optional(values[SK_MEMINFO_DROPS]) : std::nullopt;
}

std::optional<std::size_t> interface_mtu_bytes(const Endpoint& local)
{
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) {
        return std::nullopt;
    }
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(first, &freeifaddrs);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    std::optional<std::size_t> mtu;
    for (const ifaddrs* entry = first; entry != nullptr && fd >= 0; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) {
            continue;
        }
        const int family = entry->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) {
            continue;
        }
        sockaddr_storage address{};
        std::memcpy(&address, entry->ifa_addr,
                    family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
        const Endpoint here = Endpoint::from(address);
        // 127.0.0.0/8 is all on the loopback interface, whatever address that shows.
        const bool loopback = here.family == Endpoint::Family::ipv4 && here.address[0] == 127 &&
                              here.family == local.family && local.address[0] == 127;
        const bool same = here.family == local.family && here.address == local.address;
        // A wildcard stands for the outside: loopback's 64 KiB would let anything pass.
        const bool outside = local.is_wildcard() && (entry->ifa_flags & IFF_LOOPBACK) == 0;
        if (!outside && !same && !loopback) {
            continue;
        }
        ifreq request{};
        const std::string_view name(entry->ifa_name);
        std::copy_n(name.begin(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1),
                    std::begin(request.ifr_name));
        if (ioctl(fd, SIOCGIFMTU, &request) == 0) {
            mtu = std::max(mtu.value_or(0), static_cast<std::size_t>(request.ifr_mtu));
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return mtu;
}

} // namespace belfry::dataplane
