// SPDX-License-Identifier: Apache-2.0
#pragma once
// key_bytes.hpp: integers in database keys. LMDB compares keys as bytes: the highest comes first.

#include "base/bytes.hpp"

#include <cstdint>

namespace belfry::ledger {

/// Appends the byte_count lowest bytes of the value. Precondition: byte_count <= 8.
inline void append_key_integer(Bytes& key, std::uint64_t value, unsigned byte_count)
{
    for (unsigned i = byte_count; i > 0; --i) {
        key.push_back(static_cast<std::uint8_t>(value >> (8 * (i - 1))));
    }
}

/// Precondition: at most 8 bytes.
[[nodiscard]] inline std::uint64_t read_key_integer(ByteView bytes)
{
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes) {
        value = value << 8 | byte;
    }
    return value;
}

} // namespace belfry::ledger
