// SPDX-License-Identifier: Apache-2.0
#include "consensus/tower/own_tower.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace belfry::consensus {

OwnTower::OwnTower(const BlockName& finalized)
    : tower_(finalized.slot, {})
    , root_(finalized)
{
    ballots_.reserve(Tower::depth_max + 1);
}

std::optional<OwnTower::Ballot> OwnTower::last() const
{
    return ballots_.empty() ? std::nullopt : std::optional{ballots_.back()};
}

Slot OwnTower::newest_slot() const
{
    return tower_.empty() ? tower_.root() : tower_.top().slot;
}

bool OwnTower::is_ancestor(const Ballot& ballot, const ForkTree& forks, BlockIndex block) const
{
    if (ballot.settled) {
        return true;
    }
    const BlockIndex voted = forks.find(ballot.block);
    return !voted.is_none() && forks.descends(block, voted);
}

bool OwnTower::root_allows(const ForkTree& forks, BlockIndex block) const
{
    if (root_.slot <= forks.name(forks.root()).slot) {
        return true; // settle() and agrees() looked after it
    }
    const BlockIndex root = forks.find(root_); // not held: the ledger is older than the tower
    return !root.is_none() && forks.descends(block, root);
}

bool OwnTower::allows(const ForkTree& forks, BlockIndex block) const
{
    const std::size_t binding = tower_.binding_count(forks.name(block).slot);
    for (std::size_t i = 0; i < binding; ++i) {
        if (!is_ancestor(ballots_[i], forks, block)) {
            return false;
        }
    }
    return root_allows(forks, block);
}

VoteRecord OwnTower::vote(const BlockName& block, const Identity& identity)
{
    released_.reset();
    const std::optional<Lockout> rooted = tower_.push(block.slot);
    if (rooted) {
        BELFRY_CHECK(ballots_.front().block.slot == rooted->slot);
        root_ = ballots_.front().block;
    }
    const auto stays = [&](const Ballot& ballot) {
        return std::ranges::binary_search(tower_.entries(), ballot.block.slot, {}, &Lockout::slot);
    };
    std::erase_if(ballots_, [&](const Ballot& ballot) { return !stays(ballot); });
    ballots_.push_back({.block = block});
    BELFRY_CHECK(consistent());
    VoteRecord record{.vote = {.voter = identity.self,
                               .tower = tower_,
                               .block_id = block.id,
                               .state_hash = identity.state_hash},
                      .ids = {},
                      .root_id = root_.id};
    for (const Ballot& ballot : ballots_) {
        record.ids.push_back(ballot.block.id);
    }
    return record;
}

void OwnTower::restore(const VoteRecord& record)
{
    released_.reset();
    tower_ = record.vote.tower;
    root_ = {.slot = tower_.root(), .id = record.root_id};
    ballots_.clear();
    const auto entries = tower_.entries();
    for (std::size_t i = 0; i < entries.size(); ++i) {
        ballots_.push_back({.block = {.slot = entries[i].slot, .id = record.ids[i]}});
    }
    BELFRY_CHECK(consistent());
}

void OwnTower::begin_at(const BlockName& finalized, std::span<const BlockName> final_chain)
{
    // Votes are a chain: once one is off the final chain, so are all above it.
    const auto off_chain = [&](const Ballot& ballot) {
        return !final_chain.empty() && final_chain.front().slot <= ballot.block.slot &&
               !std::ranges::binary_search(final_chain, ballot.block);
    };
    std::size_t dropped = 0;
    while (dropped < ballots_.size() && ballots_[dropped].block.slot <= finalized.slot &&
           !off_chain(ballots_[dropped])) {
        ++dropped;
    }
    const bool all_below =
        dropped == ballots_.size() || ballots_[dropped].block.slot > finalized.slot;
    if (all_below) {
        tower_.drop_through(finalized.slot);
    } else if (dropped > 0) {
        tower_.drop_through(ballots_[dropped - 1].block.slot);
    }
    ballots_.erase(ballots_.begin(), ballots_.begin() + static_cast<std::ptrdiff_t>(dropped));
    for (Ballot& ballot : ballots_) { // the first is off the chain, the others are above it
        ballot.lost = ballot.lost || !all_below;
    }
    if (root_.slot <= finalized.slot) {
        root_ = finalized;
    }
    BELFRY_CHECK(consistent());
}

void OwnTower::settle(const ForkTree& forks, BlockIndex finalized)
{
    for (Ballot& ballot : ballots_) {
        ballot.settled = is_ancestor(ballot, forks, finalized);
        const BlockIndex voted = forks.find(ballot.block);
        // One that is not held is unknown above the final block, and nowhere on its chain below.
        const bool follows = voted.is_none() ? ballot.block.slot > forks.name(finalized).slot
                                             : forks.descends(voted, finalized);
        ballot.lost = ballot.lost || (!ballot.settled && !follows);
    }
}

void OwnTower::release(const BlockName& finalized)
{
    const bool overruled = std::ranges::any_of(ballots_, [&](const Ballot& ballot) {
        return ballot.lost && ballot.block.slot <= finalized.slot;
    });
    if (!overruled) {
        return;
    }
    if (ballots_.back().block.slot <= finalized.slot) {
        released_ = ballots_.back().block;
    }
    tower_.drop_through(finalized.slot);
    std::erase_if(ballots_,
                  [&](const Ballot& ballot) { return ballot.block.slot <= finalized.slot; });
    root_ = finalized;
    BELFRY_CHECK(consistent());
}

void OwnTower::replace(const ForkTree& forks, BlockIndex wrong)
{
    for (Ballot& ballot : ballots_) {
        const BlockIndex voted = forks.find(ballot.block);
        ballot.replaced = ballot.replaced || (!voted.is_none() && forks.descends(voted, wrong));
    }
}

void OwnTower::discard_above(const BlockName& finalized, Slot slot)
{
    std::erase_if(ballots_, [&](const Ballot& ballot) { return ballot.block.slot > slot; });
    if (root_.slot > slot) {
        root_ = finalized;
    }
    tower_ = Tower(std::min(tower_.root(), root_.slot), tower_.entries().first(ballots_.size()));
    BELFRY_CHECK(consistent());
}

void OwnTower::roll_back_root(const ForkTree& forks, BlockIndex finalized)
{
    BELFRY_CHECK(!agrees(forks, finalized)); // so the root is held
    root_ = forks.name(forks.common_ancestor(forks.find(root_), finalized));
    tower_.roll_back_root(root_.slot);
    BELFRY_CHECK(consistent());
}

bool OwnTower::agrees(const ForkTree& forks, BlockIndex finalized) const
{
    const BlockIndex root = forks.find(root_);
    return root.is_none() || forks.descends(root, finalized) || forks.descends(finalized, root);
}

bool OwnTower::consistent() const
{
    return well_formed(tower_.root(), tower_.entries()) &&
           std::ranges::equal(tower_.entries(), ballots_, {}, &Lockout::slot,
                              [](const Ballot& ballot) { return ballot.block.slot; });
}

} // namespace belfry::consensus
