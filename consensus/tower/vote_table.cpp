// SPDX-License-Identifier: Apache-2.0
#include "consensus/tower/vote_table.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace belfry::consensus {

void VoteTable::resize(std::size_t validator_count)
{
    BELFRY_CHECK(validator_count <= validator_count_max);
    standings_.resize(validator_count);
}

VoteTable::Heard VoteTable::hear(const TowerVote& vote, ForkTree& forks)
{
    BELFRY_CHECK(vote.voter.value < standings_.size());
    if (vote.block().slot <= forks.name(forks.root()).slot) {
        return {.outcome = Outcome::old};
    }
    const BlockIndex block = forks.find(vote.block());
    return block.is_none() ? hear_waiting(vote, forks) : hear_held(vote, block, forks);
}

VoteTable::OtherValues VoteTable::other_values(const Standing& standing, const TowerVote& vote,
                                               const ForkTree& forks)
{
    OtherValues others;
    const auto see = [&](const BlockName& seen) {
        if (seen.slot == vote.block().slot && seen != vote.block() && seen != others.first) {
            others.first = others.first ? others.first : std::optional{seen};
            ++others.count;
        }
    };
    if (standing.held) { // its block may have been purged
        see(standing.held->block());
    }
    if (standing.waiting) {
        see(standing.waiting->block());
    }
    for (const ForkTree::Entry& entry : forks.versions(vote.block().slot)) {
        if (forks.exact_voters(entry.index).contains(vote.voter)) {
            see(entry.name);
        }
    }
    if (standing.other) {
        see(*standing.other);
    }
    return others;
}

VoteTable::Heard VoteTable::hear_held(const TowerVote& vote, BlockIndex block, ForkTree& forks)
{
    if (forks.exact_voters(block).contains(vote.voter)) {
        return {.outcome = Outcome::repeated};
    }
    Standing& standing = standings_[vote.voter.value];
    const OtherValues others = other_values(standing, vote, forks);
    if (others.count >= 2) {
        return {.outcome = Outcome::ignored};
    }
    forks.add_exact_voter(block, vote.voter);
    Heard heard{.outcome = Outcome::counted, .counted = block, .contradicts = others.first};
    if (others.count == 0 && (!standing.held || standing.held->block().slot < vote.block().slot)) {
        standing.held = vote;
        if (standing.waiting && standing.waiting->block().slot <= vote.block().slot) {
            standing.waiting.reset();
        }
        heard.outcome = Outcome::applied;
        put_marks(vote, block, forks);
    }
    return heard;
}

void VoteTable::put_marks(const TowerVote& vote, BlockIndex block, ForkTree& forks)
{
    forks.move(Mark::vote, vote.voter, block);
    // A root below ours tells nothing new; one that is no block of this chain is a lie.
    if (vote.tower.root() < forks.name(forks.root()).slot) {
        return;
    }
    const BlockIndex root = forks.ancestor_at(block, vote.tower.root());
    if (!root.is_none()) {
        forks.move(Mark::root, vote.voter, root);
    }
}

VoteTable::Heard VoteTable::hear_waiting(const TowerVote& vote, const ForkTree& forks)
{
    Standing& standing = standings_[vote.voter.value];
    const BlockName named = vote.block();
    if ((standing.waiting && standing.waiting->block() == named) || standing.other == named) {
        return {.outcome = Outcome::repeated};
    }
    const OtherValues others = other_values(standing, vote, forks);
    if (others.count >= 2) {
        return {.outcome = Outcome::ignored};
    }
    const bool wanted = !anyone_names(named);
    if (others.count == 1) {
        if (standing.other && standing.other->slot >= named.slot) {
            return {.outcome = Outcome::ignored};
        }
        standing.other = named;
        return {.outcome = Outcome::waiting, .wanted = wanted, .contradicts = others.first};
    }
    const bool overtaken = (standing.held && standing.held->block().slot > named.slot) ||
                           (standing.waiting && standing.waiting->block().slot > named.slot);
    if (overtaken) {
        return {.outcome = Outcome::old};
    }
    standing.waiting = vote;
    return {.outcome = Outcome::waiting, .wanted = wanted};
}

