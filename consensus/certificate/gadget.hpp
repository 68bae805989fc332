// SPDX-License-Identifier: Apache-2.0
#pragma once
// gadget.hpp: finality in two rounds of small votes, beside Tower: who notarizes, skips and
// finalizes which slot, and what follows from everybody's statements.
// Rules    notarize  a replayed valid block whose parent is ready: the parent is notarized, final
//                    or genesis, and every slot between has a skip certificate. One block a slot;
//                    also after an own skip.
//          skip      the window, when no shred of it came in time; a slot, when neither it nor a
//                    later one is notarized in time; what the base passes over. Never after an own
//                    finalize.
//          finalize  a notarized block that was notarized here, in a slot never skipped here.
//          More than 2/3 of stake on one of these is a certificate. A final and a notarization
//          certificate of one slot make that block and its ancestors final.
//          The base is the newest notarized block held. Who notarized it has checked that what is
//          below is ready, and more than a third of those are honest: no need to see it all again.
//          Nothing is ever made of what a validator says twice.
// Relay    Votes may reach some and not others. A delay bound after a notarization a holder sends
//          its votes to each peer that has not shown to be past that slot; likewise the newest skip
//          certificates when a slot with a block goes by without being notarized. After standstill
//          without finality: all of its own above the final block, and the newest certificates, to
//          everybody.
// Bounds   slots (finalized - history_slots, .. + slots_max in all]; per validator and slot two
//          notarizations, both counted; skips_kept signed ranges of each validator; relays_max
//          relays under way; statements_under_way own statements not yet durable.
// Errors   nothing from the network fails; what is not used is counted in GadgetCounters.
// Threads  one owner. Hearing a statement neither allocates nor searches.
// Source   Simplex consensus (Chan and Pass, 2023), with slots for iterations.

#include "base/bytes.hpp"
#include "consensus/certificate/certificate.hpp"
#include "consensus/certificate/statement.hpp"
#include "consensus/engine.hpp"
#include "consensus/journal_counter.hpp"
#include "consensus/stake_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace belfry::consensus {

/// Rules taken out on purpose, to show that the tests see it. All false in every real node.
struct GadgetDefects {
    bool base_ignored = false;               // notarizes whatever the parent is
    bool skip_forbids_notarize = false;      // no late notarization
    bool finalize_after_skip = false;        // the skip is forgotten
    bool skip_after_finalize = false;        // and the other way round
    bool quorum_short_by_one = false;        // one voter too few
    bool quorum_is_at_least = false;         // >= for > at two thirds
    bool voter_counted_twice = false;        // a repeated statement counts again
    bool notarizes_twice = false;            // a second block in a slot
    bool sends_before_persist = false;       // statements wait for no record
    bool journal_not_replayed = false;       // starts as if it had said nothing
    bool certificates_not_journaled = false; // forgets in a crash why it may never skip
};

/// Genesis parameters: equal on all nodes, or their timeouts do not fit together.
struct CertificateTimes {
    std::uint64_t first_shred_ms = 750; // of a window, from its first slot's begin
    std::uint64_t notarized_ms = 1'000; // from the slot's end
    std::uint64_t delay_bound_ms = 250; // one way, the worst that is planned for
    std::uint64_t standstill_ms = 10'000;
};

struct GadgetConfig {
    std::optional<ValidatorIndex> self{}; // none: follows, says nothing
    BlockName finalized{};                // the ledger's newest final block; genesis at first
    bool may_sign = false;
    bool listens_first = false; // says nothing new until begin_signing()
    CertificateTimes times{};
    std::uint64_t slots_max = 1024; // a power of two
    std::uint64_t history_slots = 16;
    GadgetDefects defects{};
};

struct GadgetCounters {
    std::uint64_t statements_counted = 0;
    std::uint64_t statements_repeated = 0;
    std::uint64_t statements_outside_window = 0;
    std::uint64_t statements_malformed = 0; // body refused, or voter is not the sender
    std::uint64_t statements_unknown_voter = 0;
    std::uint64_t third_notarizations = 0; // of one voter in one slot: dropped
    std::uint64_t contradictions = 0;
    std::uint64_t blocks_refused = 0; // outside the window, or too many versions
    std::uint64_t bundles_relayed = 0;
    std::uint64_t relays_dropped = 0;
    std::uint64_t standstills = 0;
};

