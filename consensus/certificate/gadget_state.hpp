// SPDX-License-Identifier: Apache-2.0
#pragma once
// gadget_state.hpp: private to the gadget: what it remembers, in three files of rules.
// Shapes   a ring of slots [low, low + slots_max); index is slot modulo slots_max. What is said of
//          most slots at most times is nothing, so the votes of a slot come from a pool that grows
//          to what was needed at once and is used again; a skip range is kept once, by its voter.
// Bounds   a slot's votes are about 210 bytes for each validator; the ring alone 300 a slot.

#include "consensus/certificate/gadget.hpp"

#include <span>

namespace belfry::consensus {

inline constexpr std::uint16_t no_candidate = UINT16_MAX;

/// A block id that somebody notarized.
struct Candidate {
    Hash id;
    Stake stake;
    ValidatorSet voters;
    bool certified = false;
};

struct HeldBlock {
    BlockName name;
    BlockName parent;
    bool valid = true;
};

struct SlotVotes {
    using Pair = std::array<std::uint16_t, 2>;
    std::vector<Pair> choices; // candidates, by voter
    std::vector<std::array<Signature, 2>> notarizations;
    std::vector<Signature> finals;
    std::array<ValidatorSet, 2> notarization_signed; // who signed the first and the second choice
    ValidatorSet final_signed;
    std::vector<Candidate> candidates; // at most two for each voter
    std::array<HeldBlock, CertificateGadget::versions_per_slot_max> blocks{};
    std::size_t block_count = 0;
    ValidatorSet accused;

    void clear(std::size_t voter_count);
    [[nodiscard]] std::span<const HeldBlock> held() const { return {blocks.data(), block_count}; }
    [[nodiscard]] const HeldBlock* find(const Hash& id) const;
};

/// What was said here, with the records that allow it.
struct OwnSlot {
    bool notarized = false;
    bool skipped = false;
    bool finalized = false;
    bool skip_due = false; // to be said when there is room
    Hash id;
    std::optional<JournalSequence> notarized_after{};
    std::optional<JournalSequence> skipped_after{};
    std::optional<JournalSequence> finalized_after{};
};

struct SlotState {
    ValidatorSet skip_voters;
    ValidatorSet final_voters;
    Stake skip_stake;
    Stake final_stake;
    std::uint16_t notarized = no_candidate; // the one with a certificate
    bool skip_certified = false;
    bool final_certified = false;
    bool first_shred = false;
    Tick skip_certified_at;
    OwnSlot own;
    std::unique_ptr<SlotVotes> votes; // none while nobody named a block here
};

struct SignedRange {
    Slot first;
    Slot last;
    Signature signature;
};

struct CertificateGadget::State {
    State(const GadgetConfig& gadget_config, JournalCounter& journal_counter);

    // ---- slots (gadget.cpp) -----------------------------------------------------------------
    [[nodiscard]] bool in_window(Slot slot) const
    {
        return slot.value - low < config.slots_max && slot.value >= low;
    }
    [[nodiscard]] SlotState& at(Slot slot) { return ring[slot.value & (config.slots_max - 1)]; }
    [[nodiscard]] const SlotState& at(Slot slot) const
    {
        return ring[slot.value & (config.slots_max - 1)];
    }
    [[nodiscard]] Slot end() const { return Slot{low + config.slots_max}; }
    [[nodiscard]] SlotVotes& votes_of(SlotState& slot);
    void release(SlotState& slot);
    void slide(Slot finalized_slot);
    [[nodiscard]] const HeldBlock* held(const BlockName& block) const;
    [[nodiscard]] bool is_notarized(const BlockName& block) const;
    [[nodiscard]] bool hopeful(Tick at_tick, const BlockName& block, std::uint64_t chance_ns) const;
    [[nodiscard]] const StakeTable& table(Slot slot) const;
    [[nodiscard]] bool is_quorum(const StakeTable& stakes, Stake part) const;
    [[nodiscard]] Tick in(std::uint64_t ms) const;
    /// Precondition: this node is a validator.
    [[nodiscard]] ValidatorIndex self() const;

    // ---- counting (gadget_count.cpp) --------------------------------------------------------
    void hear(const VoteMessage& message, Effects& effects);
    void hear_own(const Statement& statement, const Signature& signature, Effects& effects);
    /// An own statement has no signature here until it comes back.
    void count(const Statement& statement, const Signature* signature, Effects& effects);
    void count_notarize(const Statement& statement, const Signature* signature, Effects& effects);
    void count_skip(const Statement& statement, const Signature* signature, Effects& effects);
    void count_finalize(const Statement& statement, const Signature* signature, Effects& effects);
    [[nodiscard]] static std::uint16_t candidate_for(SlotVotes& votes, const Hash& id);
    [[nodiscard]] static std::optional<std::size_t> place_for(const SlotVotes& votes,
                                                              std::size_t voter, const Hash& id);
    void keep_range(const Statement& statement, const Signature& signature);
    [[nodiscard]] const SignedRange* range_over(ValidatorIndex voter, Slot slot) const;
    void expose_notarizations(Slot slot, ValidatorIndex voter, Effects& effects);
    void expose_final_and_skip(Slot slot, ValidatorIndex voter, Effects& effects);
    void recount(Effects& effects);
    void count_own(Effects& effects);

