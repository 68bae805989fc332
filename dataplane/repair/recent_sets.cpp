// SPDX-License-Identifier: Apache-2.0
#include "dataplane/repair/recent_sets.hpp"

#include <utility>

namespace belfry::dataplane {

RecentSets::RecentSets(const Options& options, SetSource* older)
    : options_(options)
    , older_(older)
{
}

void RecentSets::add(const ledger::ShredSet& set)
{
    const SetKey key{set.slot, set.index, set.root};
    if (!sets_.emplace(key, set).second) {
        return;
    }
    constexpr std::size_t overhead_bytes = 512;
    held_bytes_ += set.payload.size() + overhead_bytes;
    arrivals_.push_back(key);
    while (held_bytes_ > options_.bytes_max) {
        const auto oldest = sets_.find(arrivals_.front());
        held_bytes_ -= oldest->second.payload.size() + overhead_bytes;
        sets_.erase(oldest);
        arrivals_.pop_front();
    }
}

std::optional<ledger::ShredSet> RecentSets::set(const SetKey& key)
{
    const auto at = sets_.find(key);
    if (at != sets_.end()) {
        return at->second;
    }
    return older_ == nullptr ? std::nullopt : older_->set(key);
}

std::optional<ledger::ShredSet> RecentSets::successor(const SetKey& key)
{
    const std::uint32_t next_index = key.set_index + 1;
    for (auto at = sets_.lower_bound({key.slot, next_index, Hash{}});
         at != sets_.end() && at->first.slot == key.slot && at->first.set_index == next_index;
         ++at) {
        if (at->second.chained_root == key.root) {
            return at->second;
        }
    }
    return older_ == nullptr ? std::nullopt : older_->successor(key);
}

std::optional<ledger::ShredSet> RecentSets::set_of_block(const ledger::BlockRef& block,
                                                         std::uint32_t set_index)
{
    // The last set carries the block's id; the others are found backwards from it.
    auto at = sets_.lower_bound({block.slot, 0, Hash{}});
    while (at != sets_.end() && at->first.slot == block.slot && at->first.root != block.id) {
        ++at;
    }
    if (at != sets_.end() && at->first.slot == block.slot && at->second.last) {
        while (at != sets_.end()) {
            const ledger::ShredSet& set = at->second;
            if (set_index == tail_set_index || set.index == set_index) {
                return set;
            }
            if (set.index < set_index || set.index == 0) {
                break;
            }
            at = sets_.find({block.slot, set.index - 1, set.chained_root});
        }
    }
    return older_ == nullptr ? std::nullopt : older_->set_of_block(block, set_index);
}

std::vector<ChainHint> RecentSets::chain_after(Slot slot, std::size_t count_max)
{
    return older_ == nullptr ? std::vector<ChainHint>{} : older_->chain_after(slot, count_max);
}

Slot RecentSets::tip()
{
    return older_ == nullptr ? Slot{0} : older_->tip();
}

} // namespace belfry::dataplane
