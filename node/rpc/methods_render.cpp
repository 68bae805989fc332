// SPDX-License-Identifier: Apache-2.0
// methods_render.cpp: the way out: the node's Replies to Solana's JSON shapes.
#include "base/check.hpp"
#include "crypto/base58.hpp"
#include "node/rpc/account_json.hpp"
#include "node/rpc/commitment.hpp"
#include "node/rpc/error_text.hpp"
#include "node/rpc/json_rpc.hpp"
#include "node/rpc/methods.hpp"
#include "node/version.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

namespace belfry::node {

namespace json = boost::json;

namespace {

template <class Fixed>
json::value base58(const Fixed& value)
{
    return json::value(crypto::to_base58(value));
}

template <class Optional>
json::value base58_or_null(const Optional& value)
{
    return value ? base58(*value) : json::value(nullptr);
}

/// The number inside a Slot, Height, ..., or null.
template <class Strong>
json::value number_or_null(const std::optional<Strong>& value)
{
    return value ? json::value(value->value) : json::value(nullptr);
}

json::value with_context(Slot context, json::value value)
{
    return json::object{
        {"context", json::object{{"slot", context.value}, {"apiVersion", solana_api_version}}},
        {"value", std::move(value)}};
}

json::value error_json(const exec::TransactionError& error)
{
    return json::parse(error_json_text(error));
}

json::value status_json(const std::optional<SignatureStatus>& status)
{
    if (!status) {
        return nullptr;
    }
    const json::value error = error_json(status->error);
    json::object outcome;
    outcome[status->error.ok() ? "Ok" : "Err"] = error;
    return json::object{{"slot", status->slot.value},
                        {"confirmations", status->confirmations
                                              ? json::value(*status->confirmations)
                                              : json::value(nullptr)},
                        {"err", error},
                        {"status", std::move(outcome)},
                        {"confirmationStatus", to_string(status->level)}};
}

json::object counters_json(const std::vector<NamedCounter>& counters)
{
    json::object object;
    for (const NamedCounter& counter : counters) {
        object[counter.name] = counter.value;
    }
    return object;
}

json::array peers_json(const std::vector<PeerStatus>& peers)
{
    json::array list;
    for (const PeerStatus& peer : peers) {
        list.push_back(
            json::object{{"name", peer.name},
                         {"pubkey", base58(peer.pubkey)},
                         {"stake", peer.stake.value},
                         {"lastVote", number_or_null(peer.last_vote)},
                         {"heardMsAgo", peer.heard_ms_ago ? json::value(*peer.heard_ms_ago)
                                                          : json::value(nullptr)}});
    }
    return list;
}

json::array tiles_json(const std::vector<TileStatus>& tiles)
{
    json::array list;
    for (const TileStatus& tile : tiles) {
        list.push_back(json::object{{"name", tile.name},
                                    {"counters", counters_json(tile.counters)},
                                    {"drops", counters_json(tile.drops)}});
    }
    return list;
}

json::value node_status_json(const NodeStatus& status)
{
    json::object facts;
    for (const NamedText& fact : status.facts) {
        facts[fact.name] = fact.text;
    }
    return json::object{
        {"version", belfry_version},
        {"identity", base58(status.identity)},
        {"clockSlot", status.clock_slot.value},
        {"processed", status.processed.value},
        {"confirmed", status.confirmed.value},
        {"finalized", status.finalized.value},
        {"root", status.root.value},
        {"superRoot", status.super_root.value},
        {"blockHeight", status.block_height.value},
        {"leader", base58_or_null(status.leader)},
        {"lastVote", number_or_null(status.last_vote)},
        {"signing", status.silence.empty()},
        {"silence", status.silence.empty() ? json::value(nullptr) : json::value(status.silence)},
        {"votesSent", status.votes_sent},
        {"votesReceived", status.votes_received},
        {"transactionCount", status.transaction_count},
        {"blocksProduced", status.blocks_produced},
        {"finalizedBlockId", base58(status.finalized_block_id)},
        {"finalizedStateHash", base58(status.finalized_state_hash)},
        {"uptimeMs", status.uptime_ms},
        {"facts", std::move(facts)},
        {"peers", peers_json(status.peers)},
        {"tiles", tiles_json(status.tiles)}};
}

json::value block_json(const std::optional<BlockSummary>& block)
{
    if (!block) {
        return nullptr;
    }
    return json::object{{"slot", block->slot.value},
                        {"parent", block->parent.value},
                        {"height", block->height.value},
                        {"blockId", base58(block->block_id)},
                        {"blockhash", base58(block->blockhash)},
                        {"stateHash", base58(block->state_hash)},
                        {"leader", base58(block->leader)},
                        {"transactionCount", block->transaction_count}};
}

/// {"identity": [slot index in the epoch, ...]}, of one identity when only is not empty.
json::value schedule_json(const LeadersAnswer& answer, std::string_view only)
{
    if (answer.leaders.empty()) {
        return nullptr;
    }
    json::object schedule;
    for (std::size_t i = 0; i < answer.leaders.size(); ++i) {
        const std::string identity = crypto::to_base58(answer.leaders[i]);
        if (!only.empty() && identity != only) {
            continue;
        }
        json::value& indexes = schedule[identity];
        if (indexes.is_null()) {
            indexes = json::array{};
        }
        indexes.get_array().push_back(i);
    }
    return schedule;
}

std::string unhealthy_reply(std::string_view id_json, const NodeUnhealthy& unhealthy)
{
    if (unhealthy.slots_behind) {
        return error_reply(id_json,
                           {RpcCode::node_unhealthy,
                            fmt::format("Node is behind by {} slots", *unhealthy.slots_behind),
                            fmt::format(R"({{"numSlotsBehind":{}}})", *unhealthy.slots_behind)});
    }
    return error_reply(
        id_json, {RpcCode::node_unhealthy, "Node is unhealthy", R"({"numSlotsBehind":null})"});
}

/// With the whole result of a simulation as data: both clients show its logs.
std::string preflight_reply(std::string_view id_json, const PreflightFailed& failed)
{
    return error_reply(id_json, {RpcCode::preflight_failure,
                                 fmt::format("Transaction simulation failed: {}",
                                             error_words(failed.simulation.error)),
                                 simulation_text(failed.simulation, nullptr)});
}

json::value voter_json(const VoteAccountsAnswer::Voter& voter)
{
    // Stake is the validator's own here: its identity is its vote account, and there are no
    // credits. Two names of the commission, for clients of both ages.
    const json::value key = base58(voter.key);
    return json::object{{"votePubkey", key},
                        {"nodePubkey", key},
                        {"activatedStake", voter.stake.value},
                        {"epochVoteAccount", true},
                        {"epochCredits", json::array{}},
                        {"commission", 0},
                        {"inflationRewardsCommissionBps", 0},
                        {"lastVote", voter.last_vote ? voter.last_vote->value : 0},
                        {"rootSlot", voter.root.value}};
}

json::value performance_json(const PerformanceAnswer& answer)
{
    json::array samples;
    for (const PerformanceAnswer::Sample& sample : answer.samples) {
        samples.push_back(json::object{{"slot", sample.slot.value},
                                       {"numTransactions", sample.transaction_count},
                                       {"numNonVoteTransactions", sample.transaction_count},
                                       {"numSlots", sample.slot_count},
                                       {"samplePeriodSecs", 60}});
    }
    return samples;
}

/// One overload per kind of answer.
class Renderer {
public:
    Renderer(const Call& call, Slot context)
        : call_(call)
        , context_(context)
    {
    }
    std::string operator()(const NumberAnswer& answer) const { return plain(answer.value); }
    std::string operator()(const EpochInfoAnswer& answer) const
    {
        if (asked<GetEpochInfo>().for_inflation) {
            return plain(json::object{
                {"epoch", answer.epoch.value}, {"foundation", 0}, {"total", 0}, {"validator", 0}});
        }
        return plain(json::object{{"absoluteSlot", answer.absolute_slot.value},
                                  {"blockHeight", answer.block_height.value},
                                  {"epoch", answer.epoch.value},
                                  {"slotIndex", answer.slot_index},
                                  {"slotsInEpoch", answer.slots_in_epoch},
                                  {"transactionCount", answer.transaction_count}});
    }
    std::string operator()(const BalanceAnswer& answer) const
    {
        return in_context(answer.lamports.value);
    }
    std::string operator()(const BlockhashAnswer& answer) const
    {
        return in_context(json::object{{"blockhash", base58(answer.blockhash)},
                                       {"lastValidBlockHeight", answer.last_valid.value}});
    }
    std::string operator()(const ValidAnswer& answer) const { return in_context(answer.valid); }
    std::string operator()(const FeeAnswer& answer) const
    {
        return in_context(number_or_null(answer.fee));
    }
    std::string operator()(const StatusesAnswer& answer) const
    {
        json::array statuses;
        for (const std::optional<SignatureStatus>& status : answer.statuses) {
            statuses.push_back(status_json(status));
        }
        return in_context(std::move(statuses));
    }
    std::string operator()(const LeadersAnswer& answer) const
    {
        if (std::holds_alternative<GetLeaderSchedule>(request())) {
            return plain(schedule_json(answer, call_.text));
        }
        if (answer.leaders.empty()) {
            return error_reply(call_.id_json,
                               {RpcCode::invalid_params,
                                "Invalid params: the leaders of these slots are not known",
                                {}});
        }
        const auto& question = asked<GetSlotLeaders>();
        if (question.only_one) {
            return plain(base58(answer.leaders.front()));
        }
        json::array leaders;
        for (const Pubkey& leader : answer.leaders) {
            leaders.push_back(base58(leader));
        }
        return plain(std::move(leaders));
    }
    std::string operator()(const SentAnswer& /*answer*/) const
    {
        return plain(json::value(call_.text));
    }
    std::string operator()(const HealthyAnswer& /*answer*/) const { return plain("ok"); }
    std::string operator()(const BlockSummaryAnswer& answer) const
    {
        return plain(block_json(answer.block));
    }
    std::string operator()(const NodeStatus& status) const
    {
        return plain(node_status_json(status));
    }
    std::string operator()(const PreflightFailed& failed) const
    {
        return preflight_reply(call_.id_json, failed);
    }
    std::string operator()(const MinContextSlotNotReached& /*refusal*/) const
    {
        return error_reply(call_.id_json, {RpcCode::min_context_slot_not_reached,
                                           "Minimum context slot has not been reached",
                                           fmt::format(R"({{"contextSlot":{}}})", context_.value)});
    }
    std::string operator()(const NodeUnhealthy& unhealthy) const
    {
        return unhealthy_reply(call_.id_json, unhealthy);
    }
    std::string operator()(const NodeBusy& /*refusal*/) const { return render_busy(call_); }
    std::string operator()(const AccountsAnswer& answer) const
    {
        const auto& question = asked<GetAccounts>();
        std::string list;
        for (const std::optional<AccountView>& account : answer.accounts) {
            if (account && !fits_encoding(*account, question.encoding)) {
                return error_reply(call_.id_json, base58_refusal());
            }
            list += list.empty() ? "" : ",";
            list += account_text(account, question.encoding);
        }
        return text_in_context(question.only_one ? list : fmt::format("[{}]", list));
    }
    std::string operator()(const SimulationAnswer& answer) const
    {
        const auto& question = asked<SimulateTransaction>();
        for (const std::optional<AccountView>& account : answer.accounts) {
            if (account && !fits_encoding(*account, question.encoding)) {
                return error_reply(call_.id_json, base58_refusal());
            }
        }
        return text_in_context(simulation_text(answer, &question));
    }
    std::string operator()(const AirdropAnswer& answer) const
    {
        return plain(base58(answer.signature));
    }
    std::string operator()(const SupplyAnswer& answer) const
    {
        return in_context(json::object{{"total", answer.total.value},
                                       {"circulating", answer.total.value},
                                       {"nonCirculating", 0},
                                       {"nonCirculatingAccounts", json::array{}}});
    }
    std::string operator()(const JsonAnswer& answer) const
    {
        return result_reply(call_.id_json, answer.json);
    }
    std::string operator()(const RpcRefusal& refusal) const
    {
        return error_reply(call_.id_json, refusal.error);
    }
    std::string operator()(const PerformanceAnswer& answer) const
    {
        return plain(performance_json(answer));
    }
    std::string operator()(const VoteAccountsAnswer& answer) const
    {
        json::array current;
        json::array delinquent;
        for (const VoteAccountsAnswer::Voter& voter : answer.voters) {
            (voter.delinquent ? delinquent : current).push_back(voter_json(voter));
        }
        return plain(
            json::object{{"current", std::move(current)}, {"delinquent", std::move(delinquent)}});
    }
    // What the node's own parts tell one another reaches no client.
    std::string operator()(const TransactionPlaceAnswer& /*answer*/) const { return unfinished(); }
    std::string operator()(const BlockPlaceAnswer& /*answer*/) const { return unfinished(); }
    std::string operator()(const ChainAnswer& /*answer*/) const { return unfinished(); }
    std::string operator()(const LogsAnswer& /*answer*/) const { return unfinished(); }
    std::string operator()(const UnfinalChainAnswer& /*answer*/) const { return unfinished(); }
    std::string operator()(const ReadinessAnswer& /*answer*/) const { return unfinished(); }
    std::string operator()(const ChainEvent& /*event*/) const { return unfinished(); }
    std::string operator()(const NotAvailable& refusal) const
    {
        return error_reply(call_.id_json, {RpcCode::internal_error, refusal.why, {}});
    }

private:
    [[nodiscard]] const Request& request() const
    {
        BELFRY_CHECK(call_.request);
        return *call_.request;
    }
    template <class Question>
    [[nodiscard]] const Question& asked() const
    {
        return std::get<Question>(request());
    }
    [[nodiscard]] std::string unfinished() const
    {
        return error_reply(call_.id_json,
                           {RpcCode::internal_error, "the ledger was not asked", {}});
    }
    [[nodiscard]] std::string text_in_context(std::string_view value) const
    {
        return result_reply(
            call_.id_json,
            fmt::format(R"({{"context":{{"slot":{},"apiVersion":"{}"}},"value":{}}})",
                        context_.value, solana_api_version, value));
    }
    [[nodiscard]] std::string plain(const json::value& result) const
    {
        return result_reply(call_.id_json, json::serialize(result));
    }
    [[nodiscard]] std::string in_context(json::value value) const
    {
        return plain(with_context(context_, std::move(value)));
    }

