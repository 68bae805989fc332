// SPDX-License-Identifier: Apache-2.0
#pragma once
// methods.hpp: JSON-RPC text to questions for the node, and the node's answers back to text.
// Shapes   parse_message() gives one Call per entry of a batch (or one). A Call either is answered
//          already (`immediate`) or carries a Request whose Reply goes to render_reply().
//          Replies are Solana's shapes, numbers always plain integers, the id echoed as it came.
// Rule     no commitment means finalized. A call without id is a notification: not answered, and
//          not executed. sendTransaction's signatures are verified here, before the node is asked.
// Bounds   batch_calls_max entries; Boost.JSON's depth of 32; the body limit is HTTP's.
// Errors   none: what is wrong with a request becomes a JSON-RPC error object for the client.
// Threads  no state.
// Source   Solana's JSON-RPC as web3.js 1.99 and kit 8.4 speak it.

#include "dataplane/net/endpoint.hpp"
#include "ledger/model/genesis.hpp"
#include "node/rpc/backend.hpp"
#include "node/rpc/subscription_calls.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace belfry::node {

/// Where a validator of the roster is reached.
struct ClusterNode {
    Pubkey pubkey;
    std::optional<dataplane::Endpoint> transactions;
    std::optional<dataplane::Endpoint> forwards;
    std::optional<dataplane::Endpoint> shreds;
    std::optional<dataplane::Endpoint> votes;
    std::optional<dataplane::Endpoint> repair;
    std::optional<dataplane::Endpoint> rpc;
    std::optional<dataplane::Endpoint> websocket; // known of this node only
};

/// What does not change while the node runs.
struct NodeFacts {
    Hash genesis_hash;
    Pubkey identity;
    std::uint64_t slots_per_epoch = 0;
    ledger::RentParameters rent;
    std::vector<ClusterNode> cluster = {};
};

inline constexpr std::size_t batch_calls_max = 100;

/// One call of a message. Exactly one of `immediate`, `request` and `subscription` is set; for a
/// notification, which wants no answer, `immediate` is set and empty.
struct Call {
    std::string id_json = "null"; // as it came
    std::optional<std::string> immediate;
    std::optional<Request> request;
    std::optional<SubscriptionCall> subscription; // over WebSocket only
    std::optional<Slot> min_context_slot;         // for reads, checked by render_reply()
    std::string text; // sendTransaction: the first signature; getLeaderSchedule: the identity asked
};

struct Message {
    bool is_batch = false;
    std::vector<Call> calls; // empty for `[]` only
};

/// Subscriptions and everything else are offered on different channels, as Solana does.
enum class Channel : std::uint8_t { http, websocket };
[[nodiscard]] Message parse_message(std::string_view body, const NodeFacts& facts,
                                    Channel channel = Channel::http);
/// One reply object. Precondition: call.request is set and reply answers it.
[[nodiscard]] std::string render_reply(const Call& call, const Reply& reply);
/// The reply object of a call that the node could not take: -32005 "Node is busy".
[[nodiscard]] std::string render_busy(const Call& call);
/// The reply object of a call that the node did not answer in time: -32603.
[[nodiscard]] std::string render_timeout(const Call& call);
/// The body of /readyz.
[[nodiscard]] std::string render_readiness(const ReadinessAnswer& readiness);
/// The reply objects of a message in order, one per call; empty ones (of notifications) are left
/// out. May be empty: then there is nothing to answer.
[[nodiscard]] std::string join_replies(bool is_batch, const std::vector<std::string>& replies);

} // namespace belfry::node
