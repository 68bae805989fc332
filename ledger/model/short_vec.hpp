// SPDX-License-Identifier: Apache-2.0
#pragma once
// short_vec.hpp: Solana's compact-u16, a count in 1 to 3 bytes: 7 bits a byte, low bits first, the
// top bit says that more follow.
// Rule     one encoding per value: a last byte of zero after the first, a value over 0xffff and a
//          fourth byte are refused.

#include "base/bytes.hpp"

#include <cstdint>
#include <optional>

namespace belfry::ledger {

struct ShortVec {
    std::uint16_t value = 0;
    std::uint8_t encoded_bytes = 0; // 1..3
};

/// The count at the front of source; nullopt when it is cut short or not in its one encoding.
[[nodiscard]] std::optional<ShortVec> read_short_vec(ByteView source);
void write_short_vec(Bytes& out, std::uint16_t value);

} // namespace belfry::ledger