bool VoteTable::anyone_names(const BlockName& block) const
{
    return std::ranges::any_of(standings_, [&](const Standing& standing) {
        return (standing.waiting && standing.waiting->block() == block) || standing.other == block;
    });
}

std::optional<VoteTable::Heard> VoteTable::arrive(ValidatorIndex who, BlockIndex block,
                                                  ForkTree& forks)
{
    BELFRY_CHECK(who.value < standings_.size());
    Standing& standing = standings_[who.value];
    if (standing.waiting && standing.waiting->block() == forks.name(block)) {
        const TowerVote vote = *standing.waiting;
        standing.waiting.reset();
        return hear_held(vote, block, forks);
    }
    if (standing.held && standing.held->block() == forks.name(block)) {
        // It was dropped as the wrong version, and came back.
        forks.add_exact_voter(block, who);
        put_marks(*standing.held, block, forks);
        return Heard{.outcome = Outcome::applied, .counted = block};
    }
    if (standing.other == forks.name(block)) {
        standing.other.reset();
        forks.add_exact_voter(block, who);
        return Heard{.outcome = Outcome::counted, .counted = block};
    }
    return std::nullopt;
}

void VoteTable::follow_root(const ForkTree& forks)
{
    // A held tower whose block was pruned stays: newest of its voter, so that older ones do not
    // come back, and without a mark it counts nowhere.
    const Slot root = forks.name(forks.root()).slot;
    for (Standing& standing : standings_) {
        if (standing.waiting && standing.waiting->block().slot <= root) {
            standing.waiting.reset();
        }
        if (standing.other && standing.other->slot <= root) {
            standing.other.reset();
        }
    }
}

void VoteTable::wait_again(const ForkTree& forks)
{
    for (Standing& standing : standings_) {
        if (standing.held && !standing.waiting) {
            standing.waiting = standing.held;
        }
        standing.held.reset();
    }
    follow_root(forks);
}

const TowerVote* VoteTable::held(ValidatorIndex who) const
{
    BELFRY_CHECK(who.value < standings_.size());
    const Standing& standing = standings_[who.value];
    return standing.held ? &*standing.held : nullptr;
}

const TowerVote* VoteTable::waiting(ValidatorIndex who) const
{
    BELFRY_CHECK(who.value < standings_.size());
    const Standing& standing = standings_[who.value];
    return standing.waiting ? &*standing.waiting : nullptr;
}

Stake VoteTable::waiting_stake(const BlockName& block, const StakeTable& stakes) const
{
    std::uint64_t sum = 0; // cannot overflow: the table's total did not
    for (std::size_t i = 0; i < standings_.size(); ++i) {
        const Standing& standing = standings_[i];
        if ((standing.waiting && standing.waiting->block() == block) || standing.other == block) {
            sum += stakes.stake(ValidatorIndex{static_cast<std::uint16_t>(i)}).value;
        }
    }
    return Stake{sum};
}

std::optional<Slot> VoteTable::stands_at(ValidatorIndex who, const ForkState& state) const
{
    const ForkTree& forks = state.forks;
    const BlockIndex voted = forks.marked(Mark::vote, who);
    const TowerVote* vote = held(who);
    if (voted.is_none() || vote == nullptr) {
        return std::nullopt;
    }
    const Slot shared = forks.name(forks.common_ancestor(voted, state.block)).slot;
    const Tower& tower = vote->tower;
    const auto entries = tower.entries();
    const std::size_t binding =
        state.expires ? tower.binding_count(forks.name(state.block).slot) : entries.size();
    for (std::size_t i = binding; i > 0; --i) {
        if (entries[i - 1].slot <= shared) {
            return entries[i - 1].slot;
        }
    }
    return tower.root() <= shared ? std::optional{tower.root()} : std::nullopt;
}

} // namespace belfry::consensus
