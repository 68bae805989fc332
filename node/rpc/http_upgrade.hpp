// SPDX-License-Identifier: Apache-2.0
#pragma once
// http_upgrade.hpp: an HTTP request that asks to go on with WebSocket. Private to rpc/; shows
// Boost.Beast.

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http.hpp>

#include <sstream>
#include <string>
#include <utility>

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
    return std::move(head).str() + boost::beast::buffers_to_string(after.data());
}

} // namespace belfry::node
