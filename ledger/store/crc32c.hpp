// SPDX-License-Identifier: Apache-2.0
#pragma once
// crc32c.hpp: the checksum of stored records (Castagnoli, reflected 0x82F63B78, as iSCSI).
// Speed    uses the instruction of SSE4.2, which the baseline x86-64-v2 has.

#include "base/bytes.hpp"

#include <cstdint>

namespace belfry::ledger {

/// Continues from the checksum of what came before; 0 to begin.
[[nodiscard]] std::uint32_t crc32c(ByteView bytes, std::uint32_t before = 0);

} // namespace belfry::ledger
