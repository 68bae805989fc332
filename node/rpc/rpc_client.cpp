// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/rpc_client.hpp"

#include "crypto/base58.hpp"
#include "node/rpc/commitment.hpp"
#include "node/rpc/http_connection.hpp"
#include "node/rpc/transaction_text.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

namespace belfry::node {

namespace json = boost::json;

struct RpcClient::State {
    std::string url;
    HttpConnection connection;
    std::uint64_t next_id = 1;
    Failure failure;

    [[nodiscard]] std::unexpected<RpcClientError> fail(RpcClientError error, std::string text)
    {
        failure = Failure{error, 0, std::move(text), {}};
        return std::unexpected(error);
    }
    [[nodiscard]] std::unexpected<RpcClientError> malformed(std::string_view method)
    {
        return fail(RpcClientError::malformed,
                    fmt::format("{}: the answer to {} is not what a node gives; is this a node's "
                                "RPC address?",
                                url, method));
    }
    [[nodiscard]] Result<json::value, RpcClientError> call(std::string_view method,
                                                           std::string_view params_json);
    template <class T, class Read>
    [[nodiscard]] Result<T, RpcClientError> read(std::string_view method,
                                                 std::string_view params_json, const Read& take);
    [[nodiscard]] Result<json::value, RpcClientError> take_answer(std::string_view method,
                                                                  const HttpAnswer& answer);
};

namespace {

std::string commitment_options(Commitment commitment)
{
    return fmt::format(R"({{"commitment":"{}"}})", to_string(commitment));
}

/// These throw on another shape; State::read() turns that into `malformed`.
std::uint64_t number(const json::value& value)
{
    return value.to_number<std::uint64_t>();
}

template <class Fixed>
Fixed fixed(const json::value& value)
{
    const std::optional<Fixed> bytes = crypto::fixed_from_base58<Fixed>(value.as_string());
    if (!bytes) {
        throw std::invalid_argument("not base58 of the right length");
    }
    return *bytes;
}

std::optional<RpcClient::Status> read_status(const json::value& value)
{
    if (value.is_null()) {
        return std::nullopt;
    }
    const json::object& object = value.as_object();
    RpcClient::Status status;
    status.slot = Slot{number(object.at("slot"))};
    if (!object.at("err").is_null()) {
        status.error_json = json::serialize(object.at("err"));
    }
    const auto level = commitment_from(object.at("confirmationStatus").as_string());
    if (!level) {
        throw std::invalid_argument("unknown confirmationStatus");
    }
    status.level = *level;
    return status;
}

} // namespace

Result<json::value, RpcClientError> RpcClient::State::call(std::string_view method,
                                                           std::string_view params_json)
{
    const std::string body = fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"{}","params":{}}})",
                                         next_id++, method, params_json);
    HttpAnswer answer = connection.post(body);
    switch (answer.outcome) {
    case HttpAnswer::Outcome::answered:
        return take_answer(method, answer);
    case HttpAnswer::Outcome::no_connection:
        return fail(RpcClientError::unreachable,
                    fmt::format("{}: cannot connect ({}); is the node running?", url, answer.why));
    case HttpAnswer::Outcome::timed_out:
        return fail(RpcClientError::timed_out,
                    fmt::format("{}: no answer to {} in time", url, method));
    case HttpAnswer::Outcome::broken:
        break;
    }
    return fail(RpcClientError::transport,
                fmt::format("{}: the connection broke during {} ({})", url, method, answer.why));
}

Result<json::value, RpcClientError> RpcClient::State::take_answer(std::string_view method,
                                                                  const HttpAnswer& answer)
{
    json::error_code error;
    json::value root = json::parse(answer.body, error);
    json::object* const object = error ? nullptr : root.if_object();
    const json::value* const refusal = object == nullptr ? nullptr : object->if_contains("error");
    if (refusal != nullptr && refusal->is_object()) {
        const json::object& words = refusal->get_object();
        const json::value* const code = words.if_contains("code");
        const json::value* const text = words.if_contains("message");
        const json::value* const data = words.if_contains("data");
        failure.error = RpcClientError::refused;
        failure.code =
            code != nullptr && code->is_int64() ? static_cast<int>(code->get_int64()) : 0;
        failure.text =
            fmt::format("{}: {}: {}", url, method,
                        text != nullptr && text->is_string() ? std::string_view(text->get_string())
                                                             : "refused");
        failure.data = data == nullptr ? std::string() : json::serialize(*data);
        return std::unexpected(RpcClientError::refused);
    }
    if (answer.status != http_ok) {
        auto failed = fail(RpcClientError::transport,
                           fmt::format("{}: HTTP status {} to {}", url, answer.status, method));
        failure.code = answer.status;
        return failed;
    }
    json::value* const result = object == nullptr ? nullptr : object->if_contains("result");
    if (result == nullptr) {
        return malformed(method);
    }
    return std::move(*result);
}

template <class T, class Read>
Result<T, RpcClientError> RpcClient::State::read(std::string_view method,
                                                 std::string_view params_json, const Read& take)
{
    BELFRY_TRY(result, call(method, params_json));
    try {
        return take(result);
    } catch (const std::exception&) { // at(), as_...() and to_number() of another shape
        return malformed(method);
    }
}

RpcClient::RpcClient(std::string_view url)
    : RpcClient(url, Options{})
{
}

