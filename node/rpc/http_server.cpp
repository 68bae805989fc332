// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/http_server.hpp"

#include "node/rpc/descriptor_limit.hpp"
#include "node/rpc/http_counters.hpp"
#include "node/rpc/http_reply.hpp"
#include "node/rpc/http_upgrade.hpp"
#include "node/rpc/listener.hpp"
#include "node/rpc/rpc_desk.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <list>

namespace belfry::node {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

namespace {

constexpr std::string_view plain_text = "text/plain; charset=utf-8";
constexpr std::chrono::seconds drain_max{1};
constexpr std::size_t drain_bytes_max = std::size_t{1024} * 1024;

class Session;

/// One HTTP request that waits for the node: the calls and the replies there are so far.
struct Exchange {
    Message message;
    std::vector<std::string> replies;
    std::size_t open_count = 0;
    bool busy = false; // the only call could not be taken
};

using Options = HttpServer::Options;

/// Everything the RPC thread owns. Sessions refer to it; io goes before what they touch on leaving.
struct Server {
    Server(const Options& chosen, const NodeFacts& node_facts, RpcBackend& node);

    void accept();
    void take_in(tcp::socket socket);
    /// Cuts the connection that waits longest for its client. False when none waits.
    bool cut_longest();
    void wait_for_replies();
    void watch_deadlines();
    /// Asks the node; answers at once what it can. The session hears when all is there.
    void start(const std::shared_ptr<Session>& session, const std::shared_ptr<Exchange>& exchange);
    void add_own_status(NodeStatus& status) const;

    Options options;
    NodeFacts facts;
    HttpCounters counters;
    std::size_t connection_count = 0;
    std::list<Session*> waiting; // for their clients, longest first; a session takes itself out
    RpcDesk desk;
    Subscriptions subscriptions;
    asio::io_context io{1};
    WebSocketServer websockets;
    tcp::acceptor acceptor{io};
    asio::posix::stream_descriptor reply_event{io};
    asio::steady_timer deadline_timer{io};
    asio::steady_timer accept_pause{io};
};

/// One connection. It lives as long as an operation or an open request holds it.
class Session : public std::enable_shared_from_this<Session> {
public:
    Session(Server& state, tcp::socket socket);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void start() { wait_for_request(state_.options.request_ms); }
    void cut()
    {
        end_waiting();
        stream_.close();
    }
    void answered(const Exchange& exchange);

private:
    void wait_for_request(std::chrono::milliseconds first_byte_ms);
    void read_request();
    void read_body();
    void say_continue();
    void on_request(ErrorCode error);
    void on_rpc(std::string_view body);
    void upgrade();
    void ask_readiness();
    void ask_health();
    void refuse(http::status status, std::string text);
    void reply(http::status status, std::string body, std::string_view content_type);
    void write(http::response<http::string_body> response);
    void on_read_failure(ErrorCode error);
    void drain();
    void begin_waiting();
    void end_waiting();

    Server& state_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    std::optional<http::response<http::string_body>> response_;
    std::optional<std::list<Session*>::iterator> waiting_at_;
    std::size_t drained_bytes_ = 0;
    bool keep_alive_ = false;
    unsigned version_ = 11;
};

Session::Session(Server& state, tcp::socket socket)
    : state_(state)
    , stream_(std::move(socket))
    , buffer_(state.options.header_bytes_max + state.options.body_bytes_max)
{
    ++state_.connection_count;
    ++state_.counters.connections;
}

Session::~Session()
{
    end_waiting();
    --state_.connection_count;
}

void Session::begin_waiting()
{
    end_waiting();
    state_.waiting.push_back(this);
    waiting_at_ = std::prev(state_.waiting.end());
}

void Session::end_waiting()
{
    if (waiting_at_) {
        state_.waiting.erase(*waiting_at_);
        waiting_at_.reset();
    }
}

/// The first byte may come late on a kept connection; from then on the request has request_ms.
void Session::wait_for_request(std::chrono::milliseconds first_byte_ms)
{
    begin_waiting();
    if (buffer_.size() != 0) { // pipelined: it is here already
        read_request();
        return;
    }
    constexpr std::size_t first_read_bytes = 4096;
    stream_.expires_after(first_byte_ms);
    stream_.async_read_some(
        buffer_.prepare(std::min(first_read_bytes, state_.options.header_bytes_max)),
        [self = shared_from_this()](ErrorCode error, std::size_t byte_count) {
            self->buffer_.commit(byte_count);
            if (error) {
                self->on_read_failure(error);
                return;
            }
            self->read_request();
        });
}

void Session::read_request()
{
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(state_.options.header_bytes_max));
    parser_->body_limit(state_.options.body_bytes_max);
    stream_.expires_after(state_.options.request_ms);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](ErrorCode error, std::size_t /*byte_count*/) {
            if (error || self->parser_->is_done()) {
                self->on_request(error);
            } else if (beast::iequals(self->parser_->get()[http::field::expect], "100-continue")) {
                self->say_continue();
            } else {
                self->read_body();
            }
        });
}

