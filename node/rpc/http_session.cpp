// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/http_session.hpp"

#include "base/check.hpp"
#include "node/rpc/descriptor_limit.hpp"
#include "node/rpc/http_reply.hpp"
#include "node/rpc/http_upgrade.hpp"

#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <iterator>

namespace belfry::node {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

namespace {

constexpr std::string_view plain_text = "text/plain; charset=utf-8";
constexpr std::chrono::seconds drain_max{1};
constexpr std::size_t drain_bytes_max = std::size_t{1024} * 1024;

/// Connections never use up the descriptors: the rest of the process keeps its own.
HttpServer::Options fitting(HttpServer::Options options)
{
    std::size_t& own = options.connections_max;
    std::size_t& websockets = options.websocket.connections_max;
    const std::size_t share = connections_that_fit({own, websockets});
    own = std::min(own, share);
    websockets = std::min(websockets, share);
    return options;
}

} // namespace

// --- what all sessions share ---------------------------------------------------------------------

HttpSessions::HttpSessions(const HttpServer::Options& chosen, const NodeFacts& node_facts,
                           RpcBackend& node)
    : options(fitting(chosen))
    , facts(node_facts)
    , desk({.open_max = options.open_requests_max, .answer_ms = options.answer_ms}, node)
    , subscriptions(options.subscriptions, desk)
    , websockets(io, options.websocket, facts, subscriptions)
{
}

bool HttpSessions::cut_longest()
{
    if (waiting.empty()) {
        return false;
    }
    ++counters.cut_for_room;
    waiting.front()->cut();
    return true;
}

void HttpSessions::add_status(NodeStatus& status) const
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

// --- one session ---------------------------------------------------------------------------------

/// One HTTP request that waits for the node: the calls and the replies there are so far.
struct HttpSession::Exchange {
    Message message;
    std::vector<std::string> replies;
    std::size_t open_count = 0;
    bool busy = false; // the only call could not be taken
};

HttpSession::HttpSession(HttpSessions& all, tcp::socket socket)
    : all_(all)
    , stream_(std::move(socket))
    , buffer_(all.options.header_bytes_max + all.options.body_bytes_max)
{
    ++all_.connection_count;
    ++all_.counters.connections;
}

HttpSession::~HttpSession()
{
    end_waiting();
    --all_.connection_count;
}

void HttpSession::begin_waiting()
{
    end_waiting();
    all_.waiting.push_back(this);
    waiting_at_ = std::prev(all_.waiting.end());
}

void HttpSession::end_waiting()
{
    if (waiting_at_) {
        all_.waiting.erase(*waiting_at_);
        waiting_at_.reset();
    }
}

/// The first byte may come late on a kept connection; from then on the request has request_ms.
void HttpSession::wait_for_request(std::chrono::milliseconds first_byte_ms)
{
    begin_waiting();
    if (buffer_.size() != 0) { // pipelined: it is here already
        read_request();
        return;
    }
    constexpr std::size_t first_read_bytes = 4096;
    stream_.expires_after(first_byte_ms);
    stream_.async_read_some(
        buffer_.prepare(std::min(first_read_bytes, all_.options.header_bytes_max)),
        [self = shared_from_this()](ErrorCode error, std::size_t byte_count) {
            self->buffer_.commit(byte_count);
            if (error) {
                self->on_read_failure(error);
                return;
            }
            self->read_request();
        });
}

void HttpSession::read_request()
{
    Parser& parser = parser_.emplace();
    parser.header_limit(static_cast<std::uint32_t>(all_.options.header_bytes_max));
    parser.body_limit(all_.options.body_bytes_max);
    stream_.expires_after(all_.options.request_ms);
    http::async_read_header(
        stream_, buffer_, parser,
        [self = shared_from_this(), &parser](ErrorCode error, std::size_t /*byte_count*/) {
            if (error || parser.is_done()) {
                self->on_request(parser, error);
            } else if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
                self->say_continue(parser);
            } else {
                self->read_body(parser);
            }
        });
}

/// The client waits for this with a body that is not too long: the header was looked at.
void HttpSession::say_continue(Parser& parser)
{
    static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(
        stream_, asio::buffer(text),
        [self = shared_from_this(), &parser](ErrorCode error, std::size_t /*byte_count*/) {
            if (error) {
                self->on_request(parser, error);
            } else {
                self->read_body(parser);
            }
        });
}

void HttpSession::read_body(Parser& parser)
{
    http::async_read(
        stream_, buffer_, parser,
        [self = shared_from_this(), &parser](ErrorCode error, std::size_t /*byte_count*/) {
            self->on_request(parser, error);
        });
}

void HttpSession::on_read_failure(ErrorCode error)
{
    if (error == beast::error::timeout) {
        ++all_.counters.cut_slow;
    }
    cut();
}

