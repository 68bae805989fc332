// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/http_connection.hpp"

#include "base/check.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <fmt/core.h>

#include <optional>
#include <stdexcept>

namespace belfry::node {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

namespace {

constexpr std::uint64_t answer_bytes_max = 64ULL * 1024 * 1024;

struct HostAndPort {
    std::string host;
    std::string port;
};

HostAndPort split_url(std::string_view url)
{
    std::string_view rest = url;
    constexpr std::string_view scheme = "http://";
    if (rest.starts_with(scheme)) {
        rest.remove_prefix(scheme.size());
    }
    if (rest.ends_with('/')) {
        rest.remove_suffix(1);
    }
    const std::size_t colon = rest.rfind(':');
    std::string_view host = rest.substr(0, colon);
    const std::string_view port =
        colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (in_brackets) {
        host = host.substr(1, host.size() - 2);
    }
    const bool port_good = !port.empty() && port.size() <= 5 &&
                           port.find_first_not_of("0123456789") == std::string_view::npos;
    const bool host_good =
        !host.empty() && (in_brackets || host.find_first_of(":/[]@ ") == std::string_view::npos);
    if (!port_good || !host_good) {
        throw std::runtime_error(fmt::format(
            "'{}' is not an RPC address; write it as http://127.0.0.1:8899 or [::1]:8899", url));
    }
    return {std::string(host), std::string(port)};
}

} // namespace

struct HttpConnection::State {
    State(std::string_view url, std::chrono::milliseconds connect, std::chrono::milliseconds call)
        : address(split_url(url))
        , connect_ms(connect)
        , call_ms(call)
    {
    }

    /// Runs what was started until it is done or its time is over.
    void run()
    {
        io.restart();
        io.run();
    }
    [[nodiscard]] ErrorCode connect();
    /// Over the connection there is.
    [[nodiscard]] ErrorCode exchange(std::string_view body, HttpAnswer& answer);
    void close()
    {
        if (stream) {
            stream->close();
            stream.reset();
        }
        buffer.clear();
    }

    HostAndPort address;
    std::chrono::milliseconds connect_ms;
    std::chrono::milliseconds call_ms;
    asio::io_context io{1};
    std::optional<beast::tcp_stream> stream;
    beast::flat_buffer buffer;
};

ErrorCode HttpConnection::State::connect()
{
    ErrorCode result;
    tcp::resolver resolver(io);
    const auto addresses = resolver.resolve(address.host, address.port, result);
    if (result) {
        return result;
    }
    beast::tcp_stream& made = stream.emplace(io);
    made.expires_after(connect_ms);
    made.async_connect(
        addresses, [&result](ErrorCode error, const tcp::endpoint& /*used*/) { result = error; });
    run();
    if (!result) {
        ErrorCode ignored;
        (void)made.socket().set_option(tcp::no_delay(true), ignored);
    }
    return result;
}

ErrorCode HttpConnection::State::exchange(std::string_view body, HttpAnswer& answer)
{
    http::request<http::string_body> request{http::verb::post, "/", 11};
    request.set(http::field::host, address.host);
    request.set(http::field::content_type, "application/json");
    request.body() = std::string(body);
    request.keep_alive(true);
    request.prepare_payload();
    http::response_parser<http::string_body> parser;
    parser.body_limit(answer_bytes_max);
    ErrorCode result;
    BELFRY_CHECK(stream.has_value());
    beast::tcp_stream& kept = *stream;
    kept.expires_after(call_ms);
    http::async_write(kept, request, [&](ErrorCode write_error, std::size_t /*byte_count*/) {
        result = write_error;
        if (!write_error) {
            http::async_read(
                kept, buffer, parser,
                [&](ErrorCode read_error, std::size_t /*byte_count*/) { result = read_error; });
        }
    });
    run();
    if (!result) {
        answer.outcome = HttpAnswer::Outcome::answered;
        answer.status =
            parser.get().result_int() > 999 ? 0 : static_cast<int>(parser.get().result_int());
        answer.body = std::move(parser.get().body());
        if (!parser.get().keep_alive()) {
            close();
        }
    }
    return result;
}

HttpConnection::HttpConnection(std::string_view url, std::chrono::milliseconds connect_ms,
                               std::chrono::milliseconds call_ms)
    : state_(std::make_unique<State>(url, connect_ms, call_ms))
{
}

HttpConnection::~HttpConnection() = default;
HttpConnection::HttpConnection(HttpConnection&&) noexcept = default;
HttpConnection& HttpConnection::operator=(HttpConnection&&) noexcept = default;

HttpAnswer HttpConnection::post(std::string_view body)
{
    HttpAnswer answer;
    for (;;) {
        const bool was_kept = state_->stream.has_value();
        if (!was_kept) {
            if (const ErrorCode error = state_->connect()) {
                state_->close();
                answer.outcome = HttpAnswer::Outcome::no_connection;
                answer.why = error.message();
                return answer;
            }
        }
        const ErrorCode error = state_->exchange(body, answer);
        if (!error) {
            return answer;
        }
        state_->close();
        if (error == beast::error::timeout) {
            answer.outcome = HttpAnswer::Outcome::timed_out;
            return answer;
        }
        if (!was_kept) {
            answer.outcome = HttpAnswer::Outcome::broken;
            answer.why = error.message();
            return answer;
        }
    }
}

} // namespace belfry::node
