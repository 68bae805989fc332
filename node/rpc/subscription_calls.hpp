// SPDX-License-Identifier: Apache-2.0
#pragma once
// subscription_calls.hpp: what a client asks for over WebSocket.

#include "node/rpc/account_questions.hpp"

#include <cstdint>
#include <optional>
#include <variant>

namespace belfry::node {

enum class SubscriptionKind : std::uint8_t { signature, slot, root, account, logs };

struct Subscribe {
    SubscriptionKind kind = SubscriptionKind::slot;
    Commitment commitment = Commitment::finalized;
    Signature signature = {};                                // signature
    bool tell_received = false;                              // signature
    Pubkey address = {};                                     // account
    AccountEncoding encoding = AccountEncoding::base58_text; // account
    DataSlice slice = {};                                    // account
    std::optional<Pubkey> mentions = {};                     // logs; nullopt: all
};
struct Unsubscribe {
    SubscriptionKind kind = SubscriptionKind::slot;
    std::uint64_t id = 0;
};
using SubscriptionCall = std::variant<Subscribe, Unsubscribe>;

} // namespace belfry::node
