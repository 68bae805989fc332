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

void ForkTree::set_stakes(const StakeBook& stakes)
{
    stakes_ = stakes;
    for (const Entry& entry : by_name_) {
        Block& block = at(entry.index);
        block.vote_stake = Stake{};
        block.root_stake = Stake{};
        block.exact_stake = stakes_.at(entry.name.slot).of(block.exact_voters);
    }
    for (const Mark mark : {Mark::vote, Mark::root}) {
        for (std::size_t i = 0; i < validator_count_max; ++i) {
            const ValidatorIndex who{static_cast<std::uint16_t>(i)};
            const BlockIndex marked_block = marks(mark)[i];
            if (!marked_block.is_none()) {
                add_weight(mark, marked_block, no_block, this->stakes(marked_block).stake(who));
            }
        }
    }
    for (const Entry& entry : by_name_) {
        choose_child_again(entry.index);
    }
    roots_changed_ = true;
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
    at(index) = Block{};
    at(index).name = block.name;
    at(index).parent = parent;
    at(index).next_sibling = at(parent).first_child;
    at(index).dead = !block.valid || at(parent).dead;
    at(index).duplicate = block.duplicate;
    at(parent).first_child = index;
    grew(index);
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

void ForkTree::add_weight(Mark mark, BlockIndex from, BlockIndex end, Stake stake)
{
    for (BlockIndex block = from; block != end; block = parent(block)) {
        const std::optional<Stake> sum = weight(at(block), mark).plus(stake);
        BELFRY_CHECK(sum.has_value());
        weight(at(block), mark) = *sum;
        if (mark == Mark::vote) {
            grew(block);
        }
    }
}

void ForkTree::take_weight(Mark mark, BlockIndex from, BlockIndex end, Stake stake)
{
    for (BlockIndex block = from; block != end; block = parent(block)) {
        const std::optional<Stake> rest = weight(at(block), mark).minus(stake);
        BELFRY_CHECK(rest.has_value());
        weight(at(block), mark) = *rest;
        const BlockIndex below = parent(block);
        if (mark == Mark::vote && !below.is_none() && at(below).best_child == block) {
            choose_child_again(below);
        }
    }
}

void ForkTree::move(Mark mark, ValidatorIndex who, BlockIndex to)
{
    BELFRY_CHECK(who.value < validator_count_max);
    std::vector<BlockIndex>& all = mark == Mark::vote ? vote_marks_ : root_marks_;
    const BlockIndex from = all[who.value];
    if (from == to) {
        return;
    }
    const Stake before = from.is_none() ? Stake{} : stakes(from).stake(who);
    const Stake after = to.is_none() ? Stake{} : stakes(to).stake(who);
    // What both share keeps its weight: usually all but the newest block.
    const bool shares = !from.is_none() && !to.is_none() && before == after;
    const BlockIndex end = shares ? common_ancestor(from, to) : no_block;
    if (!from.is_none()) {
        take_weight(mark, from, end, before);
    }
    if (!to.is_none()) {
        add_weight(mark, to, end, after);
    }
    all[who.value] = to;
    roots_changed_ = roots_changed_ || mark == Mark::root;
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

Stake ForkTree::judged_stake(Mark mark, BlockIndex block) const
{
    if (stakes_.uniform()) {
        return subtree_stake(mark, block);
    }
    std::uint64_t sum = 0; // cannot overflow: the table's total did not
    const StakeTable& table = stakes(block);
    for (std::size_t i = 0; i < table.count(); ++i) {
        const BlockIndex where = marks(mark)[i];
        if (!where.is_none() && descends(where, block)) {
            sum += table.stake(ValidatorIndex{static_cast<std::uint16_t>(i)}).value;
        }
    }
    return Stake{sum};
}

bool ForkTree::chain_valid(BlockIndex block) const
{
    while (block != root_ && valid(block)) {
        block = parent(block);
    }
    return block == root_;
}

bool ForkTree::is_leaf(BlockIndex block) const
{
    BlockIndex child = at(block).first_child;
    while (!child.is_none() && !frozen(child)) {
        child = at(child).next_sibling;
    }
    return child.is_none();
}

bool ForkTree::heavier(BlockIndex a, BlockIndex b) const
{
    return at(a).vote_stake > at(b).vote_stake ||
           (at(a).vote_stake == at(b).vote_stake && at(a).name < at(b).name);
}

BlockIndex ForkTree::heaviest_child(BlockIndex block) const
{
    BlockIndex best = no_block;
    for (BlockIndex child = at(block).first_child; !child.is_none();
         child = at(child).next_sibling) {
        if (valid(child) && (best.is_none() || heavier(child, best))) {
            best = child;
        }
    }
    return best;
}

void ForkTree::set_best_child(BlockIndex block, BlockIndex child)
{
    if (at(block).best_child != child) {
        at(block).best_child = child;
        choice_changed_ = true;
    }
}

void ForkTree::choose_child_again(BlockIndex block)
{
    set_best_child(block, heaviest_child(block));
}

void ForkTree::grew(BlockIndex block)
{
    const BlockIndex below = parent(block);
    if (below.is_none() || at(below).best_child == block || !valid(block)) {
        return;
    }
    const BlockIndex best = at(below).best_child;
    if (best.is_none() || heavier(block, best)) {
        set_best_child(below, block);
    }
}

BlockIndex ForkTree::heaviest_leaf(BlockIndex from) const
{
    while (!at(from).best_child.is_none()) {
        from = at(from).best_child;
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

BlockIndex ForkTree::newest_above(BlockIndex from, Mark mark, ShareTest passes) const
{
    BlockIndex found = from;
    bool deeper = true;
    while (deeper) {
        deeper = false;
        for (BlockIndex child = at(found).first_child; !child.is_none();
             child = at(child).next_sibling) {
            if (passes(stakes(child), judged_stake(mark, child))) {
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
    if (!at(block).exact_voters.insert(who)) {
        return false;
    }
    const std::optional<Stake> sum = at(block).exact_stake.plus(stakes(block).stake(who));
    BELFRY_CHECK(sum.has_value());
    at(block).exact_stake = *sum;
    return true;
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

void ForkTree::mark_duplicate(Slot slot)
{
    for (const Entry& entry : versions(slot)) {
        if (entry.index != root_) {
            at(entry.index).duplicate = true;
            choose_child_again(parent(entry.index));
        }
    }
}

bool ForkTree::confirm_duplicate(BlockIndex block)
{
    const bool before = at(block).duplicate_confirmed;
    // To the root in any case: stopping at one that was confirmed before has left others invalid.
    for (; !block.is_none(); block = parent(block)) {
        at(block).duplicate_confirmed = true;
        grew(block);
    }
    return !before;
}

void ForkTree::confirm_duplicate_alone(BlockIndex block)
{
    at(block).duplicate_confirmed = true;
    grew(block);
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

template <class Stays>
void ForkTree::drop_all_but(const Stays& stays)
{
    scratch_.clear();
    for (const Entry& entry : by_name_) {
        if (!stays(entry)) {
            scratch_.push_back(entry.index);
        }
    }
    std::erase_if(by_name_, [&](const Entry& entry) { return !stays(entry); });
    for (const BlockIndex dropped : scratch_) {
        release(dropped);
    }
    choice_changed_ = true;
    roots_changed_ = true;
}

void ForkTree::purge(BlockIndex block)
{
    BELFRY_CHECK(block != root_);
    for (const Mark mark : {Mark::vote, Mark::root}) {
        for (std::size_t i = 0; i < validator_count_max; ++i) {
            const BlockIndex where = marks(mark)[i];
            if (!where.is_none() && descends(where, block)) {
                move(mark, ValidatorIndex{static_cast<std::uint16_t>(i)}, no_block);
            }
        }
    }
    const BlockIndex below = parent(block);
    if (at(below).first_child == block) {
        at(below).first_child = at(block).next_sibling;
    } else {
        BlockIndex before = at(below).first_child;
        while (at(before).next_sibling != block) {
            before = at(before).next_sibling;
        }
        at(before).next_sibling = at(block).next_sibling;
    }
    choose_child_again(below);
    drop_all_but([&](const Entry& entry) { return !descends(entry.index, block); });
}

void ForkTree::prune(BlockIndex new_root)
{
    drop_all_but([&](const Entry& entry) { return descends(entry.index, new_root); });
    at(new_root).parent = no_block;
    at(new_root).next_sibling = no_block;
    root_ = new_root;
    stakes_.forget_below(name(root_).slot);
}

std::optional<std::string_view> ForkTree::check_weights(Mark mark) const
{
    sums_.resize(blocks_.size());
    for (const Entry& entry : by_name_) {
        sums_[entry.index.value] = 0;
    }
    for (std::size_t i = 0; i < validator_count_max; ++i) {
        const BlockIndex where = marks(mark)[i];
        if (!where.is_none()) {
            const ValidatorIndex who{static_cast<std::uint16_t>(i)};
            sums_[where.value] += stakes(where).stake(who).value;
        }
    }
    // From the leaves down: a child's slot is above its parent's.
    for (auto entry = by_name_.rbegin(); entry != by_name_.rend(); ++entry) {
        const std::uint64_t sum = sums_[entry->index.value];
        if (Stake{sum} != subtree_stake(mark, entry->index)) {
            return "T-S6: a subtree's stake differs from the sum of the marks in it";
        }
        if (entry->index != root_) {
            sums_[parent(entry->index).value] += sum;
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
    std::vector<bool> reached(blocks_.size()); // parents come first: their slots are lower
    reached[root_.value] = true;
    for (const Entry& entry : by_name_) {
        if (entry.index != root_ && !reached[parent(entry.index).value]) {
            return "a block does not descend from the root";
        }
        reached[entry.index.value] = true;
        if (at(entry.index).best_child != heaviest_child(entry.index)) {
            return "a block's heaviest child is another one";
        }
        if (stakes(entry.index).of(exact_voters(entry.index)) != exact_stake(entry.index)) {
            return "the stake of a block's voters differs from their sum";
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