    const Call& call_;
    Slot context_;
};

} // namespace

std::string render_reply(const Call& call, const Reply& reply)
{
    const Renderer renderer(call, reply.context);
    if (call.min_context_slot && reply.context < *call.min_context_slot) {
        return renderer(MinContextSlotNotReached{});
    }
    return std::visit(renderer, reply.body);
}

std::string render_readiness(const ReadinessAnswer& readiness)
{
    json::array reasons;
    for (const std::string& reason : readiness.reasons) {
        reasons.emplace_back(reason);
    }
    return json::serialize(
        json::object{{"ready", readiness.reasons.empty()},
                     {"reasons", std::move(reasons)},
                     {"slotsBehind", readiness.slots_behind},
                     {"slotsUnfinal", readiness.slots_unfinal},
                     {"peersHeard", readiness.peers_heard},
                     {"peersTotal", readiness.peers_total},
                     {"quorumMsAgo", readiness.quorum_ms_ago ? json::value(*readiness.quorum_ms_ago)
                                                             : json::value(nullptr)}});
}

std::string render_busy(const Call& call)
{
    return error_reply(call.id_json,
                       {RpcCode::node_unhealthy, "Node is busy", R"({"numSlotsBehind":null})"});
}

std::string render_timeout(const Call& call)
{
    return error_reply(call.id_json,
                       {RpcCode::internal_error, "The node did not answer in time", {}});
}

std::string join_replies(bool is_batch, const std::vector<std::string>& replies)
{
    std::string joined;
    for (const std::string& reply : replies) {
        if (reply.empty()) {
            continue;
        }
        if (!joined.empty()) {
            joined += ',';
        }
        joined += reply;
    }
    return is_batch && !joined.empty() ? fmt::format("[{}]", joined) : joined;
}

} // namespace belfry::node
