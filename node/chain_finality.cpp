// SPDX-License-Identifier: Apache-2.0
#include "node/chain_finality.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <functional>

namespace belfry::node {

void ChainFinality::add_block(const ledger::BlockRef& block, const ledger::BlockRef& parent)
{
    parents_.insert_or_assign(block, parent);
    if (parents_.size() > blocks_max) {
        parents_.erase(parents_.begin());
    }
}

void ChainFinality::note_vote(consensus::ValidatorIndex voter, const Vote& vote)
{
    BELFRY_CHECK(voter.value < votes_.size());
    std::optional<Vote>& newest = votes_[voter.value];
    if (!newest || newest->last.slot < vote.last.slot) {
        newest = vote;
    }
}

std::optional<ledger::BlockRef> ChainFinality::at_or_below(ledger::BlockRef block, Slot slot) const
{
    while (block.slot > slot) {
        const auto found = parents_.find(block);
        if (found == parents_.end()) {
            return std::nullopt;
        }
        block = found->second;
    }
    return block;
}

std::optional<ledger::BlockRef> ChainFinality::final_block() const
{
    struct Root {
        ledger::BlockRef block;
        Stake stake;
    };
    std::vector<Root> roots;
    for (std::size_t i = 0; i < votes_.size(); ++i) {
        const std::optional<Vote>& vote = votes_[i];
        if (!vote || !parents_.contains(vote->last)) {
            continue;
        }
        const auto root = at_or_below(vote->last, vote->root);
        if (root) {
            roots.push_back({*root, stakes_.stake({.value = static_cast<std::uint16_t>(i)})});
        }
    }
    std::ranges::sort(roots, std::greater<>(), &Root::block);
    for (const Root& candidate : roots) {
        Stake rooted{};
        for (const Root& other : roots) {
            if (at_or_below(other.block, candidate.block.slot) == candidate.block) {
                rooted = rooted.plus(other.stake).value_or(rooted);
            }
        }
        if (stakes_.is_more_than(rooted, consensus::two_thirds)) {
            return candidate.block;
        }
    }
    return std::nullopt;
}

void ChainFinality::prune(Slot finalized)
{
    parents_.erase(parents_.begin(), parents_.lower_bound({finalized, Hash{}}));
}

} // namespace belfry::node
