// SPDX-License-Identifier: Apache-2.0
#pragma once
// method_table.hpp: how a JSON-RPC method is read, and the methods by subject. Private to rpc/.
// Rule     a method fills call.request, or answers at once; it throws RpcFault for what is wrong
//          with its parameters.

#include "node/rpc/methods.hpp"
#include "node/rpc/params.hpp"

#include <span>
#include <string_view>

namespace belfry::node {

using Method = void (*)(const Params& params, const NodeFacts& facts, Call& call);
struct NamedMethod {
    std::string_view name;
    Method method;
};

[[nodiscard]] std::span<const NamedMethod> chain_methods();   // methods_chain.cpp
[[nodiscard]] std::span<const NamedMethod> account_methods(); // methods_accounts.cpp
[[nodiscard]] std::span<const NamedMethod> ledger_methods();  // methods_ledger.cpp
[[nodiscard]] std::span<const NamedMethod> cluster_methods(); // methods_cluster.cpp

[[nodiscard]] std::span<const NamedMethod> subscription_methods(); // methods_subscribe.cpp

/// What a configuration object says of the form of accounts.
[[nodiscard]] AccountEncoding account_encoding(const boost::json::object* options,
                                               AccountEncoding if_absent);
[[nodiscard]] DataSlice data_slice(const boost::json::object* options);

void answer_now(Call& call, std::string_view result_json);
/// Reads the configuration object of a read: what the answer's block must be.
[[nodiscard]] Commitment read_context(const Params& params, std::size_t index, Call& call);

/// A question that has no more to it than its commitment.
template <class Question>
void ask_with_commitment(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    call.request = Question{read_context(params, 0, call)};
}
/// A question that has nothing to it.
template <class Question>
void ask(const Params& /*params*/, const NodeFacts& /*facts*/, Call& call)
{
    call.request = Question{};
}

} // namespace belfry::node
