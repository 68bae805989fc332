// SPDX-License-Identifier: Apache-2.0
// methods_subscribe.cpp: reads the calls that WebSocket offers.
#include "crypto/base58.hpp"
#include "node/rpc/method_table.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <array>

namespace belfry::node {

namespace json = boost::json;

namespace {

void subscribe_signature(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    Subscribe wanted{.kind = SubscriptionKind::signature};
    const auto signature = crypto::fixed_from_base58<Signature>(params.text(0, "signature"));
    if (!signature) {
        throw_invalid_params("the signature is not 64 bytes of base58");
    }
    wanted.signature = *signature;
    wanted.commitment = commitment_field(params.options(1));
    wanted.tell_received =
        bool_field(params.options(1), "enableReceivedNotification").value_or(false);
    call.subscription = wanted;
}

void subscribe_slot(const Params& /*params*/, const NodeFacts& /*facts*/, Call& call)
{
    call.subscription = Subscribe{.kind = SubscriptionKind::slot};
}

void subscribe_root(const Params& /*params*/, const NodeFacts& /*facts*/, Call& call)
{
    call.subscription = Subscribe{.kind = SubscriptionKind::root};
}

void subscribe_account(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    Subscribe wanted{.kind = SubscriptionKind::account};
    const json::object* const options = params.options(1);
    wanted.address = params.pubkey(0);
    wanted.commitment = commitment_field(options);
    wanted.encoding = account_encoding(options, AccountEncoding::base58_text);
    wanted.slice = data_slice(options);
    call.subscription = wanted;
}

/// "all", "allWithVotes" (votes are no transactions here), or {"mentions": [one address]}.
void subscribe_logs(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    Subscribe wanted{.kind = SubscriptionKind::logs};
    wanted.commitment = commitment_field(params.options(1));
    const json::value* const filter = params.at(0);
    if (filter != nullptr && filter->is_object()) {
        const json::value* const list = filter->get_object().if_contains("mentions");
        if (list == nullptr || !list->is_array() || list->get_array().size() != 1 ||
            !list->get_array()[0].is_string()) {
            throw_invalid_params("mentions must be an array of one address");
        }
        wanted.mentions = crypto::fixed_from_base58<Pubkey>(list->get_array()[0].get_string());
        if (!wanted.mentions) {
            throw_invalid_params("mentions holds no 32 bytes of base58");
        }
    } else if (filter == nullptr || (*filter != "all" && *filter != "allWithVotes")) {
        throw_invalid_params("the filter must be all, allWithVotes or {mentions: [...]}");
    }
    call.subscription = wanted;
}

template <SubscriptionKind kind>
void unsubscribe(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    call.subscription = Unsubscribe{kind, params.number(0, "subscription")};
}

constexpr std::array<NamedMethod, 10> subscribe_method_table{{
    {"accountSubscribe", subscribe_account},
    {"accountUnsubscribe", unsubscribe<SubscriptionKind::account>},
    {"logsSubscribe", subscribe_logs},
    {"logsUnsubscribe", unsubscribe<SubscriptionKind::logs>},
    {"rootSubscribe", subscribe_root},
    {"rootUnsubscribe", unsubscribe<SubscriptionKind::root>},
    {"signatureSubscribe", subscribe_signature},
    {"signatureUnsubscribe", unsubscribe<SubscriptionKind::signature>},
    {"slotSubscribe", subscribe_slot},
    {"slotUnsubscribe", unsubscribe<SubscriptionKind::slot>},
}};

} // namespace

std::span<const NamedMethod> subscription_methods()
{
    return subscribe_method_table;
}

} // namespace belfry::node
