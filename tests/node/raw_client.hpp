// SPDX-License-Identifier: Apache-2.0
#pragma once
// raw_client.hpp: a TCP connection that sends and reads exact bytes, for what no HTTP library does.
// Bounds   every wait ends after a few seconds.
// Rule     a signal, such as the clock of a fuzzer, ends no wait; the kernel restarts no connect(),
//          and nothing that has a time limit.

#include "dataplane/net/endpoint.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace belfry::node {

inline constexpr std::string_view get_slot_request =
    R"({"jsonrpc":"2.0","id":1,"method":"getSlot"})";

class RawClient {
public:
    explicit RawClient(const dataplane::Endpoint& endpoint)
        : socket_(
              ::socket(endpoint.family == dataplane::Endpoint::Family::ipv6 ? AF_INET6 : AF_INET,
                       SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_storage address{};
        const socklen_t length = endpoint.to(address);
        const timeval limit{8, 0};
        (void)::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        // The socket interface takes every kind of address as a sockaddr.
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), length) != 0 &&
            (errno != EINTR || !is_connected())) {
            throw std::system_error(errno, std::generic_category(), "connect");
        }
    }
    ~RawClient() { ::close(socket_); }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    /// False when the server has closed.
    bool send(std::string_view text)
    {
        while (!text.empty()) {
            const ssize_t sent = uninterrupted(
                [&] { return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL); });
            if (sent <= 0) {
                return false;
            }
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    /// The server reads the end; what it answers can still be read.
    void end_sending() { (void)::shutdown(socket_, SHUT_WR); }
    struct Response {
        int status = 0;
        std::string header;
        std::string body;
    };
    /// The next response; nullopt when the connection closed or nothing came.
    std::optional<Response> read()
    {
        std::size_t header_end = std::string::npos;
        while ((header_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (!fill()) {
                return std::nullopt;
            }
        }
        Response response;
        response.header = buffer_.substr(0, header_end + 2);
        response.status = static_cast<int>(std::strtol(
            response.header.c_str() + std::string_view("HTTP/1.1 ").size(), nullptr, 10));
        const std::size_t body_at = header_end + 4;
        std::size_t body_bytes = 0;
        if (const std::size_t at = response.header.find("Content-Length: ");
            at != std::string::npos) {
            body_bytes = std::strtoul(response.header.c_str() + at + 16, nullptr, 10);
        }
        while (buffer_.size() < body_at + body_bytes) {
            if (!fill()) {
                return std::nullopt;
            }
        }
        response.body = buffer_.substr(body_at, body_bytes);
        buffer_.erase(0, body_at + body_bytes);
        return response;
    }
    /// Exactly so many bytes; nullopt when the server closes or says nothing for long.
    std::optional<std::string> read_bytes(std::size_t count)
    {
        while (buffer_.size() < count) {
            if (!fill()) {
                return std::nullopt;
            }
        }
        std::string bytes = buffer_.substr(0, count);
        buffer_.erase(0, count);
        return bytes;
    }
    /// True when the server closes the connection within that time.
    bool closes_within(std::chrono::milliseconds limit)
    {
        const auto until = std::chrono::steady_clock::now() + limit;
        const timeval step{0, 10'000};
        (void)::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &step, sizeof(step));
        while (std::chrono::steady_clock::now() < until) {
            char byte = 0;
            const ssize_t count = uninterrupted([&] { return ::recv(socket_, &byte, 1, 0); });
            if (count == 0 || (count < 0 && errno == ECONNRESET)) {
                return true;
            }
        }
        return false;
    }

private:
    template <class Call>
    static ssize_t uninterrupted(const Call& call)
    {
        ssize_t result = call();
        while (result < 0 && errno == EINTR) {
            result = call();
        }
        return result;
    }
    /// An interrupted connect() goes on by itself; sets errno when it fails.
    [[nodiscard]] bool is_connected() const
    {
        pollfd waiting{.fd = socket_, .events = POLLOUT, .revents = 0};
        (void)uninterrupted([&] { return ::poll(&waiting, 1, 8'000); });
        socklen_t bytes = sizeof(errno);
        return ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &errno, &bytes) == 0 && errno == 0;
    }
    bool fill()
    {
        std::array<char, 4096> chunk{};
        const ssize_t count =
            uninterrupted([&] { return ::recv(socket_, chunk.data(), chunk.size(), 0); });
        if (count <= 0) {
            return false;
        }
        buffer_.append(chunk.data(), static_cast<std::size_t>(count));
        return true;
    }
    int socket_;
    std::string buffer_;
};

inline std::string post_text(std::string_view body, std::string_view more_headers = {})
{
    return "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n" + std::string(more_headers) + "\r\n" +
           std::string(body);
}

} // namespace belfry::node
