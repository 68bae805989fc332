// SPDX-License-Identifier: Apache-2.0
#pragma once
// checker.hpp: the safety rules, watched from outside the nodes: it sees what leaves a machine and
// what is durable there, and trusts no engine's own state.
// Rules    T-S1 a sent tower is well formed
//          T-S2 no two votes of an honest validator on different forks where the later slot is at
//               or before the expiry of the earlier; never two blocks for one slot
//          T-S4 what is sent is durable; a restart begins at or above all that was ever sent
//          T-S5 finalised chains are prefixes of each other
//          T-S8 an honest leader makes one block in a slot
//          T-L1 a leader that is bound to a fork builds on that fork, unless another is final
//          T-S3 needs switch proofs: until then T-S2 is all that a change of fork must hold.

#include "base/bytes.hpp"
#include "consensus/block_name.hpp"
#include "consensus/sim/block_world.hpp"
#include "consensus/tower/tower_journal.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belfry::consensus::sim {

class Checker {
public:
    Checker(const BlockWorld& world, std::size_t instance_count);

    /// An instance that breaks rules on purpose: only what others do is checked.
    void excuse(std::size_t instance) { watched_.at(instance).honest = false; }

    /// Breaches of this rule are not reported, so that a test sees what follows from them.
    void unwatch(const std::string& rule) { unwatched_ = rule; }

    void vote_sent(std::size_t instance, ByteView body);
    void record_written(std::size_t instance, ByteView record);
    void record_durable(std::size_t instance, ByteView record);
    void restarted(std::size_t instance, const std::optional<BlockName>& last_vote);
    /// The engine asked for a block; holds_vote: its ledger has the block it voted for last.
    void block_asked(std::size_t instance, Slot slot, const BlockName& parent, bool holds_vote);
    void block_begun(std::size_t instance, Slot slot);
    void finalized(std::size_t instance, const BlockName& block);
    void broken(const std::string& what);

    [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
    [[nodiscard]] bool saw(std::string_view rule) const;
    /// Newest block that any honest instance called final.
    [[nodiscard]] const BlockName& newest_final() const { return newest_final_; }

private:
    struct Spoken {
        BlockName block;
        Slot expiry; // the latest that any sent tower gave it
    };
    struct Watched {
        bool honest = true;
        std::map<Slot, Spoken> votes;
        std::optional<VoteRecord> written; // maybe not synced
        std::optional<VoteRecord> durable;
        std::vector<Slot> begun; // blocks, in order
        BlockName final_block;
    };
    void check_lockouts(std::size_t instance, const TowerVote& vote);

    const BlockWorld& world_;
    std::vector<Watched> watched_;
    BlockName newest_final_;
    std::vector<std::string> violations_;
    std::string unwatched_;
};

} // namespace belfry::consensus::sim
