// SPDX-License-Identifier: Apache-2.0
#pragma once
// own_tower.hpp: this validator's tower with the block that each vote names.
// Shapes   one ballot per entry. A ballot is settled once its block is known to be on the finalised
//          chain: the tree no longer holds it, but every block there descends from it. It is lost
//          once a final block is known to be on another fork, and replaced once more than 52 %
//          chose another version of its block or of one below it. Both still bind until they
//          expire, or, a lost one, until a certificate has made a block of its slot or of a
//          later one final.
// Rule     a block that the ledger does not hold binds until it expires; nothing is assumed of it.

#include "consensus/block_name.hpp"
#include "consensus/fork_tree.hpp"
#include "consensus/tower/tower.hpp"
#include "consensus/tower/tower_journal.hpp"

#include <optional>
#include <span>
#include <vector>

namespace belfry::consensus {

class OwnTower {
public:
    explicit OwnTower(const BlockName& finalized);

    struct Ballot {
        BlockName block;
        bool settled = false;
        bool lost = false;
        bool replaced = false;
    };
    [[nodiscard]] const Tower& tower() const { return tower_; }
    [[nodiscard]] std::span<const Ballot> ballots() const { return ballots_; }
    [[nodiscard]] const BlockName& root() const { return root_; }
    /// Newest vote that is still an entry.
    [[nodiscard]] std::optional<Ballot> last() const;
    /// The newest vote, when it was released and none has followed.
    [[nodiscard]] const std::optional<BlockName>& released() const { return released_; }
    /// Slots up to this one are spoken for.
    [[nodiscard]] Slot newest_slot() const;

    /// Every vote that still binds at the block is its ancestor, and so is the root.
    [[nodiscard]] bool allows(const ForkTree& forks, BlockIndex block) const;
    /// As allows, but asks only about the root, which binds for ever.
    [[nodiscard]] bool root_allows(const ForkTree& forks, BlockIndex block) const;

    struct Identity {
        ValidatorIndex self;
        Hash state_hash; // of the block
    };
    /// Votes for the block; gives what must be durable before the vote is sent.
    [[nodiscard]] VoteRecord vote(const BlockName& block, const Identity& identity);

    /// Takes the place of everything before.
    void restore(const VoteRecord& record);
    /// The ledger begins at this final block: votes at or below it are dropped, but for those that
    /// final_chain (the newest final blocks, rising; may be empty) shows to be on another fork.
    void begin_at(const BlockName& finalized, std::span<const BlockName> final_chain);
    /// The finalised chain reaches block, which the tree still holds with what is below.
    void settle(const ForkTree& forks, BlockIndex finalized);
    /// The root is on another fork than the block finalised: it goes back to where they part. The
    /// votes above it stay. Precondition: not agrees(forks, finalized).
    void roll_back_root(const ForkTree& forks, BlockIndex finalized);
    /// Votes on other forks up to the block finalised bind no more: what they bound against has
    /// been decided. If there are any the root moves to that block, so that everybody can see that
    /// the entries are gone by right. After settle() or begin_at().
    void release(const BlockName& finalized);
    /// The block is a wrong version, and held for the last time, with all that descends from it.
    void replace(const ForkTree& forks, BlockIndex wrong);
    /// Forgets the votes above slot, as a declared hard fork does, and the root if it is above.
    void discard_above(const BlockName& finalized, Slot slot);
    /// As a planted defect: what was rooted is forgotten.
    void forget_root(const BlockName& finalized) { root_ = finalized; }
    /// Whether the block finalised and the own root are on one chain.
    [[nodiscard]] bool agrees(const ForkTree& forks, BlockIndex finalized) const;

    /// Entries and ballots name the same slots.
    [[nodiscard]] bool consistent() const;

private:
    [[nodiscard]] bool is_ancestor(const Ballot& ballot, const ForkTree& forks,
                                   BlockIndex block) const;
    Tower tower_;
    std::vector<Ballot> ballots_;
    BlockName root_;
    std::optional<BlockName> released_;
};

} // namespace belfry::consensus
