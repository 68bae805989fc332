// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/crc32c.hpp"

#include <nmmintrin.h>

namespace belfry::ledger {

std::uint32_t crc32c(ByteView bytes, std::uint32_t before)
{
    std::uint64_t crc = ~before;
    while (bytes.size() >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof(word)); // x86: little-endian, as the rule wants
        crc = _mm_crc32_u64(crc, word);
        bytes = bytes.subspan(8);
    }
    auto tail = static_cast<std::uint32_t>(crc);
    for (const std::uint8_t byte : bytes) {
        tail = _mm_crc32_u8(tail, byte);
    }
    return ~tail;
}

} // namespace belfry::ledger
