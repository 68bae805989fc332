// SPDX-License-Identifier: Apache-2.0
// methods_accounts.cpp: reads the calls about accounts, simulation and the faucet.
#include "crypto/base58.hpp"
#include "ledger/model/transaction.hpp"
#include "node/rpc/method_table.hpp"
#include "node/rpc/transaction_text.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <array>

namespace belfry::node {

namespace json = boost::json;

AccountEncoding account_encoding(const json::object* options, AccountEncoding if_absent)
{
    const auto text = text_field(options, "encoding");
    if (!text) {
        return if_absent;
    }
    if (*text == "base58") {
        return AccountEncoding::base58;
    }
    if (*text == "base64" || *text == "jsonParsed") { // no program here has a parsed form
        return AccountEncoding::base64;
    }
    if (*text == "base64+zstd") {
        return AccountEncoding::base64_zstd;
    }
    throw_invalid_params(fmt::format(
        "encoding must be base58, base64, base64+zstd or jsonParsed, not {}", text->substr(0, 32)));
}

DataSlice data_slice(const json::object* options)
{
    DataSlice slice;
    const json::value* const value =
        options == nullptr ? nullptr : options->if_contains("dataSlice");
    if (value == nullptr || value->is_null()) {
        return slice;
    }
    if (!value->is_object()) {
        throw_invalid_params("dataSlice must be an object");
    }
    const auto offset = number_field(&value->get_object(), "offset");
    const auto length = number_field(&value->get_object(), "length");
    if (!offset || !length) {
        throw_invalid_params("dataSlice must hold offset and length");
    }
    return {.offset = *offset, .length = *length};
}

namespace {

Pubkey pubkey_of(const json::value& value)
{
    std::optional<Pubkey> key;
    if (value.is_string()) {
        key = crypto::fixed_from_base58<Pubkey>(value.get_string());
    }
    if (!key) {
        throw_invalid_params("an address is not 32 bytes of base58");
    }
    return *key;
}

void read_account_options(const Params& params, Call& call, GetAccounts& question)
{
    const json::object* const options = params.options(1);
    question.encoding = account_encoding(options, AccountEncoding::base58_text);
    question.slice = data_slice(options);
    question.commitment = read_context(params, 1, call);
}

void get_account_info(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    GetAccounts question;
    question.accounts.push_back(params.pubkey(0));
    question.only_one = true;
    read_account_options(params, call, question);
    call.request = std::move(question);
}

void get_multiple_accounts(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    const json::value* const list = params.at(0);
    if (list == nullptr || !list->is_array()) {
        throw_invalid_params("parameter 1 must be an array of addresses");
    }
    if (list->get_array().size() > accounts_per_request_max) {
        throw_invalid_params(
            fmt::format("too many accounts; at most {}", accounts_per_request_max));
    }
    GetAccounts question;
    for (const json::value& value : list->get_array()) {
        question.accounts.push_back(pubkey_of(value));
    }
    read_account_options(params, call, question);
    if (!params.options(1) || text_field(params.options(1), "encoding") == std::nullopt) {
        question.encoding = AccountEncoding::base64; // Solana's default for the many
    }
    call.request = std::move(question);
}

void simulate_transaction(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    const json::object* const options = params.options(1);
    SimulateTransaction question;
    const bool verify = bool_field(options, "sigVerify").value_or(false);
    question.inner_wanted = bool_field(options, "innerInstructions").value_or(false);
    question.replace_blockhash = bool_field(options, "replaceRecentBlockhash").value_or(false);
    if (verify && question.replace_blockhash) {
        throw_invalid_params("sigVerify may not be used with replaceRecentBlockhash");
    }
    const json::value* const wanted =
        options == nullptr ? nullptr : options->if_contains("accounts");
    if (wanted != nullptr && wanted->is_object()) {
        question.encoding = account_encoding(&wanted->get_object(), AccountEncoding::base64);
        const json::value* const list = wanted->get_object().if_contains("addresses");
        if (list == nullptr || !list->is_array() ||
            list->get_array().size() > ledger::transaction_accounts_max) {
            throw_invalid_params("accounts.addresses must be an array of at most 64 addresses");
        }
        question.accounts_wanted = true;
        for (const json::value& value : list->get_array()) {
            question.accounts.push_back(pubkey_of(value));
        }
    }
    question.commitment = read_context(params, 1, call);
    question.wire =
        decode_transaction(params.text(0, "transaction"), text_field(options, "encoding"),
                           verify ? Signatures::checked : Signatures::ignored)
            .wire;
    call.request = std::move(question);
}

void request_airdrop(const Params& params, const NodeFacts& /*facts*/, Call& call)
{
    const Pubkey to = params.pubkey(0);
    const Lamports lamports{params.number(1, "lamports")};
    call.request =
        RequestAirdrop{.to = to, .lamports = lamports, .commitment = read_context(params, 2, call)};
}

constexpr std::array<NamedMethod, 5> account_method_table{{
    {"getAccountInfo", get_account_info},
    {"getMultipleAccounts", get_multiple_accounts},
    {"getSupply", ask_with_commitment<GetSupply>},
    {"requestAirdrop", request_airdrop},
    {"simulateTransaction", simulate_transaction},
}};

} // namespace

std::span<const NamedMethod> account_methods()
{
    return account_method_table;
}

} // namespace belfry::node