void HttpSession::on_error(ErrorCode error)
{
    if (error == http::error::body_limit) {
        refuse(http::status::payload_too_large,
               fmt::format("the body is longer than {} bytes", all_.options.body_bytes_max));
        return;
    }
    if (error == http::error::header_limit) {
        refuse(http::status::request_header_fields_too_large,
               fmt::format("the header is longer than {} bytes", all_.options.header_bytes_max));
        return;
    }
    if (error == http::error::end_of_stream) {
        stream_.close();
        return;
    }
    if (error.category() == http::make_error_code(http::error::bad_method).category() &&
        error != http::error::partial_message) {
        refuse(http::status::bad_request, "this is not HTTP/1.1");
        return;
    }
    on_read_failure(error);
}

void HttpSession::on_request(Parser& parser, ErrorCode error)
{
    end_waiting();
    keep_alive_ = false;
    if (error) {
        on_error(error);
        return;
    }
    ++all_.counters.requests;
    const auto& request = parser.get();
    const bool is_get = request.method() == http::verb::get;
    const std::string_view path = path_of(request);
    keep_alive_ = request.keep_alive() && request.method() != http::verb::head;
    version_ = request.version();
    if (is_upgrade(request)) {
        upgrade(parser);
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
void HttpSession::upgrade(const Parser& parser)
{
    std::string text = upgrade_text(parser.get(), buffer_);
    ErrorCode error;
    tcp::socket socket = stream_.release_socket();
    const int descriptor = socket.release(error);
    if (!error) {
        ++all_.counters.upgraded;
        all_.websockets.take_over(descriptor, std::move(text));
    }
}

void HttpSession::on_rpc(std::string_view body)
{
    // The node answers within answer_ms; until then nothing is read or written.
    stream_.expires_never();
    auto exchange = std::make_shared<Exchange>();
    exchange->message = parse_message(body, all_.facts);
    ask(exchange);
}

void HttpSession::ask_readiness()
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
    if (!all_.desk.ask(question, answer)) {
        answer(nullptr);
    }
}

/// One word for balancers that were made for Solana's validators, always with status 200.
void HttpSession::ask_health()
{
    stream_.expires_never();
    Request question = GetHealth{};
    const auto answer = [self = shared_from_this()](Reply* reply) {
        self->reply(http::status::ok, std::string(health_word(reply)), plain_text);
    };
    if (!all_.desk.ask(question, answer)) {
        answer(nullptr);
    }
}

/// Asks the node; answers at once what it can. The client hears when all is there.
void HttpSession::ask(const std::shared_ptr<Exchange>& exchange)
{
    std::vector<Call>& calls = exchange->message.calls;
    all_.counters.calls += calls.size();
    exchange->replies.resize(calls.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
        Call& call = calls[i];
        if (call.immediate) {
            exchange->replies[i] = *call.immediate;
            continue;
        }
        BELFRY_CHECK(call.request.has_value());
        const auto done = [self = shared_from_this(), exchange, i](Reply* reply) {
            const Call& asked = exchange->message.calls[i];
            if (auto* const status =
                    reply != nullptr ? std::get_if<NodeStatus>(&reply->body) : nullptr) {
                self->all_.add_status(*status);
            }
            exchange->replies[i] =
                reply != nullptr ? render_reply(asked, *reply) : render_timeout(asked);
            if (--exchange->open_count == 0) {
                self->answered(*exchange);
            }
        };
        if (!all_.desk.ask(*call.request, done)) {
            exchange->replies[i] = render_busy(call);
            exchange->busy = !exchange->message.is_batch;
            continue;
        }
        ++exchange->open_count;
    }
    if (exchange->open_count == 0) {
        answered(*exchange);
    }
}

void HttpSession::answered(const Exchange& exchange)
{
    // 429 makes web3.js try again with growing pauses.
    const Status status = exchange.busy ? http::status::too_many_requests : http::status::ok;
    reply(status, join_replies(exchange.message.is_batch, exchange.replies), "application/json");
}

void HttpSession::refuse(Status status, std::string text)
{
    ++all_.counters.refused_http;
    text += '\n';
    reply(status, std::move(text), plain_text);
}

void HttpSession::reply(Status status, std::string body, std::string_view content_type)
{
    write(make_reply({.status = status,
                      .version = version_,
                      .keep_alive = keep_alive_,
                      .content_type = content_type},
                     std::move(body)));
}

void HttpSession::write(Response response)
{
    const Response& sent = response_.emplace(std::move(response));
    begin_waiting();
    stream_.expires_after(all_.options.write_ms);
    http::async_write(
        stream_, sent, [self = shared_from_this()](ErrorCode error, std::size_t /*byte_count*/) {
            self->response_.reset();
            self->parser_.reset();
            if (error) {
                self->on_read_failure(error);
                return;
            }
            if (!self->keep_alive_) {
                ErrorCode ignored;
                (void)self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
                self->stream_.expires_after(drain_max);
                self->drain();
                return;
            }
            self->wait_for_request(self->all_.options.idle_ms);
        });
}

/// Closing with unread bytes would reset the connection and could take the reply with it.
void HttpSession::drain()
{
    begin_waiting();
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(all_.options.header_bytes_max),
                            [self = shared_from_this()](ErrorCode error, std::size_t byte_count) {
                                self->drained_bytes_ += byte_count;
                                if (error || self->drained_bytes_ > drain_bytes_max) {
                                    self->cut();
                                    return;
                                }
                                self->drain();
                            });
}

} // namespace belfry::node
