// SPDX-License-Identifier: Apache-2.0
#pragma once
// block_name.hpp: a block is named by its slot and its id, never by the slot alone.
// Shapes   id is the Merkle root of the block's last set, so it commits to the whole ancestry.
//          Names order by slot, then by id: the written rule that breaks every tie.

#include "base/bytes.hpp"
#include "base/strong.hpp"

#include <compare>

namespace belfry::consensus {

struct BlockName {
    Slot slot;
    Hash id;
    friend constexpr auto operator<=>(const BlockName&, const BlockName&) = default;
};

} // namespace belfry::consensus
