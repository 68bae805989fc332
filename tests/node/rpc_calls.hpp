// SPDX-License-Identifier: Apache-2.0
#pragma once
// rpc_calls.hpp: JSON-RPC calls to a fake node without a socket, and the texts their replies are
// made of.

#include "node/rpc/methods.hpp"
#include "tests/node/fake_backend.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace belfry::node {

inline constexpr std::string_view ones =
    "4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi"; // 32 bytes of 1
inline constexpr std::string_view twos = "8qbHbw2BbbTHBW1sbeqakYXVKRQM8Ne7pLK7m6CVfeR"; // of 2
inline constexpr std::string_view nines =
    "cGfHiC6Kgg3FpFZvgwGcswsCRtp4aBP2fzuXRQPizuN"; // of 9, which the fake node does not know

/// The reply to a whole request body.
inline std::string ask(FakeBackend& backend, std::string_view body)
{
    const Message message = parse_message(body, fake_facts());
    std::vector<std::string> replies;
    for (const Call& call : message.calls) {
        EXPECT_NE(call.immediate.has_value(), call.request.has_value());
        if (call.immediate) {
            replies.push_back(*call.immediate);
        } else {
            EXPECT_TRUE(backend.post(1, *call.request));
            replies.push_back(render_reply(call, *backend.poll()));
        }
    }
    return join_replies(message.is_batch, replies);
}

inline std::string call_text(std::string_view method, std::string_view params = "[]")
{
    return fmt::format(R"({{"jsonrpc":"2.0","id":7,"method":"{}","params":{}}})", method, params);
}

inline std::string call(std::string_view method, std::string_view params = "[]")
{
    FakeBackend backend;
    return ask(backend, call_text(method, params));
}

inline std::string result(std::string_view value)
{
    return fmt::format(R"({{"jsonrpc":"2.0","result":{},"id":7}})", value);
}

inline std::string in_context(std::uint64_t slot, std::string_view value)
{
    return result(
        fmt::format(R"({{"context":{{"slot":{},"apiVersion":"2.3.0"}},"value":{}}})", slot, value));
}

/// 0 when the reply has none.
inline int error_code(std::string_view reply)
{
    const boost::json::value parsed = boost::json::parse(reply);
    const boost::json::value* const error = parsed.as_object().if_contains("error");
    return error == nullptr ? 0 : static_cast<int>(error->at("code").as_int64());
}

} // namespace belfry::node
