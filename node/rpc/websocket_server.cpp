// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/websocket_server.hpp"

#include "node/rpc/listener.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket.hpp>
#include <unistd.h>

#include <deque>
#include <list>
#include <utility>

namespace belfry::node {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

namespace {
class Connection;
} // namespace

/// Connections hold it: they are the last to leave, with the context's own end.
struct WebSocketServer::State : std::enable_shared_from_this<WebSocketServer::State> {
    State(asio::io_context& context, const Options& chosen, const NodeFacts& node_facts,
          Subscriptions& all)
        : io(context)
        , options(chosen)
        , facts(node_facts)
        , subscriptions(all)
        , acceptor(context)
        , accept_pause(context)
    {
    }
    void accept();
    void take_in(tcp::socket socket, std::string sent);

    asio::io_context& io;
    Options options;
    const NodeFacts& facts;
    Subscriptions& subscriptions;
    Counters counters;
    std::list<Connection*> by_silence; // longest first
    tcp::acceptor acceptor;
    asio::steady_timer accept_pause;
};

namespace {

using State = WebSocketServer::State;

/// One client. It lives as long as an operation holds it.
class Connection final : public Subscriber, public std::enable_shared_from_this<Connection> {
public:
    Connection(std::shared_ptr<State> state, tcp::socket socket)
        : holds_(std::move(state))
        , state_(*holds_)
        , stream_(std::move(socket))
        , place_(state_.by_silence.insert(state_.by_silence.end(), this))
    {
        ++state_.counters.open;
        ++state_.counters.accepted;
    }
    ~Connection() override
    {
        state_.subscriptions.forget(*this);
        state_.by_silence.erase(place_);
        --state_.counters.open;
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start(std::string sent);
    void cut();
    void tell(std::string text) override;

private:
    void read();
    void on_message();
    void write();

    std::shared_ptr<State> holds_;
    State& state_;
    websocket::stream<beast::tcp_stream> stream_;
    std::list<Connection*>::iterator place_;
    std::string sent_;
    beast::flat_buffer buffer_;
    std::deque<std::string> to_send_;
    std::size_t to_send_bytes_ = 0;
    bool open_ = false;
    bool cut_ = false;
};

void Connection::start(std::string sent)
{
    websocket::stream_base::timeout limits{};
    limits.handshake_timeout = state_.options.handshake_ms;
    limits.idle_timeout = state_.options.idle_ms;
    limits.keep_alive_pings = true;
    stream_.set_option(limits);
    stream_.read_message_max(state_.options.message_bytes_max);
    sent_ = std::move(sent);
    const auto accepted = [self = shared_from_this()](ErrorCode error) {
        self->sent_.clear();
        if (error || self->cut_) {
            return;
        }
        self->open_ = true;
        self->stream_.text(true);
        self->read();
    };
    if (sent_.empty()) {
        stream_.async_accept(accepted);
    } else {
        stream_.async_accept(asio::buffer(sent_), accepted);
    }
}

void Connection::read()
{
    stream_.async_read(buffer_, [self = shared_from_this()](ErrorCode error, std::size_t /*n*/) {
        if (!error && !self->cut_) {
            self->on_message();
        }
    });
}

void Connection::on_message()
{
    ++state_.counters.messages;
    state_.by_silence.splice(state_.by_silence.end(), state_.by_silence, place_);
    const auto data = buffer_.cdata();
    const std::string_view text(static_cast<const char*>(data.data()), data.size());
    const Message message = parse_message(text, state_.facts, Channel::websocket);
    std::vector<std::string> replies;
    replies.reserve(message.calls.size());
    for (const Call& call : message.calls) {
        replies.push_back(call.immediate ? *call.immediate
                                         : state_.subscriptions.answer(call, *this));
    }
    buffer_.consume(buffer_.size());
    if (std::string reply = join_replies(message.is_batch, replies); !reply.empty()) {
        tell(std::move(reply));
    }
    if (!cut_) {
        read();
    }
}

void Connection::tell(std::string text)
{
    if (!open_ || cut_) {
        return;
    }
    to_send_bytes_ += text.size();
    to_send_.push_back(std::move(text));
    if (to_send_bytes_ > state_.options.send_bytes_max) {
        ++state_.counters.cut_slow;
        cut();
        return;
    }
    if (to_send_.size() == 1) {
        write();
    }
}

void Connection::write()
{
    stream_.async_write(asio::buffer(to_send_.front()),
                        [self = shared_from_this()](ErrorCode error, std::size_t /*n*/) {
                            if (error || self->cut_) {
                                self->cut();
                                return;
                            }
                            self->to_send_bytes_ -= self->to_send_.front().size();
                            self->to_send_.pop_front();
                            if (!self->to_send_.empty()) {
                                self->write();
                            }
                        });
}

/// Ends what is under way; the connection goes when its operations have heard of it.
void Connection::cut()
{
    if (!cut_) {
        cut_ = true;
        beast::get_lowest_layer(stream_).close();
    }
}

} // namespace

void WebSocketServer::State::take_in(tcp::socket socket, std::string sent)
{
    if (counters.open >= options.connections_max && !by_silence.empty()) {
        ++counters.cut_for_room;
        by_silence.front()->cut();
        // It leaves the list when its operations have ended; the next one cut must be another.
        by_silence.splice(by_silence.end(), by_silence, by_silence.begin());
    }
    ErrorCode ignored;
    (void)socket.set_option(tcp::no_delay(true), ignored);
    std::make_shared<Connection>(shared_from_this(), std::move(socket))->start(std::move(sent));
}

void WebSocketServer::State::accept()
{
    acceptor.async_accept([this](ErrorCode error, tcp::socket socket) {
        if (error == asio::error::operation_aborted) {
            return;
        }
        if (!error) {
            take_in(std::move(socket), {});
            accept();
            return;
        }
        // Out of descriptors or memory: the loop must not spin.
        accept_pause.expires_after(std::chrono::milliseconds(50));
        accept_pause.async_wait([this](ErrorCode /*error*/) { accept(); });
    });
}

WebSocketServer::WebSocketServer(asio::io_context& io, const Options& options,
                                 const NodeFacts& facts, Subscriptions& subscriptions)
    : state_(std::make_shared<State>(io, options, facts, subscriptions))
{
    if (options.listen) {
        open_listener(state_->acceptor, *options.listen, "WebSocket");
    }
}

WebSocketServer::~WebSocketServer() = default;

void WebSocketServer::start()
{
    if (state_->acceptor.is_open()) {
        state_->accept();
    }
}

void WebSocketServer::take_over(int descriptor, std::string sent)
{
    sockaddr_storage name{};
    socklen_t length = sizeof(name);
    const bool is_ipv6 =
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &length) == 0 &&
        name.ss_family == AF_INET6;
    tcp::socket socket(state_->io);
    ErrorCode error;
    (void)socket.assign(is_ipv6 ? tcp::v6() : tcp::v4(), descriptor, error);
    if (error) {
        (void)::close(descriptor);
        return;
    }
    state_->take_in(std::move(socket), std::move(sent));
}

std::optional<dataplane::Endpoint> WebSocketServer::endpoint() const
{
    std::optional<dataplane::Endpoint> endpoint = state_->options.listen;
    if (!endpoint || !state_->acceptor.is_open()) {
        return std::nullopt;
    }
    ErrorCode error;
    endpoint->port = state_->acceptor.local_endpoint(error).port();
    return endpoint;
}

const WebSocketServer::Counters& WebSocketServer::counters() const
{
    return state_->counters;
}

} // namespace belfry::node
