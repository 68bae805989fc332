// SPDX-License-Identifier: Apache-2.0
#include "consensus/fork_tree.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <utility>

namespace belfry::consensus {

ForkTree::ForkTree(const BlockName& root, std::size_t block_count_max)
    : blocks_(block_count_max)
    , vote_marks_(validator_count_max)
    , root_marks_(validator_count_max)
    , root_{0}
{
    BELFRY_CHECK(block_count_max >= 2);
    BELFRY_CHECK(block_count_max < UINT32_MAX);
    free_.reserve(block_count_max);
    for (std::size_t i = block_count_max - 1; i > 0; --i) {
        free_.push_back(BlockIndex{static_cast<std::uint32_t>(i)});
    }
    by_name_.reserve(block_count_max);
    scratch_.reserve(block_count_max);
    blocks_[0].name = root;
    by_name_.push_back({.name = root, .index = root_});
}

const ForkTree::Block& ForkTree::at(BlockIndex block) const
{
    BELFRY_CHECK(block.value < blocks_.size());
    return blocks_[block.value];
}

ForkTree::Block& ForkTree::at(BlockIndex block)
{
    BELFRY_CHECK(block.value < blocks_.size());
    return blocks_[block.value];
}

Stake& ForkTree::weight(Block& block, Mark mark)
{
    return mark == Mark::vote ? block.vote_stake : block.root_stake;
}

const std::vector<BlockIndex>& ForkTree::marks(Mark mark) const
{
    return mark == Mark::vote ? vote_marks_ : root_marks_;
}

void ForkTree::set_stakes(const StakeTable& stakes)
{
    stakes_ = stakes;
    for (const Entry& entry : by_name_) {
        at(entry.index).vote_stake = Stake{};
        at(entry.index).root_stake = Stake{};
    }
    for (const Mark mark : {Mark::vote, Mark::root}) {
        for (std::size_t i = 0; i < validator_count_max; ++i) {
            const ValidatorIndex who{static_cast<std::uint16_t>(i)};
            if (!marks(mark)[i].is_none()) {
                add_weight(mark, marks(mark)[i], stakes_.stake(who));
            }
        }
    }
}

Result<BlockIndex, ForkTreeError> ForkTree::add(const NewBlock& block)
{
    if (!find(block.name).is_none()) {
        return std::unexpected(ForkTreeError::known_already);
    }
    const BlockIndex parent = find(block.parent);
    if (parent.is_none()) {
        return std::unexpected(ForkTreeError::unknown_parent);
    }
    if (block.name.slot <= block.parent.slot) {
        return std::unexpected(ForkTreeError::not_above_parent);
    }
    if (versions(block.name.slot).size() >= versions_per_slot_max) {
        return std::unexpected(ForkTreeError::too_many_versions);
    }
    if (free_.empty()) {
        return std::unexpected(ForkTreeError::full);
    }
    const BlockIndex index = free_.back();
    free_.pop_back();
    at(index) = Block{.name = block.name,
                      .parent = parent,
                      .first_child = no_block,
                      .next_sibling = at(parent).first_child,
                      .vote_stake = {},
                      .root_stake = {},
                      .exact_voters = {},
                      .valid = block.valid,
                      .confirmed = false};
    at(parent).first_child = index;
    const auto place = std::ranges::lower_bound(by_name_, block.name, {}, &Entry::name);
    by_name_.insert(place, {.name = block.name, .index = index});
    return index;
}

BlockIndex ForkTree::find(const BlockName& name) const
{
    const auto place = std::ranges::lower_bound(by_name_, name, {}, &Entry::name);
    return place != by_name_.end() && place->name == name ? place->index : no_block;
}

std::span<const ForkTree::Entry> ForkTree::versions(Slot slot) const
{
    const auto slot_of = [](const Entry& entry) {
        return entry.name.slot;
    };
    const auto found = std::ranges::equal_range(by_name_, slot, {}, slot_of);
    return {found.begin(), found.end()};
}

bool ForkTree::descends(BlockIndex block, BlockIndex ancestor) const
{
    const Slot slot = name(ancestor).slot;
    while (block != ancestor && at(block).name.slot > slot && !parent(block).is_none()) {
        block = parent(block);
    }
    return block == ancestor;
}

BlockIndex ForkTree::common_ancestor(BlockIndex a, BlockIndex b) const
{
    while (a != b) { // the root is below all, so the higher of two different ones has a parent
        BlockIndex& higher = name(a).slot > name(b).slot ? a : b;
        if (higher == root_) {
            return root_;
        }
        higher = parent(higher);
    }
    return a;
}

BlockIndex ForkTree::ancestor_at(BlockIndex block, Slot slot) const
{
    while (!block.is_none() && name(block).slot > slot) {
        block = parent(block);
    }
    return !block.is_none() && name(block).slot == slot ? block : no_block;
}

void ForkTree::add_weight(Mark mark, BlockIndex from, Stake stake)
{
    for (BlockIndex block = from; !block.is_none(); block = parent(block)) {
        const std::optional<Stake> sum = weight(at(block), mark).plus(stake);
        BELFRY_CHECK(sum.has_value());
        weight(at(block), mark) = *sum;
    }
}

void ForkTree::take_weight(Mark mark, BlockIndex from, Stake stake)
{
    for (BlockIndex block = from; !block.is_none(); block = parent(block)) {
        const std::optional<Stake> rest = weight(at(block), mark).minus(stake);
        BELFRY_CHECK(rest.has_value());
        weight(at(block), mark) = *rest;
    }
}

void ForkTree::move(Mark mark, ValidatorIndex who, BlockIndex to)
{
    BELFRY_CHECK(who.value < validator_count_max);
    std::vector<BlockIndex>& all = mark == Mark::vote ? vote_marks_ : root_marks_;
    BlockIndex& now = all[who.value];
    const Stake stake = stakes_.stake(who);
    if (!now.is_none()) {
        take_weight(mark, now, stake);
    }
    if (!to.is_none()) {
        add_weight(mark, to, stake);
    }
    now = to;
}

BlockIndex ForkTree::marked(Mark mark, ValidatorIndex who) const
{
    BELFRY_CHECK(who.value < validator_count_max);
    return marks(mark)[who.value];
}

Stake ForkTree::subtree_stake(Mark mark, BlockIndex block) const
{
    return mark == Mark::vote ? at(block).vote_stake : at(block).root_stake;
}

BlockIndex ForkTree::heaviest_child(BlockIndex block) const
{
    BlockIndex best = no_block;
    for (BlockIndex child = at(block).first_child; !child.is_none();
         child = at(child).next_sibling) {
        if (!at(child).valid) {
            continue;
        }
        const bool better =
            best.is_none() || at(child).vote_stake > at(best).vote_stake ||
            (at(child).vote_stake == at(best).vote_stake && at(child).name < at(best).name);
        best = better ? child : best;
    }
    return best;
}

BlockIndex ForkTree::heaviest_leaf(BlockIndex from) const
{
    BlockIndex child = heaviest_child(from);
    while (!child.is_none()) {
        from = child;
        child = heaviest_child(from);
    }
    return from;
}

BlockIndex ForkTree::deepest_leaf(BlockIndex from) const
{
    BlockIndex best = from;
    for (const Entry& entry : by_name_) {
        const bool leaf = at(entry.index).first_child.is_none();
        if (leaf && entry.name.slot > name(best).slot && descends(entry.index, from)) {
            best = entry.index;
        }
    }
    return best;
}

BlockIndex ForkTree::newest_above(Mark mark, ShareTest passes) const
{
    BlockIndex found = root_;
    bool deeper = true;
    while (deeper) {
        deeper = false;
        for (BlockIndex child = at(found).first_child; !child.is_none();
             child = at(child).next_sibling) {
            if (passes(stakes_, subtree_stake(mark, child))) {
                found = child;
                deeper = true;
                break;
            }
        }
    }
    return found;
}

bool ForkTree::add_exact_voter(BlockIndex block, ValidatorIndex who)
{
    return at(block).exact_voters.insert(who);
}

const ValidatorSet& ForkTree::exact_voters(BlockIndex block) const
{
    return at(block).exact_voters;
}

bool ForkTree::confirm(BlockIndex block)
{
    if (at(block).confirmed) {
        return false;
    }
    for (; !block.is_none() && !at(block).confirmed; block = parent(block)) {
        at(block).confirmed = true;
    }
    return true;
}

void ForkTree::release(BlockIndex block)
{
    for (const Mark mark : {Mark::vote, Mark::root}) {
        std::vector<BlockIndex>& all = mark == Mark::vote ? vote_marks_ : root_marks_;
        std::ranges::replace(all, block, no_block);
    }
    at(block) = Block{};
    free_.push_back(block);
}

void ForkTree::prune(BlockIndex new_root)
{
    scratch_.clear();
    const auto stays = [&](const Entry& entry) {
        return descends(entry.index, new_root);
    };
    for (const Entry& entry : by_name_) {
        if (!stays(entry)) {
            scratch_.push_back(entry.index);
        }
    }
    std::erase_if(by_name_, [&](const Entry& entry) { return !stays(entry); });
    for (const BlockIndex dropped : scratch_) {
        release(dropped);
    }
    at(new_root).parent = no_block;
    at(new_root).next_sibling = no_block;
    root_ = new_root;
}

std::optional<std::string_view> ForkTree::check_weights(Mark mark) const
{
    for (const Entry& entry : by_name_) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < stakes_.count(); ++i) {
            const BlockIndex marked_block = marks(mark)[i];
            if (!marked_block.is_none() && descends(marked_block, entry.index)) {
                sum += stakes_.stake(ValidatorIndex{static_cast<std::uint16_t>(i)}).value;
            }
        }
        if (Stake{sum} != subtree_stake(mark, entry.index)) {
            return "T-S6: a subtree's stake differs from the sum of the marks in it";
        }
    }
    return std::nullopt;
}

std::optional<std::string_view> ForkTree::check() const
{
    if (!std::ranges::is_sorted(by_name_, {}, &Entry::name)) {
        return "blocks are not in order";
    }
    if (by_name_.size() + free_.size() != blocks_.size()) {
        return "blocks were lost";
    }
    for (const Entry& entry : by_name_) {
        if (!descends(entry.index, root_)) {
            return "a block does not descend from the root";
        }
    }
    for (BlockIndex block = heaviest_leaf(root_); block != root_; block = parent(block)) {
        if (!valid(block)) {
            return "T-S7: a block below an invalid one was chosen";
        }
    }
    const auto votes = check_weights(Mark::vote);
    return votes ? votes : check_weights(Mark::root);
}

} // namespace belfry::consensus
