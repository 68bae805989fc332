// SPDX-License-Identifier: Apache-2.0
#pragma once
// fork_tree.hpp: the blocks above the finalised one, who votes where, and which leaf is heaviest.
// Shapes   a tree by block name; each validator has at most one vote and one root mark in it. The
//          stake of a subtree is the stake of the marks inside, kept up to date at each move; a
//          mark weighs what its validator has in the epoch of the marked block.
// Rule     heaviest: from the start go to the valid child with the most stake, tie to the lower
//          slot, then to the lower id, until there is none. Invalid is what replay refused, with
//          all below it, and a version of a duplicate slot until more than 52 % chose it or
//          something above it (confirm_duplicate).
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
#include <utility>
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
    void set_stakes(const StakeBook& stakes);
    /// Those that judge the block: of its own epoch.
    [[nodiscard]] const StakeTable& stakes(BlockIndex block) const
    {
        return stakes_.at(at(block).name.slot);
    }
    [[nodiscard]] const StakeBook& stakes() const { return stakes_; }

    struct NewBlock {
        BlockName name;
        BlockName parent;
        bool valid = true;      // as replayed
        bool duplicate = false; // its slot is known to have several blocks
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
    /// May be chosen, if its ancestors may.
    [[nodiscard]] bool valid(BlockIndex block) const
    {
        const Block& here = at(block);
        return !here.dead && (!here.duplicate || here.duplicate_confirmed);
    }
    /// It and all its ancestors are valid.
    [[nodiscard]] bool chain_valid(BlockIndex block) const;
    /// Replayed without a fault, as were its ancestors.
    [[nodiscard]] bool frozen(BlockIndex block) const { return !at(block).dead; }
    /// No frozen block is its child.
    [[nodiscard]] bool is_leaf(BlockIndex block) const;
    /// True also for the block itself.
    [[nodiscard]] bool descends(BlockIndex block, BlockIndex ancestor) const;
    [[nodiscard]] BlockIndex common_ancestor(BlockIndex a, BlockIndex b) const;
    /// The block of that slot on block's chain; no_block when the chain skips it or it is pruned.
    [[nodiscard]] BlockIndex ancestor_at(BlockIndex block, Slot slot) const;

    /// Moves a validator's mark; no_block takes it away.
    void move(Mark mark, ValidatorIndex who, BlockIndex to);
    [[nodiscard]] BlockIndex marked(Mark mark, ValidatorIndex who) const;
    [[nodiscard]] Stake subtree_stake(Mark mark, BlockIndex block) const;
    /// The same marks, all weighed with the stakes of block's own epoch.
    [[nodiscard]] Stake judged_stake(Mark mark, BlockIndex block) const;

    [[nodiscard]] BlockIndex heaviest_leaf(BlockIndex from) const;
    /// The leaf of the highest slot below from, valid or not; tie to the lower id.
    [[nodiscard]] BlockIndex deepest_leaf(BlockIndex from) const;
    /// The newest block, walking up from `from`, whose subtree's marked stake passes.
    using ShareTest = bool (*)(const StakeTable& stakes, Stake marked);
    [[nodiscard]] BlockIndex newest_above(BlockIndex from, Mark mark, ShareTest passes) const;
    /// Whether heaviest_leaf may give another answer than when this was last asked.
    [[nodiscard]] bool take_choice_changed() { return std::exchange(choice_changed_, false); }
    /// Whether newest_above(Mark::root) may.
    [[nodiscard]] bool take_roots_changed() { return std::exchange(roots_changed_, false); }

    /// The voters that named exactly this block. False when who is among them already.
    bool add_exact_voter(BlockIndex block, ValidatorIndex who);
    [[nodiscard]] const ValidatorSet& exact_voters(BlockIndex block) const;
    /// Their stake, in the block's own epoch.
    [[nodiscard]] Stake exact_stake(BlockIndex block) const { return at(block).exact_stake; }
    /// Marks block and its ancestors; false when it was confirmed before.
    bool confirm(BlockIndex block);
    [[nodiscard]] bool confirmed(BlockIndex block) const { return at(block).confirmed; }

    /// Every version held of the slot is a duplicate from now on; the root is final and stays
    /// valid.
    void mark_duplicate(Slot slot);
    /// block and all its ancestors are valid whatever their slots; false when block was before.
    bool confirm_duplicate(BlockIndex block);
    [[nodiscard]] bool duplicate_confirmed(BlockIndex block) const
    {
        return at(block).duplicate_confirmed;
    }
    /// For a planted defect only: block without its ancestors.
    void confirm_duplicate_alone(BlockIndex block);

    /// Drops block and all that descends from it, and the marks on them. Precondition: not the
    /// root.
    void purge(BlockIndex block);
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
        BlockIndex best_child; // the heaviest valid one
        Stake vote_stake;      // of the subtree
        Stake root_stake;
        Stake exact_stake;
        ValidatorSet exact_voters;
        bool dead = false;
        bool duplicate = false;
        bool duplicate_confirmed = false;
        bool confirmed = false;
    };
    [[nodiscard]] const Block& at(BlockIndex block) const;
    [[nodiscard]] Block& at(BlockIndex block);
    [[nodiscard]] static Stake& weight(Block& block, Mark mark);
    /// From `from` down to, and without, `end`; no_block means all the way.
    void add_weight(Mark mark, BlockIndex from, BlockIndex end, Stake stake);
    void take_weight(Mark mark, BlockIndex from, BlockIndex end, Stake stake);
    [[nodiscard]] const std::vector<BlockIndex>& marks(Mark mark) const;
    [[nodiscard]] bool heavier(BlockIndex a, BlockIndex b) const;
    [[nodiscard]] BlockIndex heaviest_child(BlockIndex block) const;
    void set_best_child(BlockIndex block, BlockIndex child);
    void grew(BlockIndex block);
    void choose_child_again(BlockIndex block);
    void release(BlockIndex block);
    template <class Stays>
    void drop_all_but(const Stays& stays);
    [[nodiscard]] std::optional<std::string_view> check_weights(Mark mark) const;

    std::vector<Block> blocks_;
    std::vector<BlockIndex> free_;
    std::vector<Entry> by_name_; // sorted
    std::vector<BlockIndex> vote_marks_;
    std::vector<BlockIndex> root_marks_;
    std::vector<BlockIndex> scratch_;
    mutable std::vector<std::uint64_t> sums_; // by BlockIndex; check()'s room to work in
    StakeBook stakes_;
    BlockIndex root_;
    bool choice_changed_ = true;
    bool roots_changed_ = true;
};

} // namespace belfry::consensus
