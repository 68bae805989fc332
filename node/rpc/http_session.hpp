// SPDX-License-Identifier: Apache-2.0
#pragma once
// http_session.hpp: one HTTP connection, request by request, and what all of them share.
// Rule     nothing is read while a request waits for the node, and nothing is waited for without a
//          limit; whoever waits longest for its client goes first when there is no room.
// Threads  the RPC thread only.

#include "node/rpc/http_counters.hpp"
#include "node/rpc/http_server.hpp"
#include "node/rpc/rpc_desk.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belfry::node {

class HttpSession;

/// What the sessions of one server refer to. io goes before what they touch on leaving.
struct HttpSessions {
    HttpSessions(const HttpServer::Options& chosen, const NodeFacts& node_facts, RpcBackend& node);

    /// Cuts the connection that waits longest for its client. False when none waits.
    bool cut_longest();
    void add_status(NodeStatus& status) const;

    HttpServer::Options options;
    NodeFacts facts;
    HttpCounters counters;
    std::size_t connection_count = 0;
    std::list<HttpSession*> waiting; // for their clients, longest first; a session takes itself out
    RpcDesk desk;
    Subscriptions subscriptions;
    boost::asio::io_context io{1};
    WebSocketServer websockets;
};

/// One connection. It lives as long as an operation or an open request holds it.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
public:
    HttpSession(HttpSessions& all, boost::asio::ip::tcp::socket socket);
    ~HttpSession();
    HttpSession(const HttpSession&) = delete;
    HttpSession& operator=(const HttpSession&) = delete;

    void start() { wait_for_request(all_.options.request_ms); }
    void cut()
    {
        end_waiting();
        stream_.close();
    }

private:
    using ErrorCode = boost::system::error_code;
    using Body = boost::beast::http::string_body;
    using Parser = boost::beast::http::request_parser<Body>;
    using Response = boost::beast::http::response<Body>;
    using Status = boost::beast::http::status;
    struct Exchange;

    void wait_for_request(std::chrono::milliseconds first_byte_ms);
    void read_request();
    void read_body(Parser& parser);
    void say_continue(Parser& parser);
    void on_request(Parser& parser, ErrorCode error);
    void on_error(ErrorCode error);
    void on_rpc(std::string_view body);
    void ask(const std::shared_ptr<Exchange>& exchange);
    void answered(const Exchange& exchange);
    void upgrade(const Parser& parser);
    void ask_readiness();
    void ask_health();
    void refuse(Status status, std::string text);
    void reply(Status status, std::string body, std::string_view content_type);
    void write(Response response);
    void on_read_failure(ErrorCode error);
    void drain();
    void begin_waiting();
    void end_waiting();

    HttpSessions& all_;
    boost::beast::tcp_stream stream_;
    boost::beast::flat_buffer buffer_;
    std::optional<Parser> parser_;
    std::optional<Response> response_;
    std::optional<std::list<HttpSession*>::iterator> waiting_at_;
    std::size_t drained_bytes_ = 0;
    bool keep_alive_ = false;
    unsigned version_ = 11;
};

} // namespace belfry::node
