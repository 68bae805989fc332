// SPDX-License-Identifier: Apache-2.0
#pragma once
// block_names.hpp: blocks as tests name them: a slot, and which of its versions.

#include "consensus/block_name.hpp"

#include <cstdint>

namespace belfry::consensus::testing {

inline BlockName name(std::uint64_t slot, std::uint8_t version = 0)
{
    BlockName block{.slot = Slot{slot}, .id = {}};
    block.id.bytes[0] = version;
    block.id.bytes[1] = static_cast<std::uint8_t>(slot);
    return block;
}

inline constexpr BlockName genesis{};

} // namespace belfry::consensus::testing
