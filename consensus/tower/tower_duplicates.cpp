// SPDX-License-Identifier: Apache-2.0
// Two blocks in one slot: neither is chosen until more than 52 % chose one, then the other goes.
#include "consensus/tower/tower_engine.hpp"

#include <algorithm>
#include <array>

namespace belfry::consensus {

void TowerEngine::on(const Duplicate& duplicate, Effects& effects)
{
    const Slot slot = duplicate.slot;
    const bool known = std::ranges::binary_search(duplicates_, slot);
    const std::optional<ValidatorIndex> leader = leader_of(slot);
    if (leader && !known) {
        effects.add(Accuse{.who = *leader,
                           .first = {.slot = slot, .id = duplicate.first},
                           .second = {.slot = slot, .id = duplicate.second}});
    }
    if (add_duplicate(slot)) {
        ++counters_.slots_duplicate;
        forks_.mark_duplicate(slot);
        decide(effects);
    }
}

bool TowerEngine::add_duplicate(Slot slot)
{
    const bool inside = slot > forks_.name(forks_.root()).slot && slot < window_end();
    if (!inside || config_.defects.duplicate_ignored ||
        std::ranges::binary_search(duplicates_, slot)) {
        return false;
    }
    duplicates_.insert(std::ranges::lower_bound(duplicates_, slot), slot);
    return true;
}

bool TowerEngine::is_known_duplicate(const BlockName& block) const
{
    // A version that comes after another was chosen proves the duplicate by itself.
    return !config_.defects.duplicate_ignored &&
           (std::ranges::binary_search(duplicates_, block.slot) || other_version_chosen(block));
}

void TowerEngine::count_exact(BlockIndex block, Effects& effects)
{
    const StakeTable& stakes = judging(block);
    const Stake voted = forks_.exact_stake(block);
    if (!forks_.duplicate_confirmed(block) && stakes.is_more_than(voted, duplicate_share) &&
        !config_.defects.duplicate_stays_invalid) {
        choose_version(block, effects);
    }
    if (!forks_.confirmed(block) && is_quorum(voted, stakes) && forks_.confirm(block)) {
        confirmed_ = std::max(confirmed_, forks_.name(block));
        effects.add(Commit{.level = Level::confirmed, .block = forks_.name(block)});
    }
}

void TowerEngine::count_waiting(const BlockName& named, Effects& effects)
{
    if (named.slot >= window_end() || std::ranges::binary_search(chosen_ahead_, named) ||
        chosen_ahead_.size() == chosen_ahead_max) {
        return; // what is above it, or a later vote, will tell again
    }
    const StakeTable& stakes = forks_.stakes().at(named.slot);
    if (!stakes.is_more_than(votes_.waiting_stake(named, stakes), duplicate_share)) {
        return;
    }
    chosen_ahead_.insert(std::ranges::lower_bound(chosen_ahead_, named), named);
    if (effects.has_room()) {
        effects.add(Want{.block = named});
    }
    purge_other_versions(named, effects);
}

void TowerEngine::choose_version(BlockIndex block, Effects& effects)
{
    if (config_.defects.ancestors_not_marked) {
        forks_.confirm_duplicate_alone(block);
        return;
    }
    std::erase(chosen_ahead_, forks_.name(block));
    // Below one that was chosen before, the other versions are gone.
    BlockIndex end = block;
    while (end != forks_.root() && !forks_.duplicate_confirmed(end)) {
        end = forks_.parent(end);
    }
    (void)forks_.confirm_duplicate(block);
    for (; block != end; block = forks_.parent(block)) {
        purge_other_versions(forks_.name(block), effects);
    }
}

void TowerEngine::purge_other_versions(const BlockName& chosen, Effects& effects)
{
    std::array<BlockName, ForkTree::versions_per_slot_max> wrong;
    std::size_t wrong_count = 0;
    for (const ForkTree::Entry& entry : forks_.versions(chosen.slot)) {
        const bool stays = entry.name == chosen || entry.index == forks_.root() ||
                           forks_.duplicate_confirmed(entry.index);
        if (!stays) {
            wrong[wrong_count++] = entry.name;
        }
    }
    if (wrong_count == 0 || config_.defects.wrong_version_kept) {
        return;
    }
    (void)add_duplicate(chosen.slot); // two versions held are the proof
    forks_.mark_duplicate(chosen.slot);
    if (config_.keeps_all_versions) {
        return;
    }
    for (std::size_t i = 0; i < wrong_count && effects.has_room(); ++i) {
        const BlockIndex block = forks_.find(wrong[i]);
        own_.replace(forks_, block);
        forks_.purge(block);
        ++counters_.versions_purged;
        effects.add(Purge{.block = wrong[i]});
    }
    if (forks_.find(stand_).is_none()) {
        stand_ = forks_.name(forks_.root()); // decide() moves it on
    }
}

} // namespace belfry::consensus
