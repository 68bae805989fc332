// SPDX-License-Identifier: Apache-2.0
// methods_cluster.cpp: reads the calls about the validators; and those about inflation, of which
// this chain has none: all lamports are in genesis.
#include "crypto/base58.hpp"
#include "node/rpc/method_table.hpp"
#include "node/version.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <array>

namespace belfry::node {

namespace json = boost::json;

namespace {

json::value address_or_null(const std::optional<dataplane::Endpoint>& endpoint)
{
    return endpoint ? json::value(endpoint->to_string()) : json::value(nullptr);
}

void get_cluster_nodes(const Params& /*params*/, const NodeFacts& facts, Call& call)
{
    // Two bytes that tell clusters apart, as Solana's shred version does.
    const std::uint64_t shred_version =
        facts.genesis_hash.bytes[0] * std::uint64_t{256} + facts.genesis_hash.bytes[1];
    json::array nodes;
    for (const ClusterNode& node : facts.cluster) {
        const bool own = node.pubkey == facts.identity;
        nodes.push_back(
            json::object{{"pubkey", crypto::to_base58(node.pubkey)},
                         {"gossip", nullptr}, // the roster takes its place
                         {"tvu", address_or_null(node.shreds)},
                         {"tpu", address_or_null(node.transactions)},
                         {"tpuQuic", nullptr},
                         {"tpuForwards", address_or_null(node.forwards)},
                         {"tpuForwardsQuic", nullptr},
                         {"tpuVote", address_or_null(node.votes)},
                         {"serveRepair", address_or_null(node.repair)},
                         {"rpc", address_or_null(node.rpc)},
                         {"pubsub", address_or_null(node.websocket)},
                         {"version", own ? json::value(solana_api_version) : json::value(nullptr)},
                         {"featureSet", nullptr},
                         {"shredVersion", shred_version},
                         {"clientId", own ? json::value("Belfry") : json::value(nullptr)}});
    }
    answer_now(call, json::serialize(nodes));
}

void get_vote_accounts(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    GetVoteAccounts question;
    if (const auto only = text_field(params.options(0), "votePubkey")) {
        question.only = crypto::fixed_from_base58<Pubkey>(*only);
        if (!question.only) {
            throw_invalid_params("votePubkey is not 32 bytes of base58");
        }
    }
    question.delinquent_distance =
        number_field(params.options(0), "delinquentSlotDistance").value_or(delinquent_slots);
    (void)bool_field(params.options(0), "keepUnstakedDelinquents"); // all here have stake
    (void)read_context(params, 0, call);
    call.request = question;
}

void get_inflation_governor(const Params& /*params*/, const NodeFacts& /*facts*/, Call& call)
{
    answer_now(call, R"({"foundation":0,"foundationTerm":0,"initial":0,"taper":0,"terminal":0})");
}

void get_inflation_rate(const Params& /*params*/, const NodeFacts& /*facts*/, Call& call)
{
    call.request = GetEpochInfo{.commitment = Commitment::processed, .for_inflation = true};
}

/// One null for each address: nobody has ever had a reward.
void get_inflation_reward(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    const json::value* const list = params.at(0);
    if (list == nullptr || !list->is_array() ||
        list->get_array().size() > accounts_per_request_max) {
        throw_invalid_params(fmt::format("parameter 1 must be an array of at most {} addresses",
                                         accounts_per_request_max));
    }
    answer_now(call, json::serialize(json::array(list->get_array().size(), nullptr)));
}

/// This node keeps no record of what recent blocks were paid for priority: no sample is the truth.
void get_recent_prioritization_fees(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    constexpr std::size_t addresses_max = 128; // Solana's
    const json::value* const list = params.at(0);
    if (list != nullptr && (!list->is_array() || list->get_array().size() > addresses_max)) {
        throw_invalid_params(
            fmt::format("parameter 1 must be an array of at most {} addresses", addresses_max));
    }
    answer_now(call, "[]");
}

void get_highest_snapshot_slot(const Params& /*params*/, const NodeFacts& /*facts*/, Call& call)
{
    call.immediate = error_reply(call.id_json, {RpcCode::no_snapshot, "No snapshot", {}});
}

constexpr std::array<NamedMethod, 8> cluster_method_table{{
    {"getClusterNodes", get_cluster_nodes},
    {"getHighestSnapshotSlot", get_highest_snapshot_slot},
    {"getInflationGovernor", get_inflation_governor},
    {"getInflationRate", get_inflation_rate},
    {"getInflationReward", get_inflation_reward},
    {"getRecentPrioritizationFees", get_recent_prioritization_fees},
    {"getStakeMinimumDelegation", ask_with_commitment<GetStakeMinimum>},
    {"getVoteAccounts", get_vote_accounts},
}};

} // namespace

std::span<const NamedMethod> cluster_methods()
{
    return cluster_method_table;
}

} // namespace belfry::node
