// SPDX-License-Identifier: Apache-2.0
#include "consensus/tower/switch_proof.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cstdint>

namespace belfry::consensus {

namespace {

/// Neither the last vote nor below it, and it parts from the last vote's chain where `to` does, or
/// earlier.
bool is_beside(const ForkTree& forks, BlockIndex block, BlockIndex last, BlockIndex to)
{
    return !forks.descends(block, last) && forks.descends(to, forks.common_ancestor(block, last));
}

} // namespace

SwitchProof SwitchJudge::judge(const ForkTree& forks, const VoteTable& votes, const BlockName& last,
                               BlockIndex to)
{
    const StakeTable& stakes = forks.stakes(defects_.wrong_epoch ? forks.root() : to);
    SwitchProof proof{.stake = {}, .total = stakes.total(), .voters = {}};
    const Fork fork{.forks = forks, .votes = votes, .last = forks.find(last), .to = to};
    if (!fork.last.is_none()) {
        find_leaves(fork);
    }
    std::uint64_t sum = 0; // cannot overflow: the table's total did not (but for a defect)
    for (std::size_t i = 0; i < votes.count(); ++i) {
        const ValidatorIndex who{static_cast<std::uint16_t>(i)};
        if (forks.marked(Mark::vote, who).is_none()) {
            continue;
        }
        const bool newer =
            fork.last.is_none() ? voted_on_chain(forks, who, last, to) : voted_elsewhere(fork, who);
        const bool asked = !fork.last.is_none() && (!newer || defects_.counts_voter_twice);
        const bool locked = asked && is_locked(fork, who);
        if (newer || locked) {
            (void)proof.voters.insert(who);
            sum += stakes.stake(who).value;
        }
        if (newer && locked) {
            sum += stakes.stake(who).value;
        }
    }
    proof.stake = Stake{sum};
    return proof;
}

void SwitchJudge::find_leaves(const Fork& fork)
{
    leaves_.clear();
    for (const ForkTree::Entry& entry : fork.forks.entries()) {
        const bool leaf = entry.index != fork.forks.root() && fork.forks.frozen(entry.index) &&
                          fork.forks.is_leaf(entry.index);
        if (leaf && is_beside(fork.forks, entry.index, fork.last, fork.to)) {
            leaves_.push_back(entry.index);
        }
    }
}

bool SwitchJudge::voted_elsewhere(const Fork& fork, ValidatorIndex who) const
{
    const ForkTree& forks = fork.forks;
    const BlockIndex voted = forks.marked(Mark::vote, who);
    const bool newer = forks.name(voted).slot > forks.name(fork.last).slot;
    if (!forks.frozen(voted) || !(newer || defects_.counts_old_votes)) {
        return false;
    }
    return defects_.counts_own_side ? !forks.descends(voted, fork.last)
                                    : is_beside(forks, voted, fork.last, fork.to);
}

bool SwitchJudge::is_locked(const Fork& fork, ValidatorIndex who) const
{
    const ForkTree& forks = fork.forks;
    const TowerVote* vote = fork.votes.held(who);
    if (vote == nullptr) {
        return false;
    }
    const BlockIndex voted = forks.marked(Mark::vote, who);
    const Slot last = forks.name(fork.last).slot;
    // Entries at or below this slot are ancestors of the last vote; it is the root at the least.
    const Slot shared = forks.name(forks.common_ancestor(voted, fork.last)).slot;
    const auto proves = [&](const Lockout& entry) {
        return entry.slot > shared && entry.slot <= last && entry.expiry() >= last;
    };
    const auto entries = vote->tower.entries();
    if (std::ranges::none_of(entries, proves)) {
        return false;
    }
    return std::ranges::any_of(leaves_, [&](BlockIndex leaf) {
        const Slot on_chain = forks.name(forks.common_ancestor(voted, leaf)).slot;
        const auto binding = entries.first(vote->tower.binding_count(forks.name(leaf).slot));
        return std::ranges::any_of(
            binding, [&](const Lockout& entry) { return proves(entry) && entry.slot <= on_chain; });
    });
}

bool SwitchJudge::voted_on_chain(const ForkTree& forks, ValidatorIndex who, const BlockName& last,
                                 BlockIndex to)
{
    const BlockIndex voted = forks.marked(Mark::vote, who);
    return forks.name(voted).slot > last.slot && forks.frozen(voted) &&
           (forks.descends(voted, to) || forks.descends(to, voted));
}

} // namespace belfry::consensus
