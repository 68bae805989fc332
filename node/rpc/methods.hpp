// SPDX-License-Identifier: Apache-2.0
#pragma once
// methods.hpp: JSON-RPC text to questions for the node, and the node's answers back to JSON-RPC
// text. Shapes   parse_message() gives one Call per entry of a batch (or one). A Call either is
// answered
//          already (`immediate`) or carries a Request whose Reply goes to render_reply().
//          Replies are Solana's shapes, numbers always plain integers, the id echoed as it came.
// Bounds   batch_calls_max entries; Boost.JSON's depth of 32; the body limit is HTTP's.
// Errors   none: what is wrong with a request becomes a JSON-RPC error object for the client.
// Threads  all const, no shared state.
// Source   Solana's JSON-RPC as web3.js 1.99 and kit 8.4 speak it; error codes of Agave.

#include "node/rpc/backend.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace belfry::node {

/// What does not change while the node runs.
struct NodeFacts {
    Hash genesis_hash;
    Pubkey identity;
    std::uint64_t slots_per_epoch = 0;
    std::uint64_t rent_lamports_per_byte = 6960;
    std::uint64_t rent_overhead_bytes = 128;
};

inline constexpr std::size_t batch_calls_max = 100;

/// One call of a message. Exactly one of `immediate` and `request` is set, but for a notification
/// that wants no answer: there `immediate` is set and empty.
struct Call {
    std::string id_json = "null"; // as it came
    std::optional<std::string> immediate;
    std::optional<Request> request;
    std::optional<Slot> min_context_slot; // for reads, checked by render_reply()
    std::string text;                     // SendTransaction: the first signature in base58
};

struct Message {
    bool is_batch = false;
    std::vector<Call> calls;
};

/// Never empty but for `[]`, which has no calls.
[[nodiscard]] Message parse_message(std::string_view body, const NodeFacts& facts);
/// One reply object. Precondition: call.request is set.
[[nodiscard]] std::string render_reply(const Call& call, const Reply& reply);
/// The reply object of a call that the node could not take: -32005 "Node is busy".
[[nodiscard]] std::string render_busy(const Call& call);
/// The reply object of a call that the node did not answer in time: -32603.
[[nodiscard]] std::string render_timeout(const Call& call);
/// Joins the reply objects of a message in order; notifications are left out; may be empty.
[[nodiscard]] std::string join_replies(const Message& message, std::vector<std::string> replies);

} // namespace belfry::node
