// SPDX-License-Identifier: Apache-2.0
// methods_ledger.cpp: reads the calls about blocks, transactions and what became of them.
#include "crypto/base58.hpp"
#include "node/rpc/method_table.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <array>

namespace belfry::node {

namespace json = boost::json;

namespace {

TransactionEncoding transaction_encoding(std::string_view text)
{
    if (text == "json") {
        return TransactionEncoding::json;
    }
    if (text == "jsonParsed") {
        return TransactionEncoding::json_parsed;
    }
    if (text == "base58") {
        return TransactionEncoding::base58;
    }
    if (text == "base64") {
        return TransactionEncoding::base64;
    }
    throw_invalid_params(fmt::format("encoding must be json, jsonParsed, base58 or base64, not {}",
                                     text.substr(0, 32)));
}

/// The options of a block or transaction: an object, or (older clients) the encoding alone.
const json::object* style_options(const Params& params, TransactionStyle& style)
{
    const json::value* const value = params.at(1);
    if (value != nullptr && value->is_string()) {
        style.encoding = transaction_encoding(value->get_string());
        return nullptr;
    }
    const json::object* const options = params.options(1);
    if (const auto text = text_field(options, "encoding")) {
        style.encoding = transaction_encoding(*text);
    }
    style.version_max = number_field(options, "maxSupportedTransactionVersion");
    return options;
}

Commitment settled(Commitment commitment, std::string_view method)
{
    if (commitment == Commitment::processed) {
        throw_invalid_params(
            fmt::format("{} does not support commitment below `confirmed`", method));
    }
    return commitment;
}

Commitment settled_context(const Params& params, std::size_t index, Call& call,
                           std::string_view method)
{
    return settled(read_context(params, index, call), method);
}

Signature signature_of(std::string_view text, std::string_view name)
{
    const auto signature = crypto::fixed_from_base58<Signature>(text);
    if (!signature) {
        throw_invalid_params(fmt::format("{} is not 64 bytes of base58", name));
    }
    return *signature;
}

void get_transaction(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    GetTransaction question;
    question.signature = signature_of(params.text(0, "signature"), "the signature");
    const json::object* const options = style_options(params, question.style);
    question.commitment = settled(commitment_field(options), "getTransaction");
    call.request = question;
}

void get_block(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    GetBlock question;
    question.slot = Slot{params.number(0, "slot")};
    const json::object* const options = style_options(params, question.style);
    question.commitment = settled(commitment_field(options), "getBlock");
    question.rewards = bool_field(options, "rewards").value_or(true);
    const std::string_view details = text_field(options, "transactionDetails").value_or("full");
    if (details == "full") {
        question.details = TransactionDetails::full;
    } else if (details == "accounts") {
        question.details = TransactionDetails::accounts;
    } else if (details == "signatures") {
        question.details = TransactionDetails::signatures;
    } else if (details == "none") {
        question.details = TransactionDetails::none;
    } else {
        throw_invalid_params("transactionDetails must be full, accounts, signatures or none");
    }
    call.request = question;
}

/// [first], [first, last], [first, {...}], [first, last, {...}]
void get_blocks(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    GetBlocks question;
    question.first = Slot{params.number(0, "start slot")};
    const json::value* const second = params.at(1);
    const bool has_last = second != nullptr && !second->is_object();
    if (has_last) {
        question.last = Slot{params.number(1, "end slot")};
        if (question.last->value - std::min(*question.last, question.first).value >
            blocks_per_request_max) {
            throw_invalid_params(
                fmt::format("the range must be 0 to {} slots", blocks_per_request_max));
        }
    }
    const std::size_t options_at = second != nullptr && second->is_object() ? 1 : 2;
    question.commitment = settled_context(params, options_at, call, "getBlocks");
    question.count_max = blocks_per_request_max + 1;
    call.request = question;
}

void get_blocks_with_limit(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    GetBlocks question;
    question.first = Slot{params.number(0, "start slot")};
    question.count_max = params.number(1, "limit");
    if (question.count_max > blocks_per_request_max) {
        throw_invalid_params(fmt::format("limit must be at most {}", blocks_per_request_max));
    }
    question.commitment = settled_context(params, 2, call, "getBlocksWithLimit");
    call.request = question;
}

void get_block_time(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    call.request = GetBlockTime{Slot{params.number(0, "slot")}};
}

void get_certificates(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    call.request = GetProofs{Slot{params.number(0, "slot")}};
}

void get_signatures_for_address(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    GetSignaturesForAddress question;
    question.address = params.pubkey(0);
    const json::object* const options = params.options(1);
    if (const auto before = text_field(options, "before")) {
        question.before = signature_of(*before, "before");
    }
    if (const auto until = text_field(options, "until")) {
        question.until = signature_of(*until, "until");
    }
    question.count_max = number_field(options, "limit").value_or(signatures_per_address_max);
    if (question.count_max == 0 || question.count_max > signatures_per_address_max) {
        throw_invalid_params(fmt::format("limit must be 1 to {}", signatures_per_address_max));
    }
    question.commitment = settled_context(params, 1, call, "getSignaturesForAddress");
    call.request = question;
}

void get_block_production(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    GetBlockProduction question;
    const json::object* const options = params.options(0);
    if (const auto identity = text_field(options, "identity")) {
        question.identity = crypto::fixed_from_base58<Pubkey>(*identity);
        if (!question.identity) {
            throw_invalid_params("identity is not 32 bytes of base58");
        }
    }
    const json::value* const range = options == nullptr ? nullptr : options->if_contains("range");
    if (range != nullptr && !range->is_null()) {
        if (!range->is_object()) {
            throw_invalid_params("range must be an object");
        }
        const auto first = number_field(&range->get_object(), "firstSlot");
        const auto last = number_field(&range->get_object(), "lastSlot");
        if (!first) {
            throw_invalid_params("range must hold firstSlot");
        }
        question.first = Slot{*first};
        if (last) {
            question.last = Slot{*last};
        }
    }
    (void)read_context(params, 0, call);
    call.request = question;
}

void get_performance_samples(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    GetRecentPerformanceSamples question;
    if (params.at(0) != nullptr) {
        question.count_max = params.number(0, "limit");
    }
    if (question.count_max > performance_samples_max) {
        throw_invalid_params(fmt::format("limit must be at most {}", performance_samples_max));
    }
    call.request = question;
}

void get_transaction_trail(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    const auto signature = crypto::fixed_from_base58<Signature>(params.text(0, "signature"));
    if (!signature) {
        throw_invalid_params("signature is not 64 bytes of base58");
    }
    call.request = GetTransactionTrail{*signature};
}

constexpr std::array<NamedMethod, 13> ledger_method_table{{
    {"belfryCertificates", get_certificates},          // our own: what proves that a slot is final
    {"belfryEvidence", ask<GetProofs>},                // and that a validator broke the rules
    {"belfryTransactionTrail", get_transaction_trail}, // what this node did with a transaction
    {"getBlock", get_block},
    {"getBlockProduction", get_block_production},
    {"getBlockTime", get_block_time},
    {"getBlocks", get_blocks},
    {"getBlocksWithLimit", get_blocks_with_limit},
    {"getFirstAvailableBlock", ask<GetFirstAvailableBlock>},
    {"getRecentPerformanceSamples", get_performance_samples},
    {"getSignaturesForAddress", get_signatures_for_address},
    {"getTransaction", get_transaction},
    {"minimumLedgerSlot", ask<GetFirstAvailableBlock>},
}};

} // namespace

std::span<const NamedMethod> ledger_methods()
{
    return ledger_method_table;
}

} // namespace belfry::node
