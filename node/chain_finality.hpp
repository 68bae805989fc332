// SPDX-License-Identifier: Apache-2.0
#pragma once
// chain_finality.hpp: which block is final, for a node that is further behind than the consensus
// engine's window reaches: from everybody's newest signed tower and the blocks it has replayed.
// Rule     the newest replayed block that validators with more than two thirds of the stake have
//          rooted: each of their towers ends in a replayed block whose chain, at or below the
//          tower's root slot, leads to it. The engine's rule for `finalized`, without its window.
// Bounds   one vote per validator; blocks_max blocks, the lowest slots are forgotten first.
// Threads  one owner, the consensus tile.

#include "base/bytes.hpp"
#include "consensus/stake_table.hpp"
#include "ledger/model/block_ref.hpp"

#include <map>
#include <optional>
#include <vector>

namespace belfry::node {

class ChainFinality {
public:
    static constexpr std::size_t blocks_max = 16'384;
    explicit ChainFinality(consensus::StakeTable stakes)
        : stakes_(std::move(stakes))
        , votes_(stakes_.count())
    {
    }

    void add_block(const ledger::BlockRef& block, const ledger::BlockRef& parent);
    [[nodiscard]] bool knows(const ledger::BlockRef& block) const
    {
        return parents_.contains(block);
    }
    struct Vote {
        ledger::BlockRef last; // the block voted for
        Slot root;
    };
    /// Precondition: voter is one of the stake table's.
    void note_vote(consensus::ValidatorIndex voter, const Vote& vote);
    [[nodiscard]] std::optional<ledger::BlockRef> final_block() const;
    /// Forgets blocks below it.
    void prune(Slot finalized);

private:
    /// The newest block at or below slot on the chain of block; nullopt where that is not known.
    [[nodiscard]] std::optional<ledger::BlockRef> at_or_below(ledger::BlockRef block,
                                                              Slot slot) const;

    consensus::StakeTable stakes_;
    std::map<ledger::BlockRef, ledger::BlockRef> parents_;
    std::vector<std::optional<Vote>> votes_;
};

} // namespace belfry::node
