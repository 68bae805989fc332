// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/block.hpp"

namespace belfry::ledger {

Result<Block, BlockError> assemble_block(std::span<const ShredSet> sets)
{
    if (sets.empty()) {
        return std::unexpected(BlockError::no_set);
    }
    const ShredSet& first = sets.front();
    Block block;
    block.parent = BlockRef{.slot = first.parent_slot, .id = first.chained_root};
    std::size_t stream_bytes = 0;
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const ShredSet& set = sets[i];
        if (set.index != i) {
            return std::unexpected(BlockError::wrong_index);
        }
        if (set.slot != first.slot || set.parent_slot != first.parent_slot ||
            set.version != first.version) {
            return std::unexpected(BlockError::wrong_header);
        }
        if (i > 0 && set.chained_root != sets[i - 1].root) {
            return std::unexpected(BlockError::wrong_chain);
        }
        if (set.last != (i + 1 == sets.size())) {
            return std::unexpected(BlockError::wrong_last);
        }
        stream_bytes += set.payload.size();
    }
    block.ref = BlockRef{.slot = first.slot, .id = sets.back().root};
    block.stream.reserve(stream_bytes);
    for (const ShredSet& set : sets) {
        block.stream.insert(block.stream.end(), set.payload.begin(), set.payload.end());
        block.set_roots.push_back(set.root);
    }
    return block;
}

} // namespace belfry::ledger
