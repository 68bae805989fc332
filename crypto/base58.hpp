// SPDX-License-Identifier: Apache-2.0
#pragma once
// base58.hpp: Bitcoin's base58 alphabet, as Solana prints keys, hashes and signatures.

#include "base/bytes.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace belfry::crypto {

[[nodiscard]] std::string to_base58(ByteView bytes);
/// Of a key, hash or signature.
template <class Fixed>
    requires requires { Fixed::size_bytes; }
[[nodiscard]] std::string to_base58(const Fixed& value)
{
    return to_base58(value.view());
}
/// nullopt on a foreign character, or when the text could encode more than bytes_max bytes.
[[nodiscard]] std::optional<Bytes> from_base58(std::string_view text, std::size_t bytes_max);

/// Exactly N bytes, or nullopt.
template <class Fixed>
[[nodiscard]] std::optional<Fixed> fixed_from_base58(std::string_view text)
{
    const std::optional<Bytes> bytes = from_base58(text, Fixed::size_bytes);
    if (!bytes || bytes->size() != Fixed::size_bytes) {
        return std::nullopt;
    }
    return Fixed::from(*bytes);
}

} // namespace belfry::crypto