    void notarization_formed(Slot slot, std::uint16_t candidate, Effects& effects);
    void skip_formed(Slot slot, Effects& effects);
    void final_formed(Slot slot, Effects& effects);
    void settle(Slot slot, Effects& effects);
    void conflict(Slot slot, Slot other, Effects& effects);
    void keep_certificates(Slot slot);
    void stop(FaultReason why, Effects& effects);
    void move_base(const BlockName& block);

    // ---- own statements (gadget_rules.cpp) --------------------------------------------------
    /// Does what is due, as far as there is room. Ends every step.
    void act(Effects& effects);
    [[nodiscard]] bool speaks() const { return signing && !listening; }
    [[nodiscard]] bool can_say(const Effects& effects) const;
    JournalSequence say(const Statement& statement, Effects& effects);
    /// Precondition: it was said, and so has a record.
    void repeat(std::optional<JournalSequence> after, const Statement& statement,
                Effects& effects) const;
    [[nodiscard]] bool parent_ready(const HeldBlock& block, Slot last_unskipped) const;
    void notarize_what_is_ready(Effects& effects);
    [[nodiscard]] const HeldBlock* choose(Slot slot, Slot last_unskipped) const;
    void finalize_what_is_notarized(Effects& effects);
    void skip_later(Slot slot);
    void say_skips(Effects& effects);
    struct OwnRun {
        Statement statement;
        std::optional<JournalSequence> after; // the newest record of what was said already
    };
    /// Precondition: the slot was skipped here, or with_due is to be.
    [[nodiscard]] OwnRun skip_run(Slot slot, bool with_due) const;
    void pass_over(const BlockName& base_before);
    void tick(Slot slot, Effects& effects);
    void look_at_deadlines();
    void refresh(Effects& effects);
    void restore_own(const Statement& statement, JournalSequence after, const Certificate* votes);
    [[nodiscard]] bool denies(const Statement& statement) const;

    // ---- what others may lack (gadget_relay.cpp) --------------------------------------------
    struct Relaying {
        StatementKind kind;
        Slot slot;
        Tick due;
        std::uint16_t next_peer = 0;
    };
    void relay_later(StatementKind kind, Slot slot);
    void relay(Effects& effects);
    [[nodiscard]] bool lacks(std::size_t peer, Slot slot) const;
    /// False when there was no room.
    bool send_bundles(StatementKind kind, Slot slot, std::optional<ValidatorIndex> to,
                      Effects& effects);
    /// Appends who signed it; block.id is for notarize only.
    void collect(StatementKind kind, const BlockName& block,
                 std::vector<SignedStatement>& out) const;
    /// As collect, with the id of the slot's certificate.
    void collect_certified(StatementKind kind, Slot slot, std::vector<SignedStatement>& out) const;
    [[nodiscard]] std::optional<Certificate> certificate(StatementKind kind, Slot slot) const;
    void begin_resend();
    [[nodiscard]] bool ends_here(Slot slot) const;
    void resend(Effects& effects);
    bool resend_own(Slot slot, Effects& effects);
    void give_certificates(Effects& effects);
    void arm(Effects& effects);

    GadgetConfig config;
    JournalCounter& counter;
    GadgetCounters counters;
    Tick now;
    bool signing;
    bool listening;
    bool conflicted = false;
    std::vector<Bytes> conflicting;

    StakeBook book;
    Slot epoch_begin; // of the newest epoch
    std::size_t voter_count = 0;

    std::uint64_t low = 0;
    std::vector<SlotState> ring;
    std::vector<std::unique_ptr<SlotVotes>> free_votes;
    struct Ranges {
        std::array<SignedRange, skips_kept> ranges{};
        std::size_t count = 0;
    };
    std::vector<Ranges> ranges; // by voter

    BlockName finalized;
    BlockName base;
    Tick base_at;
    Slot newest_notarized;
    Slot newest_block;
    Slot newest_skip_certified;
    Slot newest_spoken_of; // nobody said anything of a later one

    struct UnderWay {
        JournalSequence sequence;
        Statement statement;
    };
    std::vector<UnderWay> under_way;       // rising
    std::vector<SignedStatement> restored; // others' votes, until there are stakes to count them by
    Slot silent_through;                   // the journal speaks of slots that this ring cannot hold
    Slot newest_said;
    bool notarize_due = false;
    bool finalize_due = false;
    std::size_t skips_due = 0;

    // Time.
    std::optional<Slot> slot_now;
    Slot watched; // slots below have a deadline
    struct SlotsEnd {
        Slot end; // exclusive
        Tick at;
    };
    std::vector<SlotsEnd> ends; // rising
    Slot expired;               // slots below have had theirs
    struct WindowBegin {
        Slot first;
        Tick at;
    };
    std::vector<WindowBegin> windows; // rising
    std::optional<Tick> armed;
    bool more_to_do = false; // there was no room

    // Relay.
    struct Peer {
        Slot past; // has shown to be past all slots below
        Tick heard_at;
    };
    std::vector<Peer> peers; // by validator
    std::vector<Relaying> relays;
    std::vector<SignedStatement> scratch;
    Bytes scratch_bytes;
    std::optional<Tick> standstill_at;
    std::optional<Slot> resend_own_next;
    std::optional<Slot> resend_next;
    std::size_t resend_left = 0;
    std::vector<Slot> to_certify;
    bool certify_due = false;
};

} // namespace belfry::consensus
