// SPDX-License-Identifier: Apache-2.0
#pragma once
// block_ref.hpp: the only name of a block. A slot alone names none: a bad leader can make two.

#include "base/bytes.hpp"
#include "base/strong.hpp"

namespace belfry::ledger {

/// id is the Merkle root of the block's last set; it commits to the whole ancestry. The genesis
/// block is slot 0 with the genesis hash as id. Ordered by slot, then id.
struct BlockRef {
    Slot slot;
    Hash id;
    friend constexpr auto operator<=>(const BlockRef&, const BlockRef&) = default;
};

} // namespace belfry::ledger
