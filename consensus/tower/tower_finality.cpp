// SPDX-License-Identifier: Apache-2.0
// What became final, by certificates or by roots, and what follows for the tree and the own tower.
#include "consensus/tower/tower_engine.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace belfry::consensus {

void TowerEngine::follow_roots(Effects& effects)
{
    if (!forks_.take_roots_changed()) {
        return;
    }
    // What was super-rooted usually still is, so the search begins there.
    BlockIndex from = forks_.find(super_rooted_);
    const bool stands =
        !from.is_none() && quorum()(forks_.stakes(from), forks_.judged_stake(Mark::root, from));
    from = stands ? from : forks_.root();
    const BlockIndex newest = forks_.newest_above(from, Mark::root, quorum());
    const BlockName name = forks_.name(newest);
    const bool by_certificate = config_.certificates && newest == forks_.root();
    if (name <= super_rooted_ || by_certificate) {
        return;
    }
    super_rooted_ = name;
    effects.add(Commit{.level = Level::super_rooted, .block = name});
    if (!config_.certificates || config_.defects.roots_act) {
        make_final(newest, effects);
    }
}

/// With certificates the tree begins far above most roots: they are slots of the final chain then.
void TowerEngine::follow_final_roots(Effects& effects)
{
    std::vector<std::pair<Slot, Stake>> roots;
    const StakeTable& stakes = forks_.stakes(forks_.root());
    for (std::size_t i = 0; i < votes_.count(); ++i) {
        const ValidatorIndex who{static_cast<std::uint16_t>(i)};
        const TowerVote* held = votes_.held(who);
        if (held != nullptr && !forks_.marked(Mark::vote, who).is_none()) {
            roots.emplace_back(held->tower.root(), stakes.stake(who));
        }
    }
    std::ranges::sort(roots, std::greater<>(), &std::pair<Slot, Stake>::first);
    std::uint64_t sum = 0; // cannot overflow: the table's total did not
    for (const auto& [slot, stake] : roots) {
        sum += stake.value;
        if (!quorum()(stakes, Stake{sum})) {
            continue;
        }
        const auto above =
            std::ranges::upper_bound(final_chain_, slot, std::less<>(), &BlockName::slot);
        if (above != final_chain_.begin() && *std::prev(above) > super_rooted_) {
            super_rooted_ = *std::prev(above);
            effects.add(Commit{.level = Level::super_rooted, .block = super_rooted_});
        }
        return;
    }
}

/// The blocks above the old root up to the new one, rising.
void TowerEngine::note_final_chain(BlockIndex finalized)
{
    const std::size_t before = final_chain_.size();
    for (BlockIndex at = finalized; at != forks_.root(); at = forks_.parent(at)) {
        final_chain_.push_back(forks_.name(at));
    }
    std::ranges::reverse(final_chain_.begin() + static_cast<std::ptrdiff_t>(before),
                         final_chain_.end());
    if (final_chain_.size() > final_chain_max) {
        final_chain_.erase(final_chain_.begin(),
                           final_chain_.end() - static_cast<std::ptrdiff_t>(final_chain_max));
    }
}

void TowerEngine::finalize(const BlockName& block, Effects& effects)
{
    if (block.slot <= forks_.name(forks_.root()).slot) {
        return;
    }
    const BlockIndex held = forks_.find(block);
    if (!held.is_none()) {
        make_final(held, effects);
        decide(effects);
        return;
    }
    if (std::ranges::binary_search(awaited_finals_, block)) {
        return;
    }
    if (awaited_finals_.size() == awaited_finals_max) {
        // The low ones let a node that is far behind go on; of the high ones the newest is enough.
        ++counters_.finals_dropped;
        if (block < awaited_finals_.back()) {
            return;
        }
        awaited_finals_.pop_back();
    }
    awaited_finals_.insert(std::ranges::lower_bound(awaited_finals_, block), block);
    if (block.slot < window_end()) {
        effects.add(Want{.block = block});
    }
}

void TowerEngine::make_awaited_final(Effects& effects)
{
    for (std::size_t i = awaited_finals_.size(); i > 0; --i) { // the highest that is held
        const BlockIndex held = forks_.find(awaited_finals_[i - 1]);
        if (!held.is_none()) {
            make_final(held, effects);
            return;
        }
    }
}

void TowerEngine::make_final(BlockIndex finalized, Effects& effects)
{
    if (!forks_.frozen(finalized)) { // this node's replay differs from that of two thirds
        if (signing_) {
            stop_signing(FaultReason::final_block_invalid, effects);
        }
        return;
    }
    effects.add(Commit{.level = Level::finalized, .block = forks_.name(finalized)});
    if (!own_.agrees(forks_, finalized)) {
        if (config_.certificates) {
            ++counters_.roots_rolled_back;
        } else if (signing_) {
            stop_signing(FaultReason::root_conflicts, effects);
        }
    }
    move_root(finalized);
}

void TowerEngine::move_root(BlockIndex finalized)
{
    if (config_.certificates && !own_.agrees(forks_, finalized)) {
        own_.roll_back_root(forks_, finalized);
    }
    (void)forks_.confirm_duplicate(finalized); // the highest authority there is
    own_.settle(forks_, finalized);
    if (config_.certificates && !config_.defects.lost_votes_bind) {
        own_.release(forks_.name(finalized));
    }
    forks_.confirm(finalized);
    confirmed_ = std::max(confirmed_, forks_.name(finalized));
    if (config_.certificates) {
        note_final_chain(finalized);
    } else {
        super_rooted_ = std::max(super_rooted_, forks_.name(finalized));
    }
    forks_.prune(finalized);
    votes_.follow_root(forks_);
    const Slot root = forks_.name(finalized).slot;
    forget_through(root);
    if (forks_.find(stand_).is_none()) {
        stand_ = forks_.name(finalized); // decide() moves it on
    }
}

void TowerEngine::prune(const BlockName& finalized)
{
    if (finalized.slot <= forks_.name(forks_.root()).slot) {
        return;
    }
    const BlockIndex held = forks_.find(finalized);
    if (!held.is_none()) {
        move_root(held);
        undecided_ = true;
        return;
    }
    const StakeBook stakes = forks_.stakes();
    forks_ = ForkTree(finalized, config_.blocks_max);
    forks_.set_stakes(stakes);
    votes_.wait_again(forks_);
    own_.begin_at(finalized, {});
    stand_ = finalized;
    confirmed_ = std::max(confirmed_, finalized);
    super_rooted_ = std::max(super_rooted_, finalized);
    forget_through(finalized.slot);
    undecided_ = true;
}

void TowerEngine::forget_through(Slot slot)
{
    const auto below = [&](const BlockName& block) {
        return block.slot <= slot;
    };
    std::erase_if(awaited_finals_, below);
    std::erase_if(chosen_ahead_, below);
    std::erase_if(duplicates_, [&](Slot duplicate) { return duplicate <= slot; });
}

} // namespace belfry::consensus
