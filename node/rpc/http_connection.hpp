// SPDX-License-Identifier: Apache-2.0
#pragma once
// http_connection.hpp: one kept HTTP/1.1 connection to a node, blocking with time limits. Boost
// stays in the .cpp.
// Rule     a request on a kept connection that the node has closed meanwhile is sent once more on a
//          new one; JSON-RPC calls may be repeated (a transaction is executed once).
// Threads  one owner.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace belfry::node {

inline constexpr int http_ok = 200;

struct HttpAnswer {
    enum class Outcome : std::uint8_t { answered, no_connection, timed_out, broken };
    Outcome outcome = Outcome::broken;
    int status = 0;   // answered
    std::string body; // answered
    std::string why;  // else
};

class HttpConnection {
public:
    /// Throws std::runtime_error when url is not "http://host:port", "host:port" or "[::1]:port".
    HttpConnection(std::string_view url, std::chrono::milliseconds connect_ms,
                   std::chrono::milliseconds call_ms);
    ~HttpConnection();
    HttpConnection(HttpConnection&&) noexcept;
    HttpConnection& operator=(HttpConnection&&) noexcept;

    /// POST / with a JSON body.
    [[nodiscard]] HttpAnswer post(std::string_view body);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace belfry::node
