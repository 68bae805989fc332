// SPDX-License-Identifier: Apache-2.0
#pragma once
// block_tree.hpp: executed blocks by id from `finalized` up, the newest finalised ones below it,
// and
//          the window of recent blockhashes and messages that is looked up through them.
// Rule     a block of height h accepts blockhashes of the blocks of heights h - 150 .. h - 1 of its
//          own fork, and no message that is in one of those.
// Bounds   the owner bounds the blocks above finalized; history_blocks are kept below it.
// Threads  one owner.

#include "base/bytes.hpp"
#include "exec/block_state.hpp"
#include "exec/key_index.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace belfry::exec {

inline constexpr std::uint64_t recent_blocks = 150;

/// Age of a blockhash for a block on a given fork.
enum class BlockhashAge : std::uint8_t { valid, unknown, expired };

/// One transaction of a block that is kept.
struct Occurrence {
    const BlockState* block = nullptr;
    std::size_t transaction_index = 0;
};

class BlockTree {
public:
    /// Precondition: history_blocks >= recent_blocks.
    explicit BlockTree(std::size_t history_blocks);

    /// The first block; it is finalized. Precondition: the tree is empty.
    const BlockState& put_root(BlockState root);
    /// Finalised blocks below the root, for the window after a restart. Precondition: heights
    /// ascend without a gap up to the root's.
    void put_history(std::vector<BlockState> blocks);
    /// Precondition: state.parent is in the tree, the id is not.
    const BlockState& insert(BlockState state);

    [[nodiscard]] const BlockState* find(const Hash& block_id) const;
    [[nodiscard]] const BlockState& finalized() const { return *finalized_; }
    [[nodiscard]] std::size_t size() const { return blocks_.size(); } // finalized and above
    /// Is ancestor the block itself or before it on its fork? Both in the tree or its history.
    [[nodiscard]] bool is_ancestor(const BlockState& ancestor, const BlockState& block) const;

    /// For a child of parent.
    [[nodiscard]] BlockhashAge blockhash_age(const BlockState& parent, const Hash& blockhash) const;
    /// Does a child of parent that holds this message repeat one of its window?
    [[nodiscard]] bool in_window(const BlockState& parent, const Hash& message_hash) const;
    /// The newest one on the fork that ends in tip, of all blocks that are kept.
    [[nodiscard]] std::optional<Occurrence> find_message(const BlockState& tip,
                                                         const Hash& message_hash) const;
    [[nodiscard]] std::optional<Occurrence> find_signature(const BlockState& tip,
                                                           const Signature& first) const;

    /// Makes block and its ancestors final. on_final is called for each newly final block in order
    /// of height, before its delta is dropped. Returns how many blocks were pruned, not counting
    /// those made final. Precondition: block is in the tree and above finalized.
    std::size_t set_finalized(const BlockState& block,
                              const std::function<void(const BlockState&)>& on_final);

private:
    struct Place {
        std::uint32_t block = 0; // in places_
        std::uint32_t transaction = 0;
        friend constexpr bool operator==(const Place&, const Place&) = default;
    };
    static constexpr Place no_place{UINT32_MAX, UINT32_MAX};
    using Index = KeyIndex<Place, no_place>;
    using Owned = std::unique_ptr<BlockState>;

    void add_to_indexes(BlockState& block);
    void remove_from_indexes(const BlockState& block);
    void forget_oldest_history();
    template <class Matches>
    [[nodiscard]] std::optional<Occurrence> newest(const Index& index, std::uint32_t fingerprint,
                                                   const BlockState& tip, Matches matches) const;

    std::size_t history_blocks_;
    std::unordered_map<Hash, Owned, FixedBytesHasher> blocks_; // asked only, never walked
    std::vector<BlockState*> order_;                           // the same, parents first
    std::deque<Owned> history_;                                // below finalized, by height
    const BlockState* finalized_ = nullptr;
    std::vector<const BlockState*> places_; // null: free
    std::vector<std::uint32_t> free_places_;
    Index messages_;
    Index signatures_;
    Index blockhashes_; // transaction is 0
};

} // namespace belfry::exec
