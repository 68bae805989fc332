// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/http_server.hpp"

#include "node/rpc/http_session.hpp"
#include "node/rpc/listener.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/core.h>
#include <unistd.h>

namespace belfry::node {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

/// Everything the RPC thread owns.
struct HttpServer::State {
    State(const Options& options, const NodeFacts& facts, RpcBackend& node);

    void accept();
    void take_in(tcp::socket socket);
    void wait_for_replies();
    void watch_deadlines();

    HttpSessions sessions;
    tcp::acceptor acceptor{sessions.io};
    asio::posix::stream_descriptor reply_event{sessions.io};
    asio::steady_timer deadline_timer{sessions.io};
    asio::steady_timer accept_pause{sessions.io};
};

HttpServer::State::State(const Options& options, const NodeFacts& facts, RpcBackend& node)
    : sessions(options, facts, node)
{
    open_listener(acceptor, options.listen, "RPC");
    // The descriptor closes its own copy; the backend keeps the original.
    const int copy = ::dup(node.reply_event_fd());
    if (copy < 0) {
        throw std::runtime_error("cannot duplicate the eventfd of RPC replies: out of descriptors");
    }
    reply_event.assign(copy);
}

void HttpServer::State::accept()
{
    acceptor.async_accept([this](ErrorCode error, tcp::socket socket) {
        if (error == asio::error::operation_aborted) {
            return;
        }
        if (!error) {
            take_in(std::move(socket));
            accept();
            return;
        }
        // Out of descriptors or memory: one connection goes, and the loop must not spin.
        (void)sessions.cut_longest();
        accept_pause.expires_after(std::chrono::milliseconds(50));
        accept_pause.async_wait([this](ErrorCode /*error*/) { accept(); });
    });
}

void HttpServer::State::take_in(tcp::socket socket)
{
    if (sessions.connection_count >= sessions.options.connections_max && !sessions.cut_longest()) {
        ++sessions.counters.refused_full; // all of them wait for the node
        return;
    }
    ErrorCode ignored;
    (void)socket.set_option(tcp::no_delay(true), ignored);
    std::make_shared<HttpSession>(sessions, std::move(socket))->start();
}

void HttpServer::State::wait_for_replies()
{
    reply_event.async_wait(asio::posix::stream_descriptor::wait_read, [this](ErrorCode error) {
        if (error) {
            return;
        }
        std::uint64_t count = 0;
        // Reset first, then poll: a reply that comes in between rings again.
        (void)!::read(reply_event.native_handle(), &count, sizeof(count));
        sessions.desk.take_replies(
            [this](const ChainEvent& event) { sessions.subscriptions.on_event(event); });
        wait_for_replies();
    });
}

void HttpServer::State::watch_deadlines()
{
    deadline_timer.expires_after(std::chrono::milliseconds(100));
    deadline_timer.async_wait([this](ErrorCode error) {
        if (error) {
            return;
        }
        sessions.desk.expire(std::chrono::steady_clock::now());
        watch_deadlines();
    });
}

HttpServer::HttpServer(const Options& options, const NodeFacts& facts, RpcBackend& backend)
    : state_(new State(options, facts, backend))
{
}

HttpServer::~HttpServer()
{
    // Sessions count themselves out of the state, so they go first.
    state_->sessions.desk.clear();
    state_->sessions.io.stop();
}

dataplane::Endpoint HttpServer::endpoint() const
{
    ErrorCode error;
    dataplane::Endpoint endpoint = state_->sessions.options.listen;
    endpoint.port = state_->acceptor.local_endpoint(error).port();
    return endpoint;
}

std::optional<dataplane::Endpoint> HttpServer::websocket_endpoint() const
{
    return state_->sessions.websockets.endpoint();
}

void HttpServer::run() noexcept
{
    state_->sessions.websockets.start();
    state_->accept();
    state_->wait_for_replies();
    state_->watch_deadlines();
    for (;;) {
        try {
            state_->sessions.io.run();
            return;
        } catch (const std::exception& error) {
            // Memory that ran out for one client; its session is gone, the others go on.
            (void)std::fputs(fmt::format("rpc: {}\n", error.what()).c_str(), stderr);
        }
    }
}

void HttpServer::stop() noexcept
{
    state_->sessions.io.stop();
}

} // namespace belfry::node