/// The client waits for this with a body that is not too long: the header was looked at.
void Session::say_continue()
{
    static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(text),
                      [self = shared_from_this()](ErrorCode error, std::size_t /*byte_count*/) {
                          if (error) {
                              self->on_request(error);
                          } else {
                              self->read_body();
                          }
                      });
}

void Session::read_body()
{
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](ErrorCode error, std::size_t /*byte_count*/) {
                         self->on_request(error);
                     });
}

void Session::on_read_failure(ErrorCode error)
{
    if (error == beast::error::timeout) {
        ++state_.counters.cut_slow;
    }
    cut();
}

void Session::on_request(ErrorCode error)
{
    end_waiting();
    keep_alive_ = false;
    if (error == http::error::body_limit) {
        refuse(http::status::payload_too_large,
               fmt::format("the body is longer than {} bytes", state_.options.body_bytes_max));
        return;
    }
    if (error == http::error::header_limit) {
        refuse(http::status::request_header_fields_too_large,
               fmt::format("the header is longer than {} bytes", state_.options.header_bytes_max));
        return;
    }
    if (error == http::error::end_of_stream) {
        stream_.close();
        return;
    }
    if (error && error.category() == http::make_error_code(http::error::bad_method).category() &&
        error != http::error::partial_message) {
        refuse(http::status::bad_request, "this is not HTTP/1.1");
        return;
    }
    if (error) {
        on_read_failure(error);
        return;
    }
    ++state_.counters.requests;
    const auto& request = parser_->get();
    const bool is_get = request.method() == http::verb::get;
    const std::string_view path = path_of(request);
    keep_alive_ = request.keep_alive() && request.method() != http::verb::head;
    version_ = request.version();
    if (is_upgrade(request)) {
        upgrade();
    } else if (request.method() == http::verb::options) {
        reply(http::status::no_content, {}, {});
    } else if (is_get && path == "/livez") {
        reply(http::status::ok, "ok\n", plain_text);
    } else if (is_get && path == "/readyz") {
        ask_readiness();
    } else if (is_get && path == "/health") {
        ask_health();
    } else if (request.method() != http::verb::post) {
        refuse(http::status::method_not_allowed, "send JSON-RPC as POST /");
    } else if (path != "/") {
        refuse(http::status::not_found, "JSON-RPC is at /");
    } else if (!is_json(request)) {
        refuse(http::status::unsupported_media_type, "content-type must be application/json");
    } else {
        on_rpc(request.body());
    }
}

/// The rest is WebSocket's; the connection counts there from now on.
void Session::upgrade()
{
    std::string text = upgrade_text(parser_->get(), buffer_);
    ErrorCode error;
    tcp::socket socket = stream_.release_socket();
    const int descriptor = socket.release(error);
    if (!error) {
        ++state_.counters.upgraded;
        state_.websockets.take_over(descriptor, std::move(text));
    }
}

void Session::on_rpc(std::string_view body)
{
    // The node answers within answer_ms; until then nothing is read or written.
    stream_.expires_never();
    auto exchange = std::make_shared<Exchange>();
    exchange->message = parse_message(body, state_.facts);
    state_.start(shared_from_this(), exchange);
}

void Session::ask_readiness()
{
    stream_.expires_never();
    Request question = GetReadiness{};
    const auto answer = [self = shared_from_this()](Reply* reply) {
        const auto* const readiness =
            reply != nullptr ? std::get_if<ReadinessAnswer>(&reply->body) : nullptr;
        const bool ready = readiness != nullptr && readiness->reasons.empty();
        self->reply(ready ? http::status::ok : http::status::service_unavailable,
                    readiness != nullptr
                        ? render_readiness(*readiness)
                        : R"({"ready":false,"reasons":["the node does not answer"]})",
                    "application/json");
    };
    if (!state_.desk.ask(question, answer)) {
        answer(nullptr);
    }
}

