// SPDX-License-Identifier: Apache-2.0
// methods_chain.cpp: reads the calls about the chain's state, blockhashes, signatures and leaders,
// and the sending of transactions.
#include "crypto/base58.hpp"
#include "node/rpc/method_table.hpp"
#include "node/rpc/transaction_text.hpp"
#include "node/version.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <array>

namespace belfry::node {

namespace json = boost::json;

namespace {

std::string quoted_base58(ByteView bytes)
{
    return fmt::format("\"{}\"", crypto::to_base58(bytes));
}

// --- answered from facts -------------------------------------------------------------------------

void get_version(const Params& /*params*/, const NodeFacts& /*facts*/, Call& call)
{
    answer_now(call, fmt::format(R"({{"solana-core":"{}","feature-set":0,"belfry-core":"{}"}})",
                                 solana_api_version, belfry_version));
}

void get_genesis_hash(const Params& /*params*/, const NodeFacts& facts, Call& call)
{
    answer_now(call, quoted_base58(facts.genesis_hash.view()));
}

void get_identity(const Params& /*params*/, const NodeFacts& facts, Call& call)
{
    answer_now(call, fmt::format(R"({{"identity":{}}})", quoted_base58(facts.identity.view())));
}

void get_epoch_schedule(const Params& /*params*/, const NodeFacts& facts, Call& call)
{
    answer_now(call, fmt::format(R"({{"slotsPerEpoch":{0},"leaderScheduleSlotOffset":{0},)"
                                 R"("warmup":false,"firstNormalEpoch":0,"firstNormalSlot":0}})",
                                 facts.slots_per_epoch));
}

void get_minimum_balance(const Params& params, const NodeFacts& facts, Call& call)
{
    constexpr std::uint64_t account_bytes_max = 10ULL * 1024 * 1024; // Solana's limit
    const std::uint64_t data_bytes = params.number(0, "data length");
    if (data_bytes > account_bytes_max) {
        throw_invalid_params(fmt::format("an account holds at most {} bytes", account_bytes_max));
    }
    answer_now(call, fmt::format("{}", facts.rent.exempt_minimum(data_bytes).value));
}

// --- asked of the node ---------------------------------------------------------------------------

void get_balance(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    const Pubkey account = params.pubkey(0);
    call.request = GetBalance{account, read_context(params, 1, call)};
}

void is_blockhash_valid(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    const std::optional<Hash> hash = crypto::fixed_from_base58<Hash>(params.text(0, "blockhash"));
    if (!hash) {
        throw_invalid_params("the blockhash is not 32 bytes of base58");
    }
    call.request = IsBlockhashValid{*hash, read_context(params, 1, call)};
}

void get_fee_for_message(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    Bytes wire = decode_message(params.text(0, "message"));
    call.request = GetFeeForMessage{std::move(wire), read_context(params, 1, call)};
}

void get_signature_statuses(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    const json::value* const list = params.at(0);
    if (list == nullptr || !list->is_array()) {
        throw_invalid_params("parameter 1 must be an array of signatures");
    }
    const json::array& texts = list->get_array();
    if (texts.size() > signatures_per_request_max) {
        throw_invalid_params(
            fmt::format("too many signatures; at most {}", signatures_per_request_max));
    }
    GetSignatureStatuses question;
    for (const json::value& text : texts) {
        std::optional<Signature> signature;
        if (text.is_string()) {
            signature = crypto::fixed_from_base58<Signature>(text.get_string());
        }
        if (!signature) {
            throw_invalid_params(fmt::format("signature {} is not 64 bytes of base58",
                                             question.signatures.size() + 1));
        }
        question.signatures.push_back(*signature);
    }
    question.search_history =
        bool_field(params.options(1), "searchTransactionHistory").value_or(false);
    call.request = std::move(question);
}

void send_transaction(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    const json::object* const options = params.options(1);
    SendTransaction question;
    question.skip_preflight = bool_field(options, "skipPreflight").value_or(false);
    question.preflight_commitment = commitment_field(options, "preflightCommitment");
    if (const auto slot = number_field(options, "minContextSlot")) {
        question.min_context_slot = Slot{*slot};
    }
    (void)number_field(options, "maxRetries"); // the node retries until the blockhash is too old
    DecodedTransaction transaction =
        decode_transaction(params.text(0, "transaction"), text_field(options, "encoding"));
    question.wire = std::move(transaction.wire);
    call.text = crypto::to_base58(transaction.first_signature);
    call.request = std::move(question);
}

void get_slot_leader(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    call.request = GetSlotLeaders{std::nullopt, 1, read_context(params, 0, call), true};
}

void get_slot_leaders(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    GetSlotLeaders question;
    question.first = Slot{params.number(0, "start slot")};
    question.slot_count = params.number(1, "limit");
    if (question.slot_count == 0 || question.slot_count > leaders_per_request_max) {
        throw_invalid_params(fmt::format("limit must be 1 to {}", leaders_per_request_max));
    }
    call.request = question;
}

/// web3.js sends [], kit [null, {commitment}], others [slot, {...}] or [{...}].
void get_leader_schedule(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    GetLeaderSchedule question;
    const json::value* const first = params.at(0);
    const std::size_t options_at = first != nullptr && first->is_object() ? 0 : 1;
    if (first != nullptr && options_at == 1) {
        question.slot = Slot{params.number(0, "slot")};
    }
    question.commitment = read_context(params, options_at, call);
    if (const auto identity = text_field(params.options(options_at), "identity")) {
        if (!crypto::fixed_from_base58<Pubkey>(*identity)) {
            throw_invalid_params("identity is not 32 bytes of base58");
        }
        call.text = *identity;
    }
    call.request = question;
}

void get_block_summary(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    call.request = GetBlockSummary{Slot{params.number(0, "slot")}};
}

constexpr std::array<NamedMethod, 21> chain_method_table{{
    {"belfryBlock", get_block_summary},   // our own: {slot, ids, state hash} for tools
    {"belfryStatus", ask<GetNodeStatus>}, // our own: `belfry status`
    {"getBalance", get_balance},
    {"getBlockHeight", ask_with_commitment<GetBlockHeight>},
    {"getEpochInfo", ask_with_commitment<GetEpochInfo>},
    {"getEpochSchedule", get_epoch_schedule},
    {"getFeeForMessage", get_fee_for_message},
    {"getGenesisHash", get_genesis_hash},
    {"getHealth", ask<GetHealth>},
    {"getIdentity", get_identity},
    {"getLatestBlockhash", ask_with_commitment<GetLatestBlockhash>},
    {"getLeaderSchedule", get_leader_schedule},
    {"getMinimumBalanceForRentExemption", get_minimum_balance},
    {"getSignatureStatuses", get_signature_statuses},
    {"getSlot", ask_with_commitment<GetSlot>},
    {"getSlotLeader", get_slot_leader},
    {"getSlotLeaders", get_slot_leaders},
    {"getTransactionCount", ask_with_commitment<GetTransactionCount>},
    {"getVersion", get_version},
    {"isBlockhashValid", is_blockhash_valid},
    {"sendTransaction", send_transaction},
}};

} // namespace

std::span<const NamedMethod> chain_methods()
{
    return chain_method_table;
}

} // namespace belfry::node
