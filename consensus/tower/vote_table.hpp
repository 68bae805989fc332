// SPDX-License-Identifier: Apache-2.0
#pragma once
// vote_table.hpp: what every validator was last heard to vote, and what that counts for.
// Shapes   a validator's newest tower on a held block is its mark in the fork tree. Towers are
//          replaced by newer ones only; the first of two values for one slot is its vote, the
//          second still counts toward a quorum for exactly that block.
// Bounds   per validator: one tower on a held block, one on a block not held yet, and one more
//          value named beside them. Votes for one slot count for at most two blocks.

#include "consensus/block_name.hpp"
#include "consensus/fork_tree.hpp"
#include "consensus/tower/tower_vote.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace belfry::consensus {

class VoteTable {
public:
    enum class Outcome : std::uint8_t {
        applied,  // the newest of its voter, on a held block
        counted,  // for exactly its block, but not the newest of its voter
        waiting,  // kept until its block arrives
        repeated, // nothing new
        old,      // at or below the root, or overtaken
        ignored,  // a third value for one slot
    };
    struct Heard {
        Outcome outcome = Outcome::repeated;
        BlockIndex counted = no_block;          // has one more exact voter
        bool wanted = false;                    // first to name a block that is not held
        std::optional<BlockName> contradicts{}; // the value the voter named before for this slot
    };

    void resize(std::size_t validator_count);
    [[nodiscard]] std::size_t count() const { return standings_.size(); }

    /// Precondition: vote.voter.value < count().
    Heard hear(const TowerVote& vote, ForkTree& forks);
    /// The block has arrived: applies what who had waiting for it.
    std::optional<Heard> arrive(ValidatorIndex who, BlockIndex block, ForkTree& forks);
    /// The root has moved up: what waits at or below it is forgotten.
    void follow_root(const ForkTree& forks);
    /// The tree was begun anew from a later root: all that was held waits for its block again.
    void wait_again(const ForkTree& forks);

    /// The stake of those who name a block that is not held, with their newest vote or beside it.
    [[nodiscard]] Stake waiting_stake(const BlockName& block, const StakeTable& stakes) const;
    /// Newest tower on a held block; nullptr if none. Valid until the next hear.
    [[nodiscard]] const TowerVote* held(ValidatorIndex who) const;
    [[nodiscard]] const TowerVote* waiting(ValidatorIndex who) const;
    /// What who stands at in the fork state of a block: the newest entry of its newest tower, after
    /// expiry at the block's slot, that is the block or an ancestor of it; or its root, if that is
    /// one. nullopt when there is none.
    struct ForkState {
        const ForkTree& forks;
        BlockIndex block;
        bool expires = true; // false only as a planted defect
    };
    [[nodiscard]] std::optional<Slot> stands_at(ValidatorIndex who, const ForkState& state) const;

private:
    struct Standing {
        std::optional<TowerVote> held;
        std::optional<TowerVote> waiting;
        std::optional<BlockName> other; // a second value, its block not held
    };
    Heard hear_held(const TowerVote& vote, BlockIndex block, ForkTree& forks);
    static void put_marks(const TowerVote& vote, BlockIndex block, ForkTree& forks);
    Heard hear_waiting(const TowerVote& vote, const ForkTree& forks);
    [[nodiscard]] bool anyone_names(const BlockName& block) const;
    /// The values other than vote's that its voter gave for the same slot.
    struct OtherValues {
        std::size_t count = 0;
        std::optional<BlockName> first{};
    };
    [[nodiscard]] static OtherValues other_values(const Standing& standing, const TowerVote& vote,
                                                  const ForkTree& forks);

    std::vector<Standing> standings_;
};

} // namespace belfry::consensus
