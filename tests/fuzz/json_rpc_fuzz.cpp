// SPDX-License-Identifier: Apache-2.0
// Any request text gives nothing or valid JSON: one object, or one array of objects, each with an
// id and exactly one of result and error.
#include "base/check.hpp"
#include "node/rpc/methods.hpp"
#include "tests/node/fake_backend.hpp"

#include <boost/json.hpp>

namespace {

using belfry::node::Call;
using belfry::node::FakeBackend;

void check_reply(const boost::json::value& reply)
{
    BELFRY_CHECK(reply.is_object());
    const boost::json::object& object = reply.get_object();
    BELFRY_CHECK(object.at("jsonrpc") == "2.0");
    BELFRY_CHECK(object.contains("id"));
    BELFRY_CHECK(object.contains("result") != object.contains("error"));
    if (const boost::json::value* const error = object.if_contains("error")) {
        BELFRY_CHECK(error->at("code").is_int64());
        BELFRY_CHECK(error->at("message").is_string());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    // The library takes text; bytes of any value are text here.
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    static const belfry::node::NodeFacts facts = belfry::node::fake_facts();
    FakeBackend backend;
    const belfry::node::Message message = belfry::node::parse_message(body, facts);
    std::vector<std::string> replies;
    for (const Call& call : message.calls) {
        BELFRY_CHECK(call.immediate.has_value() != call.request.has_value());
        replies.push_back(call.immediate ? *call.immediate
                                         : render_reply(call, backend.answer(1, *call.request)));
    }
    const std::string text = belfry::node::join_replies(message.is_batch, replies);
    if (text.empty()) {
        return 0;
    }
    const boost::json::value root = boost::json::parse(text);
    if (!message.is_batch) {
        check_reply(root);
        return 0;
    }
    for (const boost::json::value& reply : root.as_array()) {
        check_reply(reply);
    }
    return 0;
}
