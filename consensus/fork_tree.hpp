// SPDX-License-Identifier: Apache-2.0
#pragma once
// fork_tree.hpp: the blocks above the finalised one, who votes where, and which leaf is heaviest.
// Shapes   a tree by block name; each validator has at most one vote and one root mark in it. The
//          stake of a subtree is the stake of the marks inside, kept up to date at each move.
// Rule     heaviest: from the start go to the valid child with the most stake, tie to the lower
//          slot, then to the lower id, until there is none.
// Bounds   block_count_max blocks, versions_per_slot_max of one slot; what is over is refused.
// Errors   ForkTreeError; a caller counts them.

#include "base/result.hpp"
#include "consensus/block_name.hpp"
#include "consensus/stake_table.hpp"
#include "consensus/validator_index.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace belfry::consensus {

/// Handle of a block in the tree, valid until that block is pruned.
struct BlockIndex {
    std::uint32_t value = UINT32_MAX;
    friend constexpr auto operator<=>(const BlockIndex&, const BlockIndex&) = default;
    [[nodiscard]] constexpr bool is_none() const { return value == UINT32_MAX; }
};
inline constexpr BlockIndex no_block{};

enum class ForkTreeError : std::uint8_t {
    known_already,
    unknown_parent,
    not_above_parent, // a child's slot must be above its parent's
    too_many_versions,
    full,
};

enum class Mark : std::uint8_t { vote, root };

class ForkTree {
public:
    static constexpr std::size_t versions_per_slot_max = 4;

    /// Precondition: block_count_max >= 2.
    ForkTree(const BlockName& root, std::size_t block_count_max);

    /// Weights of all marks are counted anew.
    void set_stakes(const StakeTable& stakes);

    struct NewBlock {
        BlockName name;
        BlockName parent;
        bool valid = true;
    };
    [[nodiscard]] Result<BlockIndex, ForkTreeError> add(const NewBlock& block);
    /// no_block when it is not held.
    [[nodiscard]] BlockIndex find(const BlockName& name) const;
    /// All versions held of a slot, in order of id; valid until the tree changes.
    struct Entry {
        BlockName name;
        BlockIndex index;
    };
    [[nodiscard]] std::span<const Entry> versions(Slot slot) const;
    [[nodiscard]] std::size_t count() const { return by_name_.size(); }
    /// All blocks, in order of name; valid until the tree changes.
    [[nodiscard]] std::span<const Entry> entries() const { return by_name_; }

    [[nodiscard]] BlockIndex root() const { return root_; }
    [[nodiscard]] const BlockName& name(BlockIndex block) const { return at(block).name; }
    [[nodiscard]] BlockIndex parent(BlockIndex block) const { return at(block).parent; }
    [[nodiscard]] bool valid(BlockIndex block) const { return at(block).valid; }
    /// True also for the block itself.
    [[nodiscard]] bool descends(BlockIndex block, BlockIndex ancestor) const;
    [[nodiscard]] BlockIndex common_ancestor(BlockIndex a, BlockIndex b) const;
    /// The block of that slot on block's chain; no_block when the chain skips it or it is pruned.
    [[nodiscard]] BlockIndex ancestor_at(BlockIndex block, Slot slot) const;

    /// Moves a validator's mark; no_block takes it away.
    void move(Mark mark, ValidatorIndex who, BlockIndex to);
    [[nodiscard]] BlockIndex marked(Mark mark, ValidatorIndex who) const;
    [[nodiscard]] Stake subtree_stake(Mark mark, BlockIndex block) const;

    [[nodiscard]] BlockIndex heaviest_leaf(BlockIndex from) const;
    /// The leaf of the highest slot below from, valid or not; tie to the lower id.
    [[nodiscard]] BlockIndex deepest_leaf(BlockIndex from) const;
    /// The newest block, walking up from the root, whose subtree's marked stake passes.
    using ShareTest = bool (*)(const StakeTable& stakes, Stake marked);
    [[nodiscard]] BlockIndex newest_above(Mark mark, ShareTest passes) const;

    /// The voters that named exactly this block. False when who is among them already.
    bool add_exact_voter(BlockIndex block, ValidatorIndex who);
    [[nodiscard]] const ValidatorSet& exact_voters(BlockIndex block) const;
    /// Marks block and its ancestors; false when it was confirmed before.
    bool confirm(BlockIndex block);
    [[nodiscard]] bool confirmed(BlockIndex block) const { return at(block).confirmed; }

    /// Drops all that does not descend from new_root, and the marks on it.
    void prune(BlockIndex new_root);

    /// Recomputes stakes, order and choice the slow way; names what differs.
    [[nodiscard]] std::optional<std::string_view> check() const;

private:
    struct Block {
        BlockName name;
        BlockIndex parent;
        BlockIndex first_child;
        BlockIndex next_sibling;
        Stake vote_stake; // of the subtree
        Stake root_stake;
        ValidatorSet exact_voters;
        bool valid = true;
        bool confirmed = false;
    };
    [[nodiscard]] const Block& at(BlockIndex block) const;
    [[nodiscard]] Block& at(BlockIndex block);
    [[nodiscard]] static Stake& weight(Block& block, Mark mark);
    void add_weight(Mark mark, BlockIndex from, Stake stake);
    void take_weight(Mark mark, BlockIndex from, Stake stake);
    [[nodiscard]] const std::vector<BlockIndex>& marks(Mark mark) const;
    [[nodiscard]] BlockIndex heaviest_child(BlockIndex block) const;
    void release(BlockIndex block);
    [[nodiscard]] std::optional<std::string_view> check_weights(Mark mark) const;

    std::vector<Block> blocks_;
    std::vector<BlockIndex> free_;
    std::vector<Entry> by_name_; // sorted
    std::vector<BlockIndex> vote_marks_;
    std::vector<BlockIndex> root_marks_;
    std::vector<BlockIndex> scratch_;
    StakeTable stakes_;
    BlockIndex root_;
};

} // namespace belfry::consensus