/// One word for balancers that were made for Solana's validators, always with status 200.
void Session::ask_health()
{
    stream_.expires_never();
    Request question = GetHealth{};
    const auto answer = [self = shared_from_this()](Reply* reply) {
        self->reply(http::status::ok, std::string(health_word(reply)), plain_text);
    };
    if (!state_.desk.ask(question, answer)) {
        answer(nullptr);
    }
}

void Session::answered(const Exchange& exchange)
{
    // 429 makes web3.js try again with growing pauses.
    const http::status status = exchange.busy ? http::status::too_many_requests : http::status::ok;
    reply(status, join_replies(exchange.message.is_batch, exchange.replies), "application/json");
}

void Session::refuse(http::status status, std::string text)
{
    ++state_.counters.refused_http;
    text += '\n';
    reply(status, std::move(text), plain_text);
}

void Session::reply(http::status status, std::string body, std::string_view content_type)
{
    write(make_reply({.status = status,
                      .version = version_,
                      .keep_alive = keep_alive_,
                      .content_type = content_type},
                     std::move(body)));
}

void Session::write(http::response<http::string_body> response)
{
    response_ = std::move(response);
    begin_waiting();
    stream_.expires_after(state_.options.write_ms);
    http::async_write(stream_, *response_,
                      [self = shared_from_this()](ErrorCode error, std::size_t /*byte_count*/) {
                          self->response_.reset();
                          self->parser_.reset();
                          if (error) {
                              self->on_read_failure(error);
                              return;
                          }
                          if (!self->keep_alive_) {
                              ErrorCode ignored;
                              (void)self->stream_.socket().shutdown(tcp::socket::shutdown_send,
                                                                    ignored);
                              self->stream_.expires_after(drain_max);
                              self->drain();
                              return;
                          }
                          self->wait_for_request(self->state_.options.idle_ms);
                      });
}

/// Closing with unread bytes would reset the connection and could take the reply with it.
void Session::drain()
{
    begin_waiting();
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(state_.options.header_bytes_max),
                            [self = shared_from_this()](ErrorCode error, std::size_t byte_count) {
                                self->drained_bytes_ += byte_count;
                                if (error || self->drained_bytes_ > drain_bytes_max) {
                                    self->cut();
                                    return;
                                }
                                self->drain();
                            });
}

/// Connections never use up the descriptors: the rest of the process keeps its own.
Options fitting(Options options)
{
    std::size_t& own = options.connections_max;
    std::size_t& websockets = options.websocket.connections_max;
    const std::size_t share = connections_that_fit({own, websockets});
    own = std::min(own, share);
    websockets = std::min(websockets, share);
    return options;
}

Server::Server(const Options& chosen, const NodeFacts& node_facts, RpcBackend& node)
    : options(fitting(chosen))
    , facts(node_facts)
    , desk({.open_max = options.open_requests_max, .answer_ms = options.answer_ms}, node)
    , subscriptions(options.subscriptions, desk)
    , websockets(io, options.websocket, facts, subscriptions)
{
    open_listener(acceptor, options.listen, "RPC");
    // The descriptor closes its own copy; the backend keeps the original.
    const int copy = ::dup(node.reply_event_fd());
    if (copy < 0) {
        throw std::runtime_error("cannot duplicate the eventfd of RPC replies: out of descriptors");
    }
    reply_event.assign(copy);
}

void Server::accept()
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
        (void)cut_longest();
        accept_pause.expires_after(std::chrono::milliseconds(50));
        accept_pause.async_wait([this](ErrorCode /*error*/) { accept(); });
    });
}

void Server::take_in(tcp::socket socket)
{
    if (connection_count >= options.connections_max && !cut_longest()) {
        ++counters.refused_full; // all of them wait for the node
        return;
    }
    ErrorCode ignored;
    (void)socket.set_option(tcp::no_delay(true), ignored);
    std::make_shared<Session>(*this, std::move(socket))->start();
}

