// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/transaction_text.hpp"

#include "crypto/base58.hpp"
#include "crypto/ed25519.hpp"
#include "ledger/model/short_vec.hpp"
#include "ledger/model/transaction.hpp"
#include "node/rpc/params.hpp"

#include <fmt/core.h>
#include <sodium.h>

namespace belfry::node {

namespace {

constexpr std::size_t base58_characters_max = 1683;
constexpr std::size_t base64_characters_max = 1644;
constexpr std::uint8_t version_bit = 0x80;
constexpr std::string_view base64_characters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

void check_length(std::string_view text, std::size_t characters_max, std::string_view encoding)
{
    if (text.size() > characters_max) {
        throw_invalid_params(fmt::format("{} transaction too large: {} characters, at most {} ({} "
                                         "bytes) fit",
                                         encoding, text.size(), characters_max,
                                         ledger::transaction_bytes_max));
    }
}

ledger::Transaction parse(ByteView wire)
{
    const auto parsed = ledger::parse_transaction(wire);
    if (!parsed) {
        throw_invalid_params(
            fmt::format("invalid transaction: {}", ledger::to_string(parsed.error())));
    }
    return *parsed;
}

void check_signatures(const ledger::Transaction& transaction)
{
    for (std::size_t i = 0; i < transaction.signature_count(); ++i) {
        const Pubkey key = transaction.account(i);
        const Signature signature = transaction.signature(i);
        if (!crypto::ed25519_verify({transaction.message(), &key, &signature})) {
            throw RpcFault{{RpcCode::signature_verification,
                            "Transaction signature verification failure",
                            {}}};
        }
    }
}

} // namespace

std::optional<Bytes> from_base64(std::string_view text)
{
    if (text.empty()) { // libsodium takes no null pointers
        return Bytes();
    }
    Bytes bytes(text.size() / 4 * 3);
    std::size_t used = 0;
    const char* end = nullptr;
    // libsodium takes some bytes above 127 for letters.
    if (text.size() % 4 != 0 || text.find_first_not_of(base64_characters) != text.npos ||
        sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &used,
                          &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
        end != text.data() + text.size()) {
        return std::nullopt;
    }
    bytes.resize(used);
    return bytes;
}

std::string to_base64(ByteView bytes)
{
    if (bytes.empty()) {
        return {};
    }
    // The length counts the closing NUL that libsodium writes.
    std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    text.pop_back();
    return text;
}

DecodedTransaction decode_transaction(std::string_view text,
                                      std::optional<std::string_view> encoding,
                                      Signatures signatures)
{
    const std::string_view chosen = encoding.value_or("base58");
    std::optional<Bytes> wire;
    if (chosen == "base58") {
        check_length(text, base58_characters_max, chosen);
        wire = crypto::from_base58(text, base58_characters_max);
    } else if (chosen == "base64") {
        check_length(text, base64_characters_max, chosen);
        wire = from_base64(text);
    } else {
        throw_invalid_params(
            fmt::format("unsupported encoding: {}. Supported encodings: base58, base64", chosen));
    }
    if (!wire) {
        throw_invalid_params(fmt::format("the transaction is not {}", chosen));
    }
    const ledger::Transaction transaction = parse(*wire);
    if (signatures == Signatures::checked) {
        check_signatures(transaction);
    }
    return {std::move(*wire), transaction.signature(0)};
}

Bytes decode_message(std::string_view base64)
{
    check_length(base64, base64_characters_max, "base64");
    const std::optional<Bytes> message = from_base64(base64);
    if (!message) {
        throw_invalid_params("the message is not base64");
    }
    // The first count of a message says how many signatures belong before it.
    const bool has_version = !message->empty() && (message->front() & version_bit) != 0;
    const std::size_t count_at = has_version ? 1 : 0;
    if (message->size() <= count_at) {
        throw_invalid_params("invalid transaction: truncated");
    }
    const std::uint8_t signature_count = (*message)[count_at];
    Bytes wire;
    ledger::write_short_vec(wire, signature_count);
    wire.resize(wire.size() + std::size_t{signature_count} * Signature::size_bytes);
    wire.insert(wire.end(), message->begin(), message->end());
    (void)parse(wire);
    return wire;
}

} // namespace belfry::node
