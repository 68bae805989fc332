// SPDX-License-Identifier: Apache-2.0
// methods_parse.cpp: the way in: request text to Calls: the envelope, and which method it names.
#include "node/rpc/method_table.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <array>

namespace belfry::node {

namespace json = boost::json;

void answer_now(Call& call, std::string_view result_json)
{
    call.immediate = result_reply(call.id_json, result_json);
}

Commitment read_context(const Params& params, std::size_t index, Call& call)
{
    const json::object* const options = params.options(index);
    if (const auto slot = number_field(options, "minContextSlot")) {
        call.min_context_slot = Slot{*slot};
    }
    return commitment_field(options);
}

namespace {

// --- the envelope --------------------------------------------------------------------------------

[[noreturn]] void throw_invalid_request(std::string_view what)
{
    throw RpcFault{{RpcCode::invalid_request, fmt::format("Invalid request: {}", what), {}}};
}

/// The id as JSON text; nullopt for a notification.
std::optional<std::string> read_id(const json::object& object, const std::string* number_text)
{
    constexpr std::size_t id_bytes_max = 256;
    const json::value* const id = object.if_contains("id");
    if (id == nullptr) {
        return std::nullopt;
    }
    std::string text;
    if (id->is_number() && number_text != nullptr) {
        text = *number_text;
    } else if (id->is_string() || id->is_null()) {
        text = json::serialize(*id);
    } else {
        throw_invalid_request("id must be a string, a number or null");
    }
    if (text.size() > id_bytes_max) {
        throw_invalid_request("id is too long");
    }
    return text;
}

void dispatch(const json::object& object, const NodeFacts& facts, Channel channel, Call& call)
{
    const json::value* const version = object.if_contains("jsonrpc");
    if (version == nullptr || *version != "2.0") {
        throw_invalid_request("jsonrpc must be \"2.0\"");
    }
    const json::value* const method = object.if_contains("method");
    if (method == nullptr || !method->is_string()) {
        throw_invalid_request("method must be a string");
    }
    const std::string_view name = method->get_string();
    using Group = std::span<const NamedMethod>;
    const std::array<Group, 4> over_http{chain_methods(), account_methods(), ledger_methods(),
                                         cluster_methods()};
    const std::array<Group, 1> over_websocket{subscription_methods()};
    const bool is_http = channel == Channel::http;
    for (const Group& group :
         is_http ? std::span<const Group>(over_http) : std::span<const Group>(over_websocket)) {
        for (const NamedMethod& known : group) {
            if (known.name == name) {
                known.method(Params(object.if_contains("params")), facts, call);
                return;
            }
        }
    }
    throw RpcFault{{RpcCode::method_not_found, "Method not found", {}}};
}

Call parse_call(const json::value& value, const std::string* number_id, const NodeFacts& facts,
                Channel channel)
{
    Call call;
    try {
        if (!value.is_object()) {
            throw_invalid_request("a call must be an object");
        }
        const std::optional<std::string> id = read_id(value.get_object(), number_id);
        if (!id) {
            call.immediate = std::string();
            return call;
        }
        call.id_json = *id;
        dispatch(value.get_object(), facts, channel, call);
    } catch (const RpcFault& fault) {
        call.request.reset();
        call.subscription.reset();
        call.immediate = error_reply(call.id_json, fault.error);
    }
    return call;
}

Message refused(const RpcErrorText& error)
{
    Message message;
    message.calls.emplace_back().immediate = error_reply("null", error);
    return message;
}

} // namespace

Message parse_message(std::string_view body, const NodeFacts& facts, Channel channel)
{
    const JsonScan scan = scan_json(body);
    if (!scan.valid) {
        return refused({RpcCode::parse_error, "Parse error", {}});
    }
    if (!scan.duplicate_key.empty()) {
        return refused({RpcCode::invalid_request, "Invalid request: a key is there twice",
                        json::serialize(json::string(scan.duplicate_key))});
    }
    json::error_code error;
    const json::value root = json::parse(body, error);
    if (error) {
        return refused({RpcCode::parse_error, "Parse error", {}});
    }
    const auto number_id = [&scan](std::size_t index) {
        const auto found = scan.number_ids.find(index);
        return found == scan.number_ids.end() ? nullptr : &found->second;
    };
    Message message;
    if (!root.is_array()) {
        message.calls.push_back(parse_call(root, number_id(0), facts, channel));
        return message;
    }
    const json::array& batch = root.get_array();
    if (batch.size() > batch_calls_max) {
        return refused(
            {RpcCode::invalid_request,
             fmt::format("Invalid request: at most {} calls in a batch", batch_calls_max),
             {}});
    }
    message.is_batch = true;
    message.calls.reserve(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        message.calls.push_back(parse_call(batch[i], number_id(i), facts, channel));
    }
    return message;
}

} // namespace belfry::node
