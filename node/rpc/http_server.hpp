// SPDX-License-Identifier: Apache-2.0
#pragma once
// http_server.hpp: JSON-RPC over HTTP/1.1: POST /, GET /health, /livez, /readyz, CORS; and the way
// to WebSocket, by upgrade and at an address of its own. Boost stays in the .cpp. Bounds
// connections_max, or fewer when the process may not hold that many descriptors; when all are
//          taken, the one that has waited longest for its client is cut in favour of the new one,
//          so that idle or slow clients cannot lock others out. Body, header, batch and open
//          questions are limited; a slow request or reader is cut.
// Errors   the constructor says what is wrong with the address as a std::runtime_error. Afterwards
//          none: a broken client costs its own connection.
// Threads  run() serves on the calling thread, alone; stop() may be called from any.

#include "dataplane/net/endpoint.hpp"
#include "node/rpc/backend.hpp"
#include "node/rpc/methods.hpp"
#include "node/rpc/subscriptions.hpp"
#include "node/rpc/websocket_server.hpp"

#include <chrono>
#include <memory>

namespace belfry::node {

class HttpServer {
public:
    struct Options {
        dataplane::Endpoint listen; // port 0: the system chooses, see endpoint()
        std::size_t connections_max = 1024;
        std::size_t body_bytes_max = std::size_t{64} * 1024;
        std::size_t header_bytes_max = std::size_t{8} * 1024;
        std::size_t open_requests_max = 4096;         // asked of the node, not answered yet
        std::chrono::milliseconds request_ms{10'000}; // from connecting or first byte to the last
        std::chrono::milliseconds idle_ms{30'000};    // kept alive between two requests
        std::chrono::milliseconds write_ms{10'000};   // for the client to take a reply
        std::chrono::milliseconds answer_ms{5'000};   // for the node to answer
        WebSocketServer::Options websocket = {};
        Subscriptions::Options subscriptions = {};
    };
    /// Binds. facts are copied; backend must outlive this object.
    HttpServer(const Options& options, const NodeFacts& facts, RpcBackend& backend);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// The address that is listened on, with the real port.
    [[nodiscard]] dataplane::Endpoint endpoint() const;
    /// The address for WebSocket alone; nullopt: by upgrade only.
    [[nodiscard]] std::optional<dataplane::Endpoint> websocket_endpoint() const;
    /// Serves until stop().
    void run() noexcept;
    void stop() noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace belfry::node
