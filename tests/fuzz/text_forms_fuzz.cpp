// SPDX-License-Identifier: Apache-2.0
// text_forms_fuzz: any text as base58, base64, hexadecimal, an address of a socket, the address of
// a node, a transaction: refused, or bytes whose text is that text again; any bytes there and back.
#include "base/check.hpp"
#include "crypto/base58.hpp"
#include "dataplane/net/endpoint.hpp"
#include "ledger/model/transaction.hpp"
#include "node/rpc/http_connection.hpp"
#include "node/rpc/params.hpp"
#include "node/rpc/transaction_text.hpp"

#include <algorithm>
#include <stdexcept>

namespace belfry::node {
namespace {

void texts(std::string_view text)
{
    if (const auto bytes = crypto::from_base58(text, 128)) {
        BELFRY_CHECK(bytes->size() <= 128 && crypto::to_base58(*bytes) == text);
    }
    if (const auto key = crypto::fixed_from_base58<Pubkey>(text)) {
        BELFRY_CHECK(crypto::to_base58(key->view()) == text);
    }
    if (const auto bytes = from_base64(text)) {
        BELFRY_CHECK(to_base64(*bytes) == text);
    }
    if (const auto bytes = from_hex(text)) {
        std::string lower(text);
        std::ranges::transform(lower, lower.begin(), [](char letter) {
            return letter >= 'A' && letter <= 'F' ? static_cast<char>(letter + 32) : letter;
        });
        BELFRY_CHECK(to_hex(*bytes) == lower);
    }
    if (const auto endpoint = dataplane::Endpoint::parse(text)) {
        const auto again = dataplane::Endpoint::parse(endpoint->to_string());
        BELFRY_CHECK(again && *again == *endpoint);
        sockaddr_storage name{};
        BELFRY_CHECK(endpoint->to(name) > 0 && dataplane::Endpoint::from(name) == *endpoint);
        const dataplane::EndpointHasher hasher;
        BELFRY_CHECK(hasher(*again) == hasher(*endpoint));
    }
    try {
        const HttpConnection connection(text, std::chrono::milliseconds(1),
                                        std::chrono::milliseconds(1));
        BELFRY_CHECK(text.find(':') != std::string_view::npos);
    } catch (const std::runtime_error&) { // one line that says how to write it
    }
}

void transactions(std::string_view text)
{
    for (const char* const encoding : {"base58", "base64", "base32"}) {
        for (const Signatures signatures : {Signatures::checked, Signatures::ignored}) {
            try {
                const DecodedTransaction decoded = decode_transaction(text, encoding, signatures);
                const auto parsed = ledger::parse_transaction(decoded.wire);
                BELFRY_CHECK(parsed && parsed->signature(0) == decoded.first_signature);
            } catch (const RpcFault& fault) {
                BELFRY_CHECK(!fault.error.message.empty());
            }
        }
    }
    try {
        BELFRY_CHECK(ledger::parse_transaction(decode_message(text)).has_value());
    } catch (const RpcFault& fault) {
        BELFRY_CHECK(!fault.error.message.empty());
    }
}

} // namespace
} // namespace belfry::node

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry; // NOLINT(google-build-using-namespace)
    const ByteView bytes{data, size};
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    node::texts(text);
    node::transactions(text);
    const std::string base64 = node::to_base64(bytes);
    BELFRY_CHECK(std::ranges::equal(node::from_base64(base64).value(), bytes));
    BELFRY_CHECK(std::ranges::equal(from_hex(to_hex(bytes)).value(), bytes));
    if (size <= 128) {
        const std::string base58 = crypto::to_base58(bytes);
        BELFRY_CHECK(std::ranges::equal(crypto::from_base58(base58, 128).value(), bytes));
    }
    node::transactions(base64);
    return 0;
}