RpcClient::RpcClient(std::string_view url, Options options)
    : state_(new State{
          std::string(url), HttpConnection(url, options.connect_ms, options.call_ms), 1, {}})
{
}

RpcClient::~RpcClient() = default;
RpcClient::RpcClient(RpcClient&&) noexcept = default;
RpcClient& RpcClient::operator=(RpcClient&&) noexcept = default;

const RpcClient::Failure& RpcClient::last_failure() const
{
    return state_->failure;
}
const std::string& RpcClient::url() const
{
    return state_->url;
}

Result<std::string, RpcClientError> RpcClient::call(std::string_view method,
                                                    std::string_view params_json)
{
    BELFRY_TRY(result, state_->call(method, params_json));
    return json::serialize(result);
}

Result<Slot, RpcClientError> RpcClient::slot(Commitment commitment)
{
    return state_->read<Slot>("getSlot", fmt::format("[{}]", commitment_options(commitment)),
                              [](const json::value& result) { return Slot{number(result)}; });
}

Result<Height, RpcClientError> RpcClient::block_height(Commitment commitment)
{
    return state_->read<Height>("getBlockHeight",
                                fmt::format("[{}]", commitment_options(commitment)),
                                [](const json::value& result) { return Height{number(result)}; });
}

Result<Hash, RpcClientError> RpcClient::genesis_hash()
{
    return state_->read<Hash>("getGenesisHash", "[]",
                              [](const json::value& result) { return fixed<Hash>(result); });
}

Result<Lamports, RpcClientError> RpcClient::balance(const Pubkey& account, Commitment commitment)
{
    return state_->read<Lamports>(
        "getBalance",
        fmt::format(R"(["{}",{}])", crypto::to_base58(account), commitment_options(commitment)),
        [](const json::value& result) { return Lamports{number(result.as_object().at("value"))}; });
}

Result<RpcClient::LatestBlockhash, RpcClientError>
RpcClient::latest_blockhash(Commitment commitment)
{
    return state_->read<LatestBlockhash>(
        "getLatestBlockhash", fmt::format("[{}]", commitment_options(commitment)),
        [](const json::value& result) {
            const json::object& object = result.as_object();
            const json::object& value = object.at("value").as_object();
            return LatestBlockhash{fixed<Hash>(value.at("blockhash")),
                                   Height{number(value.at("lastValidBlockHeight"))},
                                   Slot{number(object.at("context").as_object().at("slot"))}};
        });
}

Result<Signature, RpcClientError> RpcClient::send_transaction(ByteView wire,
                                                              const SendOptions& options)
{
    const std::string params = fmt::format(
        R"(["{}",{{"encoding":"base64","skipPreflight":{},"preflightCommitment":"{}"}}])",
        to_base64(wire), options.skip_preflight, to_string(options.preflight_commitment));
    return state_->read<Signature>("sendTransaction", params, [](const json::value& result) {
        return fixed<Signature>(result);
    });
}

Result<std::vector<std::optional<RpcClient::Status>>, RpcClientError>
RpcClient::signature_statuses(std::span<const Signature> signatures, bool search_history)
{
    std::string list;
    for (const Signature& signature : signatures) {
        list += fmt::format(R"({}"{}")", list.empty() ? "" : ",", crypto::to_base58(signature));
    }
    const std::string params =
        fmt::format(R"([[{}],{{"searchTransactionHistory":{}}}])", list, search_history);
    return state_->read<std::vector<std::optional<Status>>>(
        "getSignatureStatuses", params, [&signatures](const json::value& result) {
            std::vector<std::optional<Status>> statuses;
            for (const json::value& value : result.as_object().at("value").as_array()) {
                statuses.push_back(read_status(value));
            }
            if (statuses.size() != signatures.size()) {
                throw std::invalid_argument("another number of statuses");
            }
            return statuses;
        });
}

Result<std::optional<BlockSummary>, RpcClientError> RpcClient::block_summary(Slot slot)
{
    return state_->read<std::optional<BlockSummary>>(
        "belfryBlock", fmt::format("[{}]", slot.value),
        [](const json::value& result) -> std::optional<BlockSummary> {
            if (result.is_null()) {
                return std::nullopt;
            }
            const json::object& block = result.as_object();
            return BlockSummary{
                Slot{number(block.at("slot"))},     Slot{number(block.at("parent"))},
                Height{number(block.at("height"))}, fixed<Hash>(block.at("blockId")),
                fixed<Hash>(block.at("blockhash")), fixed<Hash>(block.at("stateHash")),
                fixed<Pubkey>(block.at("leader")),  number(block.at("transactionCount"))};
        });
}

Result<std::vector<StoredProof>, RpcClientError> RpcClient::proofs(std::optional<Slot> slot)
{
    return state_->read<std::vector<StoredProof>>(
        slot ? "belfryCertificates" : "belfryEvidence",
        slot ? fmt::format("[{}]", slot->value) : std::string("[]"), [](const json::value& result) {
            std::vector<StoredProof> proofs;
            for (const json::value& value : result.as_array()) {
                const json::object& proof = value.as_object();
                auto bytes = from_hex(proof.at("bytes").as_string());
                if (!bytes) {
                    throw std::invalid_argument("bytes that are not hexadecimal");
                }
                proofs.push_back({Slot{number(proof.at("slot"))}, std::move(*bytes)});
            }
            return proofs;
        });
}

Result<std::string, RpcClientError> RpcClient::status_json()
{
    return call("belfryStatus");
}

} // namespace belfry::node
