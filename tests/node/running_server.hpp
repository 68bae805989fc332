// SPDX-License-Identifier: Apache-2.0
#pragma once
// running_server.hpp: an HttpServer on a free loopback port with its thread, over a fake node.

#include "node/rpc/http_server.hpp"
#include "tests/node/fake_backend.hpp"

#include <thread>

namespace belfry::node {

class RunningServer {
public:
    explicit RunningServer(HttpServer::Options options = {},
                           std::string_view listen = "127.0.0.1:0")
        : server_(with_address(options, listen), fake_facts(), backend)
    {
    }
    ~RunningServer() { stop(); }
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;

    /// After this the backend belongs to the server's thread.
    void start()
    {
        thread_ = std::thread([this] { server_.run(); });
    }
    /// After this the backend belongs to the caller again.
    void stop()
    {
        server_.stop();
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    [[nodiscard]] dataplane::Endpoint endpoint() const { return server_.endpoint(); }
    [[nodiscard]] dataplane::Endpoint websocket() const { return *server_.websocket_endpoint(); }
    [[nodiscard]] std::string url() const { return "http://" + endpoint().to_string(); }

    FakeBackend backend;

private:
    static HttpServer::Options with_address(HttpServer::Options options, std::string_view listen)
    {
        options.listen = *dataplane::Endpoint::parse(listen);
        return options;
    }
    HttpServer server_;
    std::thread thread_;
};

} // namespace belfry::node
