// SPDX-License-Identifier: Apache-2.0
#pragma once
// transaction_text.hpp: the transaction or message in the text of a JSON-RPC parameter, decoded and
// checked before the node is asked. Private to rpc/.
// Rule     base58 up to 1683 characters, base64 up to 1644 (both are 1232 bytes); every sanity
// rule;
//          every signature.
// Errors   RpcFault: -32602 for text and rules, -32003 for a signature.

#include "base/bytes.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace belfry::node {

struct DecodedTransaction {
    Bytes wire;
    Signature first_signature;
};
enum class Signatures : std::uint8_t { checked, ignored };
/// encoding: "base58" or "base64"; nullopt is base58, Solana's default here.
[[nodiscard]] DecodedTransaction decode_transaction(std::string_view text,
                                                    std::optional<std::string_view> encoding,
                                                    Signatures signatures = Signatures::checked);
/// A base64 message as a transaction with zero signatures.
[[nodiscard]] Bytes decode_message(std::string_view base64);

/// Padded base64 of the standard alphabet. nullopt when text is not exactly that.
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text);
[[nodiscard]] std::string to_base64(ByteView bytes);

} // namespace belfry::node
