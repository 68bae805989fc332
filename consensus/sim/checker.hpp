// SPDX-License-Identifier: Apache-2.0
#pragma once
// checker.hpp: the safety rules, watched from outside the nodes: it sees what leaves a machine and
// what is durable there, and trusts no engine's own state.
// Rules    T-S1 a sent tower is well formed
//          T-S2 no two votes of an honest validator on different forks where the later slot is at
//               or before the expiry of the earlier; never two blocks for one slot; never back.
//               Beside certificates a final block releases the votes up to it on other forks
//          T-S3 a vote leaves the fork of the one before only with a recorded reason; of a switch
//               proof the stake is summed again, and each voter must have been heard there
//          T-S4 what is sent is durable; a restart begins at or above all that was ever sent, root
//          and votes; a block is begun after the record that forbids another
//          T-S5 finalised chains are prefixes of each other
//          T-S5' confirmed blocks are on one chain, with the finalised ones, unless more than 5 of
//               100 break rules (only where the engine asks for switch proofs)
//          C-S1 to C-S5: see certificate_checker.hpp; they are watched here too
//          T-S7 no vote above a version of a slot known to have two, unless more than 52 % were
//               heard to vote for that version or above it
//          T-S8 an honest leader makes one block in a slot
//          T-S9 of the entries with 4 and with 8 newer ones that a vote deepens, more than 38 % and
//               more than 2/3 were heard to vote for them or above them
//          T-L1 a leader that is bound to a fork builds on that fork, unless another is final
//          EV   nobody honest is accused
// Besides  local roots on different forks are counted, not forbidden: they are not final.

#include "base/bytes.hpp"
#include "consensus/block_name.hpp"
#include "consensus/engine.hpp"
#include "consensus/sim/block_world.hpp"
#include "consensus/sim/certificate_checker.hpp"
#include "consensus/stake_table.hpp"
#include "consensus/tower/tower_engine.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace belfry::consensus::sim {

class Checker {
public:
    Checker(const BlockWorld& world, const StakeTable& stakes,
            std::vector<ValidatorIndex> validator_of_machine);

    /// A machine that breaks rules on purpose: only what others do is checked.
    void excuse(std::size_t machine);
    [[nodiscard]] bool honest(std::size_t machine) const { return watched_[machine].honest; }
    /// Breaches of this rule are not reported, so that a test sees what follows from them.
    void unwatch(const std::string& rule) { unwatched_ = rule; }
    /// The engine asks for switch proofs, so that confirmed blocks stand against a few liars.
    void watch_confirmed(bool yes) { watches_confirmed_ = yes; }
    void let_certificates_release(bool yes) { certificates_release_ = yes; }

    struct Sent {
        StatementKind kind;
        ByteView body;
        JournalSequence after;
        ByteView record; // of the journal at `after`; empty when that is not durable
    };
    /// The engine asked to send it.
    void statement_asked(std::size_t machine, StatementKind kind, ByteView body);
    /// The vote asked for next leaves the fork of the one before for that reason, or does not.
    void fork_chosen(std::size_t machine, ByteView vote_body,
                     const std::optional<ForkSwitch>& recorded);
    /// The machine holds proof of two blocks in that slot.
    void duplicate_known(std::size_t machine, Slot slot);
    /// A vote for that block reached the machine.
    void vote_heard(std::size_t machine, ValidatorIndex voter, BlockNumber block);
    void hard_forked(std::size_t machine, Slot slot);
    /// What certificates are made of leaves the machine, be it a lie.
    void statement_counted(std::size_t machine, StatementKind kind, ByteView body);
    /// It leaves the machine.
    void statement_sent(std::size_t machine, const Sent& statement);
    void restarted(std::size_t machine, const EngineStatus& status);
    /// The engine asked for a block; holds_vote: its ledger has the block it voted for last.
    void block_asked(std::size_t machine, Slot slot, const BlockName& parent, bool holds_vote);
    /// durable: the record that the engine named is.
    void block_begun(std::size_t machine, Slot slot, bool durable);
    void committed(std::size_t machine, Level level, const BlockName& block);
    void accused(ValidatorIndex who);
    void record_durable(std::size_t machine, ByteView record);
    void broken(const std::string& what);

    [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
    [[nodiscard]] bool saw(std::string_view rule) const;
    /// Newest block that any honest machine called final.
    [[nodiscard]] const BlockName& newest_final() const { return world_.get(final_).name; }
    [[nodiscard]] const ValidatorSet& all_accused() const { return accused_; }
    [[nodiscard]] std::uint64_t confirmed_conflicts() const { return confirmed_.conflicts; }
    [[nodiscard]] std::uint64_t root_conflicts() const { return rooted_.conflicts; }
    /// Stake of the excused.
    [[nodiscard]] Stake excused() const { return stakes_.of(excused_); }

private:
    struct Spoken {
        BlockNumber block = 0;
        Slot expiry; // the latest that any sent tower gave it
    };
    struct Watched {
        bool honest = true;
        std::map<Slot, Spoken> votes; // that still bind, and are not below the root
        std::optional<BlockNumber> root;
        std::map<Slot, Spoken> rooted;   // it and below: no vote off the root can be on their fork
        std::optional<BlockName> newest; // sent
        Slot newest_root;                // of the tower sent with it, unless rolled back since
        std::optional<TowerVote> asked;  // newest, maybe not sent
        std::optional<TowerVote> durable;
        std::optional<Slot> fork; // declared, and not yet in the journal
        Slot begun;
        std::vector<std::array<BlockNumber, 4>> heard; // by validator: newest votes, any order
        std::vector<ValidatorSet> voters; // by block: who was ever heard to vote for it
        std::set<Slot> duplicates;
        BlockNumber final_block = 0;
    };
    /// Ends of the chains that some level reached: one, unless forks conflict.
    struct Chains {
        std::vector<BlockNumber> ends;
        std::uint64_t conflicts = 0;
    };
    void check_tower_vote(std::size_t machine, const TowerVote& vote);
    /// What a vote that is asked for needs to have been heard first.
    void check_support(std::size_t machine, const TowerVote& vote, const TowerVote* before);
    [[nodiscard]] Stake heard_above(std::size_t machine, BlockNumber block) const;
    void root_votes(Watched& watched) const;
    void release_votes(Watched& watched, Slot root) const;
    static void unroot(Watched& watched);
    void check_record(std::size_t machine, const TowerVote& vote, ByteView record);
    /// False when it is on another fork than what came before.
    bool extend(Chains& chains, BlockNumber block);
    void finalized(std::size_t machine, BlockNumber block);
    [[nodiscard]] BlockNumber ancestor_at(BlockNumber block, Slot slot) const;

    const BlockWorld& world_;
    const StakeTable& stakes_;
    std::vector<ValidatorIndex> validator_of_machine_;
    std::vector<Watched> watched_;
    CertificateChecker certificates_;
    ValidatorSet excused_;
    ValidatorSet accused_;
    struct Course {
        BlockNumber from = 0;
        BlockNumber to = 0;
    };
    void check_proof(std::size_t machine, const ForkSwitch& recorded, const Course& course);
    Chains confirmed_;
    Chains rooted_;
    BlockNumber final_ = 0;
    bool watches_confirmed_ = false;
    bool certificates_release_ = false;
    std::vector<std::string> violations_;
    std::string unwatched_;
};

} // namespace belfry::consensus::sim
