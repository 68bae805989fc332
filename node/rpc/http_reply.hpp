// SPDX-License-Identifier: Apache-2.0
#pragma once
// http_reply.hpp: what of HTTP is neither connection nor JSON-RPC: the path and kind of a request,
// and the head of a reply. Private to rpc/; shows Boost.Beast.
// Source   RFC 9110; the headers for browsers are those of the Fetch standard's CORS protocol.

#include "node/rpc/backend.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace belfry::node {

/// Without the query, in which some put a key for whoever stands before the node.
template <class Request>
std::string_view path_of(const Request& request)
{
    const std::string_view target = request.target();
    return target.substr(0, target.find('?'));
}

/// application/json, in any case, with or without parameters.
template <class Request>
bool is_json(const Request& request)
{
    const std::string_view type = request[boost::beast::http::field::content_type];
    const std::string_view media = type.substr(0, type.find_first_of("; \t"));
    return boost::beast::iequals(media, "application/json");
}

struct ReplyHead {
    boost::beast::http::status status = boost::beast::http::status::ok;
    unsigned version = 11;
    bool keep_alive = false;
    std::string_view content_type; // empty: no body
};

inline boost::beast::http::response<boost::beast::http::string_body>
make_reply(const ReplyHead& head, std::string body)
{
    namespace http = boost::beast::http;
    http::response<http::string_body> response{head.status, head.version};
    response.set(http::field::server, "belfry");
    response.set(http::field::access_control_allow_origin, "*");
    if (head.status == http::status::no_content ||
        head.status == http::status::method_not_allowed) {
        response.set(http::field::allow, "POST, OPTIONS");
        response.set(http::field::access_control_allow_methods, "POST, GET, OPTIONS");
        response.set(http::field::access_control_allow_headers, "content-type, solana-client");
        response.set(http::field::access_control_max_age, "86400");
    }
    if (!head.content_type.empty()) {
        response.set(http::field::content_type, head.content_type);
    }
    response.keep_alive(head.keep_alive);
    response.body() = std::move(body);
    response.prepare_payload();
    return response;
}

/// What GET /health says of the answer to GetHealth; nullptr: none came.
inline std::string_view health_word(const Reply* reply)
{
    if (reply != nullptr && std::holds_alternative<HealthyAnswer>(reply->body)) {
        return "ok";
    }
    const auto* const unhealthy =
        reply != nullptr ? std::get_if<NodeUnhealthy>(&reply->body) : nullptr;
    return unhealthy != nullptr && unhealthy->slots_behind ? "behind" : "unknown";
}

} // namespace belfry::node
