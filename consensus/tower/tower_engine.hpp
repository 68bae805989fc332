// SPDX-License-Identifier: Apache-2.0
#pragma once
// tower_engine.hpp: Tower BFT behind the Engine interface: fork choice, lockouts, thresholds,
// roots, and the levels that follow from everybody's votes.
// Rules    choose() holds the five cases of what to stand on and whether to vote.
//          A vote needs: newer than the last one; every vote that still binds is an ancestor of the
//          block; the stake that would be locked in agrees, more than 38 % at index 4 and more than
//          2/3 at index 8 (or the entry there is as deep as it was before this vote); and of this
//          node's own earlier blocks on the chain the newest was voted for, or built on, by more
//          than 1/3. For a block on another fork also a switch proof (switch_proof.hpp), or that
//          another version of a block on the old fork was chosen, or that a final block lies
//          elsewhere.
//          Two blocks in a slot: all versions are invalid until more than 52 % voted for exactly
//          one of them, or for exactly one block above it; then the others are purged.
//          Each block is judged with the stakes of its own slot's epoch.
//          confirmed: more than 2/3 voted for exactly this block. super_rooted: more than 2/3
//          rooted; it is final where there are no certificates, else it is told and acts on
//          nothing, and finality comes through finalize().
// Bounds   blocks in (finalized, finalized + slots_max], blocks_max of them. Per validator: the
//          newest tower on a held block, the newest on one not held, one more value for its slot.
//          awaited_finals_max final blocks not held yet, chosen_ahead_max chosen versions not held.
//          One own vote is under way to the disk at a time.
// Errors   nothing from the network fails; what is not used is counted in TowerCounters.

#include "base/bytes.hpp"
#include "consensus/engine.hpp"
#include "consensus/fork_tree.hpp"
#include "consensus/journal_counter.hpp"
#include "consensus/stake_table.hpp"
#include "consensus/tower/own_tower.hpp"
#include "consensus/tower/switch_proof.hpp"
#include "consensus/tower/tower_vote.hpp"
#include "consensus/tower/vote_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace belfry::consensus {

/// Rules taken out on purpose, to show that the tests see it. All false in every real node.
struct TowerDefects {
    bool quorum_is_at_least = false;      // >= for > at two thirds
    bool lockout_unchecked = false;       // votes across forks at any time
    bool no_threshold_escape = false;     // depth checks ask again for what was granted
    bool threshold_unchecked = false;     // no depth checks at all
    bool shallow_depth_unchecked = false; // none at index 4
    bool no_expiry = false;               // depth checks count votes that have expired
    bool wrong_epoch = false;             // the stakes of the root's epoch judge every block
    bool resets_to_heaviest = false;      // stands on the heaviest fork while bound to another
    bool journal_not_replayed = false;    // starts with an empty tower
    bool root_not_persisted = false;      // forgets what it has rooted
    bool propagation_unchecked = false;   // extends own blocks that nobody saw
    bool no_switch_proof = false;         // expired lockouts are enough
    bool switch_at_38_exactly = false;    // >= for >
    bool old_votes_switch = false;        // votes older than the last one prove something
    bool own_side_switches = false;       // so do votes for another branch of the own side
    bool voter_counted_twice = false;     // once as locked, once as newer
    bool duplicate_ignored = false;       // versions of one slot compete like forks
    bool duplicate_stays_invalid = false; // 52 % change nothing
    bool ancestors_not_marked = false;    // 52 % help the block, not those below it
    bool sibling_rule_ignored = false;    // a chosen other version is no reason to leave
    bool wrong_version_kept = false;      // no purge
    bool roots_act = false;               // the super-majority root finalises beside certificates
    bool no_refresh = false;              // a vote is said once
    bool lost_votes_bind = false;         // though a certificate decided for another fork
};

struct TowerConfig {
    std::optional<ValidatorIndex> self{}; // none: follows, never votes or builds
    BlockName finalized{};                // the ledger's newest final block; genesis at first
    /// Final blocks up to `finalized`, rising, as far back as the ledger holds them; may be empty.
    /// With it a restart still honours old votes for a fork that lost.
    std::vector<BlockName> final_chain{};
    /// A journal was found, or the operator said that this identity is new. Else nothing is signed.
    bool may_sign = false;
    /// Until begin_signing() only what was said before is said again: others may remember more of
    /// this validator than its journal does.
    bool listens_first = false;
    /// Finality comes from certificates, through finalize(). Else from more than 2/3 of roots.
    bool certificates = false;
    /// Versions of a slot other than the one chosen by votes stay held: a certificate may yet make
    /// one of them the base, and leaders must be able to build on it.
    bool keeps_all_versions = false;
    /// Slots above `finalized` of which the ledger holds proof of two blocks.
    std::vector<Slot> duplicate_slots{};
    /// All validators agreed to go on from this slot, whatever was voted above it: the first start
    /// with it discards what the tower holds above, and writes that down.
    std::optional<Slot> hard_fork{};
    std::uint64_t slots_max = 1024;
    std::size_t blocks_max = 2048;
    TowerDefects defects{};
};

