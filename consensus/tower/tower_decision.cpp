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

bool TowerEngine::is_quorum(Stake part, const StakeTable& stakes) const
{
    return quorum()(stakes, part);
}

const StakeTable& TowerEngine::judging(BlockIndex block) const
{
    return forks_.stakes(config_.defects.wrong_epoch ? forks_.root() : block);
}

void TowerEngine::decide_if_changed(Effects& effects)
{
    follow_roots(effects);
    if (forks_.take_choice_changed() || undecided_) {
        decide(effects);
    }
}

void TowerEngine::decide(Effects& effects)
{
    follow_roots(effects);
    (void)forks_.take_choice_changed();
    const Choice choice = choose();
    standing_switch_ = choice.leaving;
    stand_on(choice.stand, effects);
    const bool votes = !choice.candidate.is_none() && may_vote_for(choice.candidate);
    undecided_ = choice.bound || (signing_ && !choice.candidate.is_none() && !votes);
    if (votes) {
        vote_for(choice, effects);
    }
}

// ---- Fork choice --------------------------------------------------------------------------------

bool TowerEngine::other_version_chosen(const BlockName& block) const
{
    const auto is_other = [&](const BlockName& other) {
        return other.slot == block.slot && other != block;
    };
    return std::ranges::any_of(chosen_ahead_, is_other) ||
           std::ranges::any_of(forks_.versions(block.slot), [&](const ForkTree::Entry& entry) {
               return is_other(entry.name) && forks_.duplicate_confirmed(entry.index);
           });
}

bool TowerEngine::sibling_was_chosen(const OwnTower::Ballot& last) const
{
    if (config_.defects.sibling_rule_ignored) {
        return false;
    }
    const BlockIndex voted = forks_.find(last.block);
    if (voted.is_none()) {
        return last.replaced ||
               std::ranges::any_of(own_.ballots(), [&](const OwnTower::Ballot& ballot) {
                   return !ballot.settled && other_version_chosen(ballot.block);
               });
    }
    for (BlockIndex block = voted; block != forks_.root(); block = forks_.parent(block)) {
        if (!forks_.valid(block) && other_version_chosen(forks_.name(block))) {
            return true;
        }
    }
    return false;
}

bool TowerEngine::proves(const SwitchProof& proof) const
{
    if (config_.defects.switch_at_38_exactly) {
        // not(rest > 62 %) is part >= 38 %
        const std::optional<Stake> rest = proof.total.minus(proof.stake);
        return !rest || !is_more_than(*rest, proof.total, {.numerator = 62, .denominator = 100});
    }
    return proof.holds();
}

