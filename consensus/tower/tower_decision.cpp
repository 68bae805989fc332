// SPDX-License-Identifier: Apache-2.0
// The rules of tower_engine.hpp: which fork to stand on, whether to vote, what became final.
#include "base/check.hpp"
#include "consensus/tower/tower_engine.hpp"
#include "consensus/tower/tower_journal.hpp"

#include <algorithm>

namespace belfry::consensus {

namespace {

constexpr std::size_t shallow_depth = 4;
constexpr std::size_t deep_depth = 8;

bool more_than_two_thirds(const StakeTable& stakes, Stake part)
{
    return stakes.is_more_than(part, two_thirds);
}

// The planted defect quorum_is_at_least: not(rest > one third) is part >= two thirds.
bool at_least_two_thirds(const StakeTable& stakes, Stake part)
{
    const std::optional<Stake> rest = stakes.total().minus(part);
    return part > Stake{} && rest && !stakes.is_more_than(*rest, one_third);
}

} // namespace

ForkTree::ShareTest TowerEngine::quorum() const
{
    return config_.defects.quorum_is_at_least ? at_least_two_thirds : more_than_two_thirds;
}

bool TowerEngine::is_quorum(Stake part) const
{
    return quorum()(stakes_, part);
}

void TowerEngine::decide(Effects& effects)
{
    follow_roots(effects);
    const Choice choice = choose();
    stand_on(choice.stand, effects);
    if (!choice.candidate.is_none() && may_vote_for(choice.candidate)) {
        vote_for(choice.candidate, effects);
    }
}

// ---- Fork choice --------------------------------------------------------------------------------

bool TowerEngine::may_leave_fork(BlockIndex to) const
{
    // Proof that enough stake will not come back to the last vote's fork belongs here as well.
    return config_.defects.lockout_unchecked || own_.allows(forks_, to);
}

TowerEngine::Choice TowerEngine::choose() const
{
    const BlockIndex best = forks_.heaviest_leaf(forks_.root());
    const std::optional<OwnTower::Ballot> last = own_.last();
    if (!last || last->settled) {
        return {.stand = best, .candidate = best};
    }
    const BlockIndex voted = forks_.find(last->block);
    const bool same_fork = !voted.is_none() && forks_.descends(best, voted);
    if (same_fork) {
        return {.stand = best, .candidate = best == voted ? no_block : best};
    }
    if (forks_.name(best).slot > last->block.slot && may_leave_fork(best)) {
        return {.stand = best, .candidate = best};
    }
    // Bound to another fork. Standing on the heaviest here would leave this one without blocks,
    // although the votes that make it win may be on their way.
    if (voted.is_none() || config_.defects.resets_to_heaviest) {
        return {.stand = best};
    }
    return {.stand =
                forks_.valid(voted) ? forks_.heaviest_leaf(voted) : forks_.deepest_leaf(voted)};
}

void TowerEngine::stand_on(BlockIndex block, Effects& effects)
{
    if (forks_.name(block) == stand_) {
        return;
    }
    stand_ = forks_.name(block);
    effects.add(BestFork{.block = stand_});
    effects.add(Commit{.level = Level::processed, .block = stand_});
}

// ---- Voting -------------------------------------------------------------------------------------

bool TowerEngine::may_vote_for(BlockIndex block) const
{
    if (!signing_ || block == forks_.root() || (newest_ && !newest_is_durable_)) {
        return false;
    }
    const Slot spoken_for =
        newest_ ? std::max(own_.newest_slot(), newest_->vote.block().slot) : own_.newest_slot();
    if (forks_.name(block).slot <= spoken_for) {
        return false;
    }
    if (!config_.defects.lockout_unchecked && !own_.allows(forks_, block)) {
        return false;
    }
    return config_.defects.threshold_unchecked ||
           (depth_allows(block, shallow_depth, switch_share) &&
            depth_allows(block, deep_depth, two_thirds));
}

bool TowerEngine::depth_allows(BlockIndex block, std::size_t depth, Fraction share) const
{
    Tower after = own_.tower();
    (void)after.push(forks_.name(block).slot);
    const std::optional<Lockout> entry = after.below_top(depth);
    if (!entry || entry->slot <= forks_.name(forks_.root()).slot) {
        return true; // not that deep; or final, which is more than any share
    }
    // An old entry that this vote does not deepen was granted before. Asking again would silence
    // whoever comes back after its newer votes expired.
    const auto before = own_.tower().entries();
    const bool granted = entry->confirmations > depth && std::ranges::count(before, *entry) != 0;
    if (granted && !config_.defects.no_threshold_escape) {
        return true;
    }
    std::uint64_t sum = 0; // cannot overflow: the table's total did not
    for (std::size_t i = 0; i < votes_.count(); ++i) {
        const ValidatorIndex who{static_cast<std::uint16_t>(i)};
        if (votes_.stands_at(who, forks_, block, entry->slot)) {
            sum += stakes_.stake(who).value;
        }
    }
    return share == two_thirds ? is_quorum(Stake{sum}) : stakes_.is_more_than(Stake{sum}, share);
}

void TowerEngine::vote_for(BlockIndex block, Effects& effects)
{
    const BlockName name = forks_.name(block);
    const BlockName root_before = own_.root();
    const VoteRecord record =
        own_.vote(name, {.self = self(), .state_hash = state_hashes_[block.value]});
    last_sequence_ = last_sequence_ ? last_sequence_->next() : JournalSequence::first();
    newest_ = OwnStatement{.after = *last_sequence_, .vote = record.vote};
    newest_is_durable_ = false;
    said_this_slot_ = true;
    scratch_.clear();
    encode_tower_record(record, scratch_);
    effects.persist(*last_sequence_, scratch_);
    refresh(effects);
    if (own_.root() != root_before) {
        effects.add(Commit{.level = Level::rooted, .block = own_.root()});
    }
}

// ---- Fingerprint --------------------------------------------------------------------------------

namespace {

/// FNV-1a over 64-bit words' bytes: not for secrets, only to tell two runs apart.
class Fingerprint {
public:
    void add(std::uint64_t value)
    {
        for (unsigned i = 0; i < 8; ++i) {
            state_ = (state_ ^ (value >> (8 * i) & 0xFF)) * 0x100000001B3;
        }
    }
    void add(const BlockName& name)
    {
        add(name.slot.value);
        for (const std::uint8_t byte : name.id.bytes) {
            state_ = (state_ ^ byte) * 0x100000001B3;
        }
    }
    [[nodiscard]] std::uint64_t value() const { return state_; }

private:
    std::uint64_t state_ = 0xCBF29CE484222325;
};

} // namespace

std::uint64_t TowerEngine::digest() const
{
    Fingerprint print;
    print.add(forks_.name(forks_.root()));
    print.add(stand_);
    print.add(confirmed_);
    print.add(super_rooted_);
    print.add(base_.value_or(BlockName{}));
    for (const BlockName& awaited : awaited_finals_) {
        print.add(awaited);
    }
    print.add(own_.root());
    print.add(built_.value);
    print.add(signing_ ? 1 : 0);
    print.add(last_sequence_ ? last_sequence_->value() : 0);
    for (const OwnTower::Ballot& ballot : own_.ballots()) {
        print.add(ballot.block);
        print.add(ballot.settled ? 1 : 0);
    }
    for (const Lockout& entry : own_.tower().entries()) {
        print.add(entry.confirmations);
    }
    for (const ForkTree::Entry& entry : forks_.entries()) {
        print.add(entry.name);
        print.add(forks_.subtree_stake(Mark::vote, entry.index).value);
        print.add(forks_.subtree_stake(Mark::root, entry.index).value);
        print.add(stakes_.of(forks_.exact_voters(entry.index)).value);
    }
    for (std::size_t i = 0; i < votes_.count(); ++i) {
        const ValidatorIndex who{static_cast<std::uint16_t>(i)};
        print.add(votes_.held(who) == nullptr ? BlockName{} : votes_.held(who)->block());
        print.add(votes_.waiting(who) == nullptr ? BlockName{} : votes_.waiting(who)->block());
    }
    return print.value();
}

} // namespace belfry::consensus
