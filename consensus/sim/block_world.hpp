// SPDX-License-Identifier: Apache-2.0
#pragma once
// block_world.hpp: every block that was ever made in a simulation. It knows all ancestries, so that
// the checker needs no node's word for them.

#include "consensus/block_name.hpp"
#include "consensus/validator_index.hpp"

#include <cstdint>
#include <map>

namespace belfry::consensus::sim {

class BlockWorld {
public:
    struct Block {
        BlockName name;
        BlockName parent;
        ValidatorIndex author;
    };
    explicit BlockWorld(const BlockName& genesis);

    /// The id depends on everything named; `version` tells apart two blocks of one leader's slot.
    const Block& make(Slot slot, const BlockName& parent, ValidatorIndex author,
                      std::uint64_t version);
    /// Precondition: it was made here.
    [[nodiscard]] const Block& get(const BlockName& name) const;
    [[nodiscard]] bool contains(const BlockName& name) const { return blocks_.contains(name); }
    /// True also for the block itself.
    [[nodiscard]] bool descends(const BlockName& block, const BlockName& ancestor) const;
    [[nodiscard]] const BlockName& genesis() const { return genesis_; }
    [[nodiscard]] const std::map<BlockName, Block>& all() const { return blocks_; }

private:
    BlockName genesis_;
    std::map<BlockName, Block> blocks_;
};

} // namespace belfry::consensus::sim
