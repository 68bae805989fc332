// SPDX-License-Identifier: Apache-2.0
#pragma once
// http_upgrade.hpp: an HTTP request that asks to go on with WebSocket. Private to rpc/; shows
// Boost.Beast.

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http.hpp>

#include <sstream>
#include <string>

namespace belfry::node {

template <class Request>
bool is_upgrade(const Request& request)
{
    namespace http = boost::beast::http;
    return request.method() == http::verb::get &&
           boost::beast::iequals(request[http::field::upgrade], "websocket") &&
           http::token_list{request[http::field::connection]}.exists("upgrade");
}

/// The request's head as it is read again, and what came after it.
template <class Request, class Buffer>
std::string upgrade_text(const Request& request, const Buffer& after)
{
    std::ostringstream head;
    head << request.base();
    std::string text = head.str();
    for (const auto piece : boost::beast::buffers_range_ref(after.data())) {
        text.append(static_cast<const char*>(piece.data()), piece.size());
    }
    return text;
}

} // namespace belfry::node
