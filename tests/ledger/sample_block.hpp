// SPDX-License-Identifier: Apache-2.0
#pragma once
// sample_block.hpp: chained sets for the tests of sets, blocks and stores. Roots are made up: what
// makes a root right is the business of the shred room.

#include "ledger/model/block.hpp"
#include "ledger/store/block_store.hpp"

namespace belfry::ledger {

[[nodiscard]] constexpr Hash filled_hash(std::uint64_t number)
{
    Hash hash;
    for (std::size_t i = 0; i < 8; ++i) {
        hash.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    hash.bytes[31] = 0x5e;
    return hash;
}
inline constexpr Hash store_genesis = filled_hash(1); // of the stores that tests make

struct SampleBlock {
    std::vector<ShredSet> sets;
    BlockRecord record;
};

/// A block of set_count sets; salt tells two blocks of one slot apart.
[[nodiscard]] inline SampleBlock sample_block(Slot slot, BlockRef parent, std::size_t set_count,
                                              std::uint64_t salt = 0)
{
    SampleBlock block;
    Hash chained = parent.id;
    for (std::size_t i = 0; i < set_count; ++i) {
        ShredSet set;
        set.slot = slot;
        set.parent_slot = parent.slot;
        set.index = static_cast<std::uint32_t>(i);
        set.data_count = 32;
        set.parity_count = 32;
        set.last = i + 1 == set_count;
        set.chained_root = chained;
        set.root = filled_hash((slot.value << 32) + (salt << 16) + i + 1);
        set.signature.bytes.fill(static_cast<std::uint8_t>(slot.value + i));
        set.version = 1;
        set.payload.assign(1000 + 37 * i, static_cast<std::uint8_t>(slot.value + salt + i));
        chained = set.root;
        block.record.set_roots.push_back(set.root);
        block.sets.push_back(std::move(set));
    }
    block.record.ref = BlockRef{.slot = slot, .id = chained};
    block.record.parent = parent;
    block.record.height = Height{slot.value};
    return block;
}

} // namespace belfry::ledger
