// SPDX-License-Identifier: Apache-2.0
#pragma once
// switch_proof.hpp: who will not come back to the last vote's fork in time, so that leaving it for
// another is allowed.
// Rule     of the last vote L and the block B to go to; each voter counts once, if
//          (a) some leaf C, which is not L and not below L, and whose common ancestor with L is an
//          ancestor of B, has it locked in its fork state: its newest tower, expired at C's slot,
//          has an entry that is C or an ancestor of C, begins above the root and at no ancestor of
//          L, and binds at L's slot; or
//          (b) its newest vote is above L's slot, for a block that is not L or below L, and whose
//          common ancestor with L is an ancestor of B.
//          The proof holds for more than 38 % of the stake of B's epoch.
//          Without the last half of (b) votes for another branch of L's own side of the fork would
//          count against that side, and less than 5 % of rule breakers could undo `confirmed`.
//          While L is not held nothing is known of its ancestors but that no held block descends
//          from it. Then only (b) for blocks on B's own chain counts.

#include "consensus/fork_tree.hpp"
#include "consensus/tower/vote_table.hpp"
#include "consensus/validator_index.hpp"

#include <vector>

namespace belfry::consensus {

struct SwitchProof {
    Stake stake;
    Stake total;
    ValidatorSet voters;
    [[nodiscard]] bool holds() const { return is_more_than(stake, total, switch_share); }
};

struct SwitchDefects {
    bool counts_old_votes = false;   // (b) also for votes not above L
    bool counts_own_side = false;    // (b) without its last half
    bool counts_voter_twice = false; // once for (a), once for (b)
    bool wrong_epoch = false;        // the stakes of the root's epoch
};

class SwitchJudge {
public:
    explicit SwitchJudge(const SwitchDefects& defects)
        : defects_(defects)
    {
    }
    /// From last, which is not on to's chain, to the block `to`.
    [[nodiscard]] SwitchProof judge(const ForkTree& forks, const VoteTable& votes,
                                    const BlockName& last, BlockIndex to);

private:
    struct Fork {
        const ForkTree& forks;
        const VoteTable& votes;
        BlockIndex last;
        BlockIndex to;
    };
    void find_leaves(const Fork& fork);
    [[nodiscard]] bool is_locked(const Fork& fork, ValidatorIndex who) const;
    [[nodiscard]] bool voted_elsewhere(const Fork& fork, ValidatorIndex who) const;
    [[nodiscard]] static bool voted_on_chain(const ForkTree& forks, ValidatorIndex who,
                                             const BlockName& last, BlockIndex to);

    SwitchDefects defects_;
    std::vector<BlockIndex> leaves_; // that (a) may look at
};

} // namespace belfry::consensus
