// SPDX-License-Identifier: Apache-2.0
#pragma once
// json_rpc.hpp: the JSON-RPC 2.0 envelope: error codes, reply objects, and a strict first look at a
// request's text that Boost.JSON's tree cannot give.
// Rule     the id is echoed as its own JSON text, so that 7, "7" and 7.0 come back as they came.
// Source   JSON-RPC 2.0; the -320xx codes are Agave's, which Solana's clients know.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace belfry::node {

enum class RpcCode : std::int16_t {
    parse_error = -32700,
    invalid_request = -32600,
    method_not_found = -32601,
    invalid_params = -32602,
    internal_error = -32603,
    block_cleaned_up = -32001,
    preflight_failure = -32002,
    signature_verification = -32003,
    block_not_available = -32004,
    node_unhealthy = -32005,
    slot_skipped = -32007,
    no_snapshot = -32008,
    history_not_available = -32011,
    block_status_not_available = -32014,
    unsupported_transaction_version = -32015,
    min_context_slot_not_reached = -32016,
};

/// {"jsonrpc":"2.0","result":...,"id":...}
[[nodiscard]] std::string result_reply(std::string_view id_json, std::string_view result_json);

struct RpcErrorText {
    RpcCode code;
    std::string message;
    std::string data_json; // empty: no data
};
/// {"jsonrpc":"2.0","error":{...},"id":...}
[[nodiscard]] std::string error_reply(std::string_view id_json, const RpcErrorText& error);

struct JsonScan {
    bool valid = false;        // well-formed, good UTF-8, not too deep
    std::string duplicate_key; // the first key that an object has twice; empty: none
    /// Raw text of each call's id where that is a number, by the call's place in a batch (0 else).
    std::map<std::size_t, std::string> number_ids;
};
[[nodiscard]] JsonScan scan_json(std::string_view text);

} // namespace belfry::node