struct TowerCounters {
    std::uint64_t votes_applied = 0;
    std::uint64_t votes_repeated = 0;  // a refresh, or a copy
    std::uint64_t votes_old = 0;       // at or below finalized, or older than what is known
    std::uint64_t votes_waiting = 0;   // for a block not held
    std::uint64_t votes_malformed = 0; // body refused, or voter is not the sender
    std::uint64_t votes_unknown_voter = 0;
    std::uint64_t votes_equivocating = 0;
    std::uint64_t blocks_outside_window = 0;
    std::uint64_t blocks_unknown_parent = 0;
    std::uint64_t blocks_refused = 0; // full, too many versions, not above its parent
    std::uint64_t blocks_repeated = 0;
    std::uint64_t builds_refused = 0;
    std::uint64_t roots_rolled_back = 0; // own roots on a fork that a certificate decided against
    std::uint64_t switches = 0;          // votes for another fork than the vote before
    std::uint64_t slots_duplicate = 0;
    std::uint64_t versions_purged = 0;
    std::uint64_t finals_dropped = 0; // too many final blocks waited to be held
};

inline constexpr std::size_t awaited_finals_max = 64;
inline constexpr std::size_t final_chain_max = 1024;
inline constexpr std::size_t chosen_ahead_max = 64;

/// Why a vote may leave the fork of the one before it.
enum class SwitchReason : std::uint8_t {
    proof,             // more than 38 % will not come back to it in time
    sibling_confirmed, // another version of a block on it was chosen
    final_elsewhere,   // a final block is on another fork
};
struct ForkSwitch {
    BlockName from; // the last vote
    BlockName to;
    SwitchReason reason = SwitchReason::proof;
    SwitchProof proof{}; // empty but for reason proof
};

class TowerEngine final : public Engine {
public:
    /// shared: the counter of the journal, where other parts of an engine write to it too; it
    /// outlives this.
    explicit TowerEngine(const TowerConfig& config, JournalCounter* shared = nullptr);

    void step(Tick now, const Input& input, Effects& effects) override;
    [[nodiscard]] Result<void, RestoreError>
    restore(std::span<const JournalRecord> records) override;
    void begin_signing() override;
    void prune(const BlockName& finalized) override;
    [[nodiscard]] Slot window_end() const override;
    [[nodiscard]] Slot slot_limit() const override;
    [[nodiscard]] EngineStatus status() const override;
    void count(std::vector<NamedCount>& out) const override;
    [[nodiscard]] std::uint64_t digest() const override;
    [[nodiscard]] std::optional<std::string_view> check() const override;

    /// A final certificate names this block: the tree is pruned to it and forks are chosen below it
    /// only. Own votes up to it on other forks bind no more, those above it do; an own root
    /// elsewhere is rolled back and counted. A block not held is wanted, and becomes final when it
    /// comes; Commit{finalized} is said then.
    void finalize(const BlockName& block, Effects& effects);
    /// What this node builds is built in this block's subtree: on the block stood on if it lies
    /// there, else on the heaviest leaf there. While the base is not held, or not below the slot to
    /// build, nothing is built. Voting is not restricted.
    void set_base(const BlockName& base) { base_ = base; }
    /// From now on nothing is signed.
    void stop() { signing_ = false; }
    [[nodiscard]] bool may_sign() const { return signing_; }
    /// A step of which the caller has read the vote already.
    void hear(const VoteMessage& message, const Result<TowerVote, TowerVoteError>& vote,
              Effects& effects);

    /// How the newest vote left the fork of the one before; nullopt when it did not.
    [[nodiscard]] const std::optional<ForkSwitch>& last_switch() const { return last_switch_; }
    /// Why this node stands off its last vote's fork; nullopt while it does not.
    [[nodiscard]] const std::optional<ForkSwitch>& standing_switch() const
    {
        return standing_switch_;
    }
    [[nodiscard]] const TowerCounters& counters() const { return counters_; }
    [[nodiscard]] const OwnTower& own() const { return own_; }
    [[nodiscard]] const ForkTree& forks() const { return forks_; }

private:
    struct OwnStatement {
        JournalSequence after;
        TowerVote vote;
    };
    struct Choice {
        BlockIndex stand = no_block;     // reset to it, build on it
        BlockIndex candidate = no_block; // vote for it if the checks pass
        bool bound = false;              // to another fork than the heaviest
        std::optional<ForkSwitch> leaving{};
    };
    struct Note {
        Hash state_hash;
        ValidatorIndex author;
    };
    struct Led {
        Slot first_slot;
        std::vector<ValidatorIndex> windows;
    };

