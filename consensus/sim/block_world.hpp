// SPDX-License-Identifier: Apache-2.0
#pragma once
// block_world.hpp: every block that was ever made in a simulation. It knows all ancestries, so that
// the checker needs no node's word for them.
// Shapes   blocks are numbered in the order in which they were made, genesis is 0; a parent's
//          number is lower than its children's.

#include "base/check.hpp"
#include "consensus/block_name.hpp"
#include "consensus/validator_index.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace belfry::consensus::sim {

using BlockNumber = std::uint32_t;

class BlockWorld {
public:
    struct Block {
        BlockName name;
        BlockNumber parent = 0;
        BlockNumber jump = 0; // an ancestor farther away
        std::uint32_t height = 0;
        ValidatorIndex author;
    };
    explicit BlockWorld(const BlockName& genesis);

    /// The id depends on everything named; `version` tells apart two blocks of one leader's slot.
    BlockNumber make(Slot slot, BlockNumber parent, ValidatorIndex author, std::uint64_t version);
    [[nodiscard]] const Block& get(BlockNumber number) const
    {
        BELFRY_CHECK(number < blocks_.size());
        return blocks_[number];
    }
    /// nullopt for a name that is no block.
    [[nodiscard]] std::optional<BlockNumber> find(const BlockName& name) const;
    /// Precondition: it was made here.
    [[nodiscard]] BlockNumber number(const BlockName& name) const;
    /// Blocks of that slot, in the order in which they were made.
    [[nodiscard]] std::span<const BlockNumber> versions(Slot slot) const;
    /// True also for the block itself.
    [[nodiscard]] bool descends(BlockNumber block, BlockNumber ancestor) const;
    [[nodiscard]] BlockNumber common_ancestor(BlockNumber a, BlockNumber b) const;
    /// False also for names that are no block.
    [[nodiscard]] bool descends(const BlockName& block, const BlockName& ancestor) const;
    [[nodiscard]] const BlockName& genesis() const { return blocks_.front().name; }
    [[nodiscard]] BlockNumber count() const { return static_cast<BlockNumber>(blocks_.size()); }

private:
    std::vector<Block> blocks_;
    std::vector<std::vector<BlockNumber>> by_slot_;
};

} // namespace belfry::consensus::sim