bool Server::cut_longest()
{
    if (waiting.empty()) {
        return false;
    }
    ++counters.cut_for_room;
    waiting.front()->cut();
    return true;
}

void Server::start(const std::shared_ptr<Session>& session,
                   const std::shared_ptr<Exchange>& exchange)
{
    std::vector<Call>& calls = exchange->message.calls;
    counters.calls += calls.size();
    exchange->replies.resize(calls.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
        Call& call = calls[i];
        if (call.immediate) {
            exchange->replies[i] = *call.immediate;
            continue;
        }
        const bool taken = desk.ask(*call.request, [this, session, exchange, i](Reply* reply) {
            const Call& asked = exchange->message.calls[i];
            if (auto* const status =
                    reply != nullptr ? std::get_if<NodeStatus>(&reply->body) : nullptr) {
                add_own_status(*status);
            }
            exchange->replies[i] =
                reply != nullptr ? render_reply(asked, *reply) : render_timeout(asked);
            if (--exchange->open_count == 0) {
                session->answered(*exchange);
            }
        });
        if (!taken) {
            exchange->replies[i] = render_busy(call);
            exchange->busy = !exchange->message.is_batch;
            continue;
        }
        ++exchange->open_count;
    }
    if (exchange->open_count == 0) {
        session->answered(*exchange);
    }
}

void Server::add_own_status(NodeStatus& status) const
{
    TileStatus& own = status.tiles.emplace_back();
    own.name = "rpc";
    add_to(own, counters);
    own.counters.insert(own.counters.end(),
                        {{"open", connection_count},
                         {"connections_max", options.connections_max},
                         {"unanswered", desk.open_count()},
                         {"subscriptions", subscriptions.count()},
                         {"notifications", subscriptions.counters().notifications},
                         {"websockets", websockets.counters().open}});
    own.drops.insert(own.drops.end(),
                     {{"refused_busy", desk.counters().refused_busy},
                      {"timed_out", desk.counters().timed_out},
                      {"replies_late", desk.counters().late},
                      {"subscriptions_refused", subscriptions.counters().refused_full},
                      {"websocket_cut_slow", websockets.counters().cut_slow},
                      {"websocket_cut_for_room", websockets.counters().cut_for_room}});
}

void Server::wait_for_replies()
{
    reply_event.async_wait(asio::posix::stream_descriptor::wait_read, [this](ErrorCode error) {
        if (error) {
            return;
        }
        std::uint64_t count = 0;
        // Reset first, then poll: a reply that comes in between rings again.
        (void)!::read(reply_event.native_handle(), &count, sizeof(count));
        desk.take_replies([this](const ChainEvent& event) { subscriptions.on_event(event); });
        wait_for_replies();
    });
}

void Server::watch_deadlines()
{
    deadline_timer.expires_after(std::chrono::milliseconds(100));
    deadline_timer.async_wait([this](ErrorCode error) {
        if (error) {
            return;
        }
        desk.expire(std::chrono::steady_clock::now());
        watch_deadlines();
    });
}

} // namespace

struct HttpServer::State {
    Server server;
};

HttpServer::HttpServer(const Options& options, const NodeFacts& facts, RpcBackend& backend)
    : state_(new State{Server(options, facts, backend)})
{
}

HttpServer::~HttpServer()
{
    // Sessions count themselves out of the state, so they go first.
    state_->server.desk.clear();
    state_->server.io.stop();
}

dataplane::Endpoint HttpServer::endpoint() const
{
    ErrorCode error;
    dataplane::Endpoint endpoint = state_->server.options.listen;
    endpoint.port = state_->server.acceptor.local_endpoint(error).port();
    return endpoint;
}

std::optional<dataplane::Endpoint> HttpServer::websocket_endpoint() const
{
    return state_->server.websockets.endpoint();
}

void HttpServer::run() noexcept
{
    state_->server.websockets.start();
    state_->server.accept();
    state_->server.wait_for_replies();
    state_->server.watch_deadlines();
    for (;;) {
        try {
            state_->server.io.run();
            return;
        } catch (const std::exception& error) {
            // Memory that ran out for one client; its session is gone, the others go on.
            (void)std::fputs(fmt::format("rpc: {}\n", error.what()).c_str(), stderr);
        }
    }
}

void HttpServer::stop() noexcept
{
    state_->server.io.stop();
}

} // namespace belfry::node