class CertificateGadget {
public:
    static constexpr std::size_t versions_per_slot_max = 4;
    static constexpr std::size_t skips_kept = 16;
    static constexpr std::size_t relays_max = 64;
    static constexpr std::size_t statements_under_way = 64;

    /// The counter outlives the gadget.
    CertificateGadget(const GadgetConfig& config, JournalCounter& counter);
    ~CertificateGadget();
    CertificateGadget(const CertificateGadget&) = delete;
    CertificateGadget& operator=(const CertificateGadget&) = delete;

    // ---- what happened; each appends what must be done ------------------------------------------
    void hear(Tick now, const VoteMessage& message, Effects& effects);
    void first_shred(Slot slot);
    void ready(Tick now, const Ready& ready, Effects& effects);
    /// The slot begins on this node's clock.
    void tick(Tick now, Slot slot, Effects& effects);
    /// The timer that was armed; always Timer{patience, Slot{0}}.
    void wake(Tick now, Effects& effects);
    void persisted(Tick now, JournalSequence upto, Effects& effects);
    void begin_epoch(Tick now, const EpochInfo& epoch, Effects& effects);
    /// Known from elsewhere to be final.
    void prune(const BlockName& finalized);
    /// Before everything else. A record is u8 kind (3 notarize, 4 skip, 5 finalize) and the
    /// statement's body; with a finalize come the votes that notarized the block, as an encoded
    /// certificate that may lack this node's own. Sequence numbers are the caller's concern.
    [[nodiscard]] Result<void, RestoreError> restore(const JournalRecord& record);
    /// All agreed to go on from slot: what was said here above binds no more.
    void discard_above(Slot slot);
    void begin_signing();
    /// From now on nothing is said.
    void stop_signing();

    // ---- what is so -----------------------------------------------------------------------------
    [[nodiscard]] const BlockName& finalized() const;
    /// Newest notarized block held. Leaders build below nothing else.
    [[nodiscard]] const BlockName& base() const;
    /// The parent for a block that this node builds in slot now, best_leaf being Tower's choice
    /// above the base. It is another one where that chain has had its chance: its first block above
    /// the base was skipped long ago and can hardly be notarized any more, as when the votes were
    /// split over two blocks of one leader. Then the newest block on another chain above the base,
    /// or the base; else everybody would go on building on what can never be final.
    [[nodiscard]] BlockName parent_for(Tick now, Slot slot, const BlockName& best_leaf) const;
    [[nodiscard]] bool may_sign() const;
    [[nodiscard]] bool has_certificate(StatementKind kind, Slot slot) const;
    /// The block of a notarization certificate.
    [[nodiscard]] std::optional<BlockName> notarized(Slot slot) const;
    /// With signatures; nullopt when there are not enough. Slots in the window only.
    [[nodiscard]] std::optional<Certificate> certificate(StatementKind kind, Slot slot) const;
    /// For the footer of a block: of the newest final slot both, then the base's notarization.
    [[nodiscard]] std::vector<Bytes> latest_certificates() const;
    /// What was said here of a slot.
    struct Said {
        std::optional<Hash> notarized{};
        bool skipped = false;
        bool finalized = false;
    };
    [[nodiscard]] Said said(Slot slot) const;
    /// Slots from this one on are not taken yet.
    [[nodiscard]] Slot window_end() const;
    /// As Engine::slot_limit. What is settled reaches from the base up to the first slot without a
    /// skip certificate.
    [[nodiscard]] Slot slot_limit() const;
    /// What made the gadget stop: encoded certificates that contradict each other; else empty.
    [[nodiscard]] const std::vector<Bytes>& conflicting_certificates() const;
    [[nodiscard]] const GadgetCounters& counters() const;
    [[nodiscard]] std::uint64_t digest() const;
    /// Recounts every tally; names the first that is wrong.
    [[nodiscard]] std::optional<std::string_view> check() const;

private:
    struct State; // gadget_state.hpp
    std::unique_ptr<State> state_;
};

} // namespace belfry::consensus
