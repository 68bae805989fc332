// SPDX-License-Identifier: Apache-2.0
#pragma once
// websocket_server.hpp: subscriptions over WebSocket, on connections that HTTP hands over and on an
// address of its own. Boost stays in the .cpp.
// Bounds   connections_max; when all are taken, the one that has been silent longest is cut for the
//          new one (clients ping every 5 s). A message of message_bytes_max; what a client has not
//          taken yet is send_bytes_max at most, then it is cut and counted.
// Threads  the RPC thread's.

#include "dataplane/net/endpoint.hpp"
#include "node/rpc/methods.hpp"
#include "node/rpc/subscriptions.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace boost::asio {
class io_context; // NOLINT(readability-identifier-naming): theirs
}

namespace belfry::node {

class WebSocketServer {
public:
    struct Options {
        std::optional<dataplane::Endpoint> listen; // nullopt: by upgrade only
        std::size_t connections_max = 1024;
        std::size_t message_bytes_max = std::size_t{16} * 1024;
        std::size_t send_bytes_max = std::size_t{1} << 20;
        std::chrono::milliseconds handshake_ms{10'000};
        std::chrono::milliseconds idle_ms{60'000}; // then a ping, and as long again for its answer
    };
    struct Counters {
        std::uint64_t open = 0;
        std::uint64_t accepted = 0;
        std::uint64_t messages = 0;
        std::uint64_t cut_slow = 0;
        std::uint64_t cut_for_room = 0;
    };
    /// Binds. All must outlive this object.
    WebSocketServer(boost::asio::io_context& io, const Options& options, const NodeFacts& facts,
                    Subscriptions& subscriptions);
    ~WebSocketServer();
    WebSocketServer(const WebSocketServer&) = delete;
    WebSocketServer& operator=(const WebSocketServer&) = delete;

    /// Begins to take connections at its own address.
    void start();
    /// A connected socket and what it has sent: an upgrade request. Owns the descriptor.
    void take_over(int descriptor, std::string sent);
    [[nodiscard]] std::optional<dataplane::Endpoint> endpoint() const;
    [[nodiscard]] const Counters& counters() const;

    struct State; // the .cpp's own

private:
    std::shared_ptr<State> state_;
};

} // namespace belfry::node