    void on(const VoteMessage& message, Effects& effects);
    void on(const FirstShred& first, Effects& effects);
    void on(const Ready& ready, Effects& effects);
    void on(const Duplicate& duplicate, Effects& effects);
    void on(const Timer& timer, Effects& effects);
    void on(const Persisted& persisted, Effects& effects);
    void on(const EpochInfo& epoch, Effects& effects);

    [[nodiscard]] Result<void, RestoreError> restore_record(const JournalRecord& record);
    /// False when nothing changed by it.
    bool hear(const TowerVote& vote, Effects& effects);
    void account(ValidatorIndex who, const BlockName& named, const VoteTable::Heard& heard,
                 Effects& effects);
    void count_exact(BlockIndex block, Effects& effects);
    void count_waiting(const BlockName& named, Effects& effects);
    void choose_version(BlockIndex block, Effects& effects);
    void purge_other_versions(const BlockName& chosen, Effects& effects);
    [[nodiscard]] bool is_known_duplicate(const BlockName& block) const;
    void refresh(Effects& effects);
    void build(Slot slot, Effects& effects);
    /// Precondition: signing_, which needs an identity.
    [[nodiscard]] ValidatorIndex self() const { return config_.self.value_or(ValidatorIndex{}); }
    [[nodiscard]] std::optional<ValidatorIndex> leader_of(Slot slot) const;
    [[nodiscard]] ForkTree::ShareTest quorum() const;
    [[nodiscard]] bool is_quorum(Stake part, const StakeTable& stakes) const;
    [[nodiscard]] const StakeTable& judging(BlockIndex block) const;

    void begin(Effects& effects);
    void discard_above(Slot slot);
    bool add_duplicate(Slot slot);
    void want_last_vote(Effects& effects) const;
    void decide(Effects& effects);
    void decide_if_changed(Effects& effects);
    void follow_roots(Effects& effects);
    void make_final(BlockIndex finalized, Effects& effects);
    void follow_final_roots(Effects& effects);
    void note_final_chain(BlockIndex finalized);
    void make_awaited_final(Effects& effects);
    void move_root(BlockIndex finalized);
    void forget_through(Slot slot);
    [[nodiscard]] std::optional<BlockName> parent_for(Slot slot) const;
    [[nodiscard]] Choice choose() const;
    [[nodiscard]] bool sibling_was_chosen(const OwnTower::Ballot& last) const;
    [[nodiscard]] bool other_version_chosen(const BlockName& block) const;
    [[nodiscard]] bool proves(const SwitchProof& proof) const;
    void stand_on(BlockIndex block, Effects& effects);
    [[nodiscard]] bool may_vote_for(BlockIndex block) const;
    [[nodiscard]] bool depth_allows(BlockIndex block, std::size_t depth, Fraction share) const;
    [[nodiscard]] bool own_blocks_were_seen(BlockIndex block) const;
    [[nodiscard]] JournalSequence next_sequence();
    void vote_for(const Choice& choice, Effects& effects);
    void stop_signing(FaultReason why, Effects& effects);

    TowerConfig config_;
    bool signing_;
    bool listening_;
    ForkTree forks_;
    std::vector<Note> notes_; // by BlockIndex
    VoteTable votes_;
    OwnTower own_;
    std::optional<OwnStatement> newest_; // repeated until there is a newer one
    bool newest_is_durable_ = false;
    bool said_this_slot_ = false;
    JournalCounter own_counter_;
    JournalCounter& counter_;
    Slot built_; // newest slot this node began to build
    BlockName stand_;
    BlockName confirmed_;
    BlockName super_rooted_;
    std::vector<BlockName> final_chain_; // the newest final blocks, rising; with certificates
    std::optional<BlockName> base_;
    std::vector<BlockName> awaited_finals_; // sorted; final, but not held yet
    std::vector<Slot> duplicates_;          // sorted; above finalized
    std::vector<BlockName> chosen_ahead_;   // sorted; more than 52 % named it, but it is not held
    mutable SwitchJudge switch_judge_;      // its room to work in
    std::optional<ForkSwitch> last_switch_;
    std::optional<ForkSwitch> standing_switch_;
    std::optional<Slot> fork_declared_; // by the newest record that says so
    bool begun_ = false;
    bool undecided_ = true; // a vote heard may change what to do, though fork choice stays
    std::array<std::optional<Led>, 2> led_; // by epoch modulo 2
    Bytes scratch_;
    TowerCounters counters_;
};

[[nodiscard]] std::unique_ptr<Engine> make_tower(const TowerConfig& config);

} // namespace belfry::consensus
