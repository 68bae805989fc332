// SPDX-License-Identifier: Apache-2.0
#include "exec/block_tree.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <utility>

namespace belfry::exec {

BlockTree::BlockTree(std::size_t history_blocks)
    : history_blocks_(history_blocks)
{
    BELFRY_CHECK(history_blocks >= recent_blocks);
}

const BlockState& BlockTree::put_root(BlockState root)
{
    BELFRY_CHECK(blocks_.empty());
    root.parent = nullptr;
    auto owned = std::make_unique<BlockState>(std::move(root));
    BlockState* block = owned.get();
    blocks_.emplace(block->id(), std::move(owned));
    order_.push_back(block);
    finalized_ = block;
    add_to_indexes(*block);
    return *block;
}

void BlockTree::put_history(std::vector<BlockState> blocks)
{
    BELFRY_CHECK(finalized_ != nullptr && history_.empty());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        BELFRY_CHECK(blocks[i].height().value + (blocks.size() - i) == finalized_->height().value);
        blocks[i].parent = nullptr;
        history_.push_back(std::make_unique<BlockState>(std::move(blocks[i])));
        add_to_indexes(*history_.back());
    }
    while (history_.size() > history_blocks_) {
        forget_oldest_history();
    }
}

const BlockState& BlockTree::insert(BlockState state)
{
    BELFRY_CHECK(state.parent != nullptr && find(state.parent->id()) == state.parent);
    BELFRY_CHECK(find(state.id()) == nullptr);
    auto owned = std::make_unique<BlockState>(std::move(state));
    BlockState* block = owned.get();
    blocks_.emplace(block->id(), std::move(owned));
    order_.push_back(block);
    add_to_indexes(*block);
    return *block;
}

const BlockState* BlockTree::find(const Hash& block_id) const
{
    const auto found = blocks_.find(block_id);
    return found != blocks_.end() ? found->second.get() : nullptr;
}

bool BlockTree::is_ancestor(const BlockState& ancestor, const BlockState& block) const
{
    if (ancestor.height() > block.height()) {
        return false;
    }
    if (ancestor.height() <= finalized_->height()) {
        return true; // there is one chain up to finalized, and every block descends from it
    }
    const BlockState* at = &block;
    while (at->height() > ancestor.height()) {
        at = at->parent;
    }
    return at == &ancestor;
}

template <class Matches>
std::optional<Occurrence> BlockTree::newest(const Index& index, std::uint32_t fingerprint,
                                            const BlockState& tip, Matches matches) const
{
    std::optional<Occurrence> best;
    (void)index.find(fingerprint, [&](const Place& place) {
        const BlockState* block = places_[place.block];
        const bool newer = !best || block->height() > best->block->height() ||
                           (block == best->block && place.transaction > best->transaction_index);
        if (newer && matches(*block, place.transaction) && is_ancestor(*block, tip)) {
            best = Occurrence{block, place.transaction};
        }
        return false;
    });
    return best;
}

BlockhashAge BlockTree::blockhash_age(const BlockState& parent, const Hash& blockhash) const
{
    const std::optional<Occurrence> found = newest(
        blockhashes_, fingerprint_of(blockhash), parent,
        [&](const BlockState& block, std::uint32_t) { return block.blockhash() == blockhash; });
    if (!found) {
        return BlockhashAge::unknown;
    }
    const std::uint64_t age = parent.height().value + 1 - found->block->height().value;
    return age <= recent_blocks ? BlockhashAge::valid : BlockhashAge::expired;
}

bool BlockTree::in_window(const BlockState& parent, const Hash& message_hash) const
{
    const std::optional<Occurrence> found = find_message(parent, message_hash);
    return found && parent.height().value + 1 - found->block->height().value <= recent_blocks;
}

std::optional<Occurrence> BlockTree::find_message(const BlockState& tip,
                                                  const Hash& message_hash) const
{
    return newest(messages_, fingerprint_of(message_hash), tip,
                  [&](const BlockState& block, std::uint32_t transaction) {
                      return block.statuses[transaction].message_hash == message_hash;
                  });
}

std::optional<Occurrence> BlockTree::find_signature(const BlockState& tip,
                                                    const Signature& first) const
{
    return newest(signatures_, fingerprint_of(first), tip,
                  [&](const BlockState& block, std::uint32_t transaction) {
                      return block.statuses[transaction].first_signature == first;
                  });
}

std::size_t BlockTree::set_finalized(const BlockState& block,
                                     const std::function<void(const BlockState&)>& on_final)
{
    BELFRY_CHECK(find(block.id()) == &block && block.height() > finalized_->height());
    std::vector<const BlockState*> path; // newly final, block first
    for (const BlockState* at = &block; at != finalized_; at = at->parent) {
        path.push_back(at);
    }
    for (auto at = path.rbegin(); at != path.rend(); ++at) {
        on_final(**at);
    }
    // Parents come first in order_, so one pass tells what descends from block.
    std::vector<BlockState*> kept;
    std::vector<BlockState*> below(path.size(), nullptr); // by height, old finalized first
    std::vector<BlockState*> pruned;
    const std::uint64_t below_height = finalized_->height().value;
    for (BlockState* at : order_) {
        if (at->height() >= block.height() && is_ancestor(block, *at)) {
            kept.push_back(at);
        } else if (at->height() < block.height() && is_ancestor(*at, block)) {
            below.at(at->height().value - below_height) = at;
        } else {
            pruned.push_back(at);
        }
    }
    for (BlockState* at : pruned) {
        remove_from_indexes(*at);
        blocks_.erase(Hash(at->id()));
    }
    for (BlockState* at : below) {
        BELFRY_CHECK(at != nullptr);
        auto node = blocks_.extract(Hash(at->id()));
        at->parent = nullptr;
        at->delta = StateDelta{};
        history_.push_back(std::move(node.mapped()));
    }
    kept.front()->parent = nullptr;
    finalized_ = kept.front();
    BELFRY_CHECK(finalized_ == &block);
    order_ = std::move(kept);
    while (history_.size() > history_blocks_) {
        forget_oldest_history();
    }
    return pruned.size();
}

void BlockTree::add_to_indexes(BlockState& block)
{
    if (free_places_.empty()) {
        free_places_.push_back(static_cast<std::uint32_t>(places_.size()));
        places_.push_back(nullptr);
    }
    const std::uint32_t place = free_places_.back();
    free_places_.pop_back();
    places_[place] = &block;
    block.tree_place = place;
    blockhashes_.insert(fingerprint_of(block.blockhash()), Place{place, 0});
    for (std::size_t i = 0; i < block.statuses.size(); ++i) {
        const Place at{place, static_cast<std::uint32_t>(i)};
        messages_.insert(fingerprint_of(block.statuses[i].message_hash), at);
        signatures_.insert(fingerprint_of(block.statuses[i].first_signature), at);
    }
}

void BlockTree::remove_from_indexes(const BlockState& block)
{
    const std::uint32_t place = block.tree_place;
    blockhashes_.erase(fingerprint_of(block.blockhash()), Place{place, 0});
    for (std::size_t i = 0; i < block.statuses.size(); ++i) {
        const Place at{place, static_cast<std::uint32_t>(i)};
        messages_.erase(fingerprint_of(block.statuses[i].message_hash), at);
        signatures_.erase(fingerprint_of(block.statuses[i].first_signature), at);
    }
    places_[place] = nullptr;
    free_places_.push_back(place);
}

void BlockTree::forget_oldest_history()
{
    remove_from_indexes(*history_.front());
    history_.pop_front();
}

} // namespace belfry::exec
