// SPDX-License-Identifier: Apache-2.0
#pragma once
// block.hpp: a whole block, joined from its sets.
// Errors   BlockError; nothing about signatures or content is looked at here.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "ledger/model/block_ref.hpp"
#include "ledger/model/shred_set.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace belfry::ledger {

struct Block {
    BlockRef ref;
    BlockRef parent;
    Bytes stream;                              // entries (ledger/model/entry.hpp)
    std::vector<Hash> set_roots;               // in order; the last one is ref.id
    std::optional<std::uint32_t> leader_index; // in the genesis list, where the maker knows it
    friend bool operator==(const Block&, const Block&) = default;
};

enum class BlockError : std::uint8_t {
    no_set,
    wrong_index,  // indexes are not 0, 1, 2, ...
    wrong_header, // slot, parent or version differs between sets
    wrong_chain,  // a set does not carry the root of the one before
    wrong_last,   // the last flag is missing, or stands on an earlier set
};

/// Sets in order of their index, each verified by the caller.
[[nodiscard]] Result<Block, BlockError> assemble_block(std::span<const ShredSet> sets);

} // namespace belfry::ledger