TowerEngine::Choice TowerEngine::choose() const
{
    const BlockIndex best = forks_.heaviest_leaf(forks_.root());
    const std::optional<OwnTower::Ballot> last = own_.last();
    if (!last && own_.released()) {
        return {.stand = best,
                .candidate = best,
                .leaving = ForkSwitch{.from = *own_.released(),
                                      .to = forks_.name(best),
                                      .reason = SwitchReason::final_elsewhere}};
    }
    if (!last || last->settled) {
        return {.stand = best, .candidate = best};
    }
    const BlockIndex voted = forks_.find(last->block);
    ForkSwitch leaving{.from = last->block, .to = forks_.name(best)};
    const auto leave = [&](SwitchReason reason) {
        leaving.reason = reason;
        return Choice{.stand = best, .candidate = best, .leaving = leaving};
    };
    if (voted.is_none() && last->lost) {
        return leave(SwitchReason::final_elsewhere);
    }
    // 1. The last vote's fork holds a duplicate, and the best is where it begins: wait there.
    if (!voted.is_none() && best != voted && forks_.descends(voted, best)) {
        return {.stand = best, .bound = true};
    }
    // 2. Another version than the one on the last vote's fork was chosen.
    if ((voted.is_none() || !forks_.descends(best, voted)) && sibling_was_chosen(*last)) {
        return leave(SwitchReason::sibling_confirmed);
    }
    // 3. The same fork.
    if (!voted.is_none() && forks_.descends(best, voted)) {
        return {.stand = best, .candidate = best == voted ? no_block : best};
    }
    // 4. Another fork, and enough stake will not come back to the last vote's.
    leaving.proof = switch_judge_.judge(forks_, votes_, last->block, best);
    if (config_.defects.no_switch_proof || proves(leaving.proof)) {
        return leave(SwitchReason::proof);
    }
    // 5. Bound to another fork. Standing on the heaviest here would leave this one without blocks,
    // although the votes that make it win may be on their way.
    if (voted.is_none() || config_.defects.resets_to_heaviest) {
        return {.stand = best, .bound = true};
    }
    const BlockIndex leaf =
        forks_.chain_valid(voted) ? forks_.heaviest_leaf(voted) : forks_.deepest_leaf(voted);
    return {.stand = leaf, .bound = true};
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
    if (!signing_ || listening_ || block == forks_.root() || (newest_ && !newest_is_durable_)) {
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
    if (!config_.defects.propagation_unchecked && !own_blocks_were_seen(block)) {
        return false;
    }
    return config_.defects.threshold_unchecked ||
           ((config_.defects.shallow_depth_unchecked ||
             depth_allows(block, shallow_depth, switch_share)) &&
            depth_allows(block, deep_depth, two_thirds));
}

bool TowerEngine::own_blocks_were_seen(BlockIndex block) const
{
    const auto seen_by_enough = [&](Stake seen, BlockIndex of) {
        return judging(of).is_more_than(seen, one_third);
    };
    BlockIndex own = block;
    do { // whoever votes above the newest own block has seen the older ones
        if (own == forks_.root() || forks_.parent(own) == forks_.root()) {
            return true;
        }
        own = forks_.parent(own);
    } while (notes_[own.value].author != self());
    if (seen_by_enough(forks_.judged_stake(Mark::vote, own), own)) {
        return true;
    }
    // Also those who have moved on to another fork since. Leaders count with their blocks: after a
    // split that bound everybody for a while each may have a block of its own on the chain that
    // nobody voted for, and without them all would wait for one another for ever.
    ValidatorSet seen;
    for (const ForkTree::Entry& entry : forks_.entries()) {
        if (entry.name.slot >= forks_.name(own).slot && forks_.descends(entry.index, own)) {
            seen.insert_all(forks_.exact_voters(entry.index));
            (void)seen.insert(notes_[entry.index.value].author);
        }
    }
    return seen_by_enough(judging(own).of(seen), own);
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
    const StakeTable& stakes = judging(block);
    const VoteTable::ForkState state{
        .forks = forks_, .block = block, .expires = !config_.defects.no_expiry};
    for (std::size_t i = 0; i < votes_.count(); ++i) {
        const ValidatorIndex who{static_cast<std::uint16_t>(i)};
        const std::optional<Slot> stands = votes_.stands_at(who, state);
        if (stands && *stands >= entry->slot) {
            sum += stakes.stake(who).value;
        }
    }
    return share == two_thirds ? is_quorum(Stake{sum}, stakes)
                               : stakes.is_more_than(Stake{sum}, share);
}

void TowerEngine::vote_for(const Choice& choice, Effects& effects)
{
    const BlockIndex block = choice.candidate;
    const BlockName name = forks_.name(block);
    const BlockName root_before = own_.root();
    const VoteRecord record =
        own_.vote(name, {.self = self(), .state_hash = notes_[block.value].state_hash});
    const JournalSequence sequence = next_sequence();
    newest_ = OwnStatement{.after = sequence, .vote = record.vote};
    newest_is_durable_ = false;
    said_this_slot_ = true;
    last_switch_ = choice.leaving;
    counters_.switches += choice.leaving ? 1U : 0U;
    standing_switch_.reset(); // from here on it stands on its last vote
    scratch_.clear();
    encode_tower_record(record, scratch_);
    effects.persist(sequence, scratch_);
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
    print.add(counter_.last() ? counter_.last()->value() : 0);
    for (const Slot slot : duplicates_) {
        print.add(slot.value);
    }
    for (const BlockName& chosen : chosen_ahead_) {
        print.add(chosen);
    }
    for (const OwnTower::Ballot& ballot : own_.ballots()) {
        print.add(ballot.block);
        print.add((ballot.settled ? 1U : 0U) | (ballot.lost ? 2U : 0U) |
                  (ballot.replaced ? 4U : 0U));
    }
    for (const Lockout& entry : own_.tower().entries()) {
        print.add(entry.confirmations);
    }
    for (const ForkTree::Entry& entry : forks_.entries()) {
        print.add(entry.name);
        print.add(forks_.subtree_stake(Mark::vote, entry.index).value);
        print.add(forks_.subtree_stake(Mark::root, entry.index).value);
        print.add(forks_.exact_stake(entry.index).value);
        print.add((forks_.valid(entry.index) ? 1U : 0U) |
                  (forks_.duplicate_confirmed(entry.index) ? 2U : 0U));
    }
    for (std::size_t i = 0; i < votes_.count(); ++i) {
        const ValidatorIndex who{static_cast<std::uint16_t>(i)};
        print.add(votes_.held(who) == nullptr ? BlockName{} : votes_.held(who)->block());
        print.add(votes_.waiting(who) == nullptr ? BlockName{} : votes_.waiting(who)->block());
    }
    return print.value();
}

} // namespace belfry::consensus
