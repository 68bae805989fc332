// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/short_vec.hpp"

namespace belfry::ledger {

std::optional<ShortVec> read_short_vec(ByteView source)
{
    std::uint32_t value = 0;
    for (std::uint8_t i = 0; i < 3 && i < source.size(); ++i) {
        const std::uint8_t byte = source[i];
        value |= (byte & 0x7fU) << (7 * i);
        if ((byte & 0x80U) == 0) {
            const bool minimal = i == 0 || byte != 0;
            if (!minimal || value > UINT16_MAX) {
                return std::nullopt;
            }
            return ShortVec{static_cast<std::uint16_t>(value), static_cast<std::uint8_t>(i + 1)};
        }
    }
    return std::nullopt;
}

void write_short_vec(Bytes& out, std::uint16_t value)
{
    std::uint32_t rest = value;
    while (rest >= 0x80) {
        out.push_back(static_cast<std::uint8_t>(rest | 0x80U));
        rest >>= 7;
    }
    out.push_back(static_cast<std::uint8_t>(rest));
}

} // namespace belfry::ledger
