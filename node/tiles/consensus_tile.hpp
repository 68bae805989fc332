// SPDX-License-Identifier: Apache-2.0
#pragma once
// consensus_tile.hpp: performs what the consensus engine asks for, and tells it what happened.
// Rule     the one place where "persist, then send" is enforced: a Send or Build leaves only when
// the
//          the journal says that the record it names is durable. A failed write stops the node.
// Rule     a block is given to the engine once it is replayed and durable, and not while its slot
// is
//          is more than slots_ahead_max ahead of the slot clock.
// Rule     an own slot begins when the slot before it is replayed, else half a slot after its own
//          start; never in a slot that is over, never while the node is behind the others.
// Rule     nothing new is signed before the others have told what they remember of this node
//          (recall.hpp); and nothing at all, once it is silent (silence.hpp).
// Bounds   blocks_held_max blocks wait for the store or the clock.
// Threads  one: the consensus tile. The snapshot may be read by all.

#include "base/log.hpp"
#include "base/published.hpp"
#include "consensus/certified_tower.hpp"
#include "consensus/engine.hpp"
#include "consensus/evidence.hpp"
#include "crypto/keypair.hpp"
#include "dataplane/wire.hpp"
#include "ledger/store/vote_journal.hpp"
#include "node/chain_finality.hpp"
#include "node/last_words.hpp"
#include "node/recall.hpp"
#include "node/roster.hpp"
#include "node/silence.hpp"
#include "node/slot_clock.hpp"
#include "node/statement_intake.hpp"
#include "node/tiles/tile.hpp"
#include "node/topology.hpp"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace belfry::node {

/// The block as the ledger names it.
[[nodiscard]] inline ledger::BlockRef ref_of(const consensus::BlockName& name)
{
    return {.slot = name.slot, .id = name.id};
}

inline constexpr std::size_t peers_shown_max = 128;
inline constexpr std::size_t engine_counts_max = 48;

struct PeerVote {
    Slot last_vote;
    std::uint64_t heard_ns = 0; // monotonic; 0: never
};

struct ConsensusSnapshot {
    Slot clock_slot;
    Slot best;
    Slot confirmed;
    Slot rooted;
    Slot super_rooted;
    Slot finalized;
    Slot last_vote; // Tower's
    Slot notarized; // the newest that this node notarized or finalized: its tower may be bound
    Slot cluster;   // voters with more than a third of the stake voted, or notarized, up to it
    bool has_voted = false; // by Tower
    bool may_sign = false;
    Silence silence = Silence::listening;
    bool behind = false;
    std::uint64_t published_ns = 0;
    std::uint16_t clock_leader = 0;
    std::uint64_t tower_depth = 0;
    std::uint64_t votes_sent = 0;
    std::uint64_t votes_received = 0;
    std::uint64_t votes_bad_signature = 0;
    std::uint64_t votes_bad_form = 0;
    std::uint64_t votes_other_genesis = 0;
    std::uint64_t votes_unknown_voter = 0;
    std::uint64_t votes_copied = 0;
    std::uint64_t bundles_received = 0;
    std::uint64_t bundles_sent = 0;
    std::uint64_t builds = 0;
    std::uint64_t builds_too_late = 0;
    std::uint64_t clock_moved = 0;
    std::uint64_t clock_held = 0;   // slots begun again, because nothing becomes final
    std::uint64_t blocks_early = 0; // held back: too far ahead of the clock
    std::uint64_t blocks_dropped = 0;
    std::uint64_t accusations = 0;
    std::uint64_t journal_ns_max = 0;
    std::uint64_t leaps = 0; // of finalized, beyond the engine's window
    std::uint64_t net_link_full = 0;
    std::uint64_t evidence = 0;
    std::uint64_t evidence_refused = 0;
    std::uint64_t proofs_dropped = 0;
    std::uint64_t recall_questions = 0; // asked by this node
    std::uint64_t recall_answers = 0;   // given to others
    std::uint64_t recall_told = 0;      // given by others to this node
    std::uint64_t reminders = 0;        // newest votes sent to whom an older one came from
    std::uint64_t listened_ms = 0;      // from the start until it might sign
    std::array<consensus::NamedCount, engine_counts_max> engine{};
    std::size_t engine_count = 0;
    std::array<PeerVote, peers_shown_max> peers{};
};

class ConsensusTile {
public:
    static constexpr std::size_t evidence_per_validator_max = 16;

    struct Options {
        ledger::Genesis genesis;
        Roster roster;
        ledger::BlockRef finalized;
        ledger::BlockRef tip;
        std::vector<ReplayedBlock> replayed;       // stored blocks above finalized, parents first
        std::vector<ledger::BlockRef> final_chain; // up to finalized, rising
        std::optional<Slot> hard_fork{};           // declared: votes above it bind no more
        std::uint64_t first_nonce = 0;             // random (recall.hpp)
    };
    /// No journal: this node signs nothing. Throws std::runtime_error when the engine refuses them.
    ConsensusTile(Options options, std::unique_ptr<ledger::VoteJournal> journal,
                  crypto::Keypair key, Links& links, NodeStop& node, Logger& logger,
                  const Latch& stop);

    bool work(std::uint64_t now_ns);
    [[nodiscard]] bool has_input() const;
    [[nodiscard]] std::chrono::nanoseconds sleep_max() const;
    void finish();

    [[nodiscard]] ConsensusSnapshot snapshot() const { return published_.read(); }

private:
    struct HeldBlock {
        std::optional<ReplayedBlock> replayed;
        bool durable = false;
    };

    void restore(ledger::VoteJournal& journal);
    bool take_votes(std::uint64_t now_ns);
    void take_statement(const consensus::VoteMessage& statement, std::uint64_t now_ns);
    void take_talk(const StatementIntake::Talk& talk, std::uint64_t now_ns);
    void take_own(const consensus::Testimony& own, std::uint64_t now_ns);
    bool recall(std::uint64_t now_ns);
    /// Signs it and sends it to one validator, or to all and to the own address.
    Signature say(const dataplane::SignedVote& statement, std::optional<std::size_t> to);
    void remind(consensus::ValidatorIndex voter, std::uint64_t now_ns);
    void remember(ByteView record);
    void fall_silent(Silence why);
    bool take_sightings(std::uint64_t now_ns);
    bool fire_timers(std::uint64_t now_ns);
    void note_vote(std::uint16_t voter, Slot slot, std::uint64_t now_ns);
    bool take_blocks(std::uint64_t now_ns);
    void release_blocks(std::uint64_t now_ns);
    void give_block(const ReplayedBlock& block, std::uint64_t now_ns);
    void note_certificates(const ReplayedBlock& block);
    bool leap(std::uint64_t now_ns);
    void set_finalized(const ledger::BlockRef& ref);
    bool follow_clock(std::uint64_t now_ns);
    void begin_slot(Slot slot, std::uint64_t now_ns);
    bool try_build(std::uint64_t now_ns);
    [[nodiscard]] std::optional<std::uint64_t> build_time(Slot slot) const;
    void step(const consensus::Input& input, std::uint64_t now_ns);
    void one_step(consensus::Tick tick, const consensus::Input& input, std::uint64_t now_ns);
    void keep_proof(ledger::Proof proof);
    [[nodiscard]] Silence silence() const;
    /// Not checked yet, from this engine or from others.
    void take_evidence(ByteView bytes);
    void perform(const consensus::Effects& effects, std::uint64_t now_ns);
    void persist(const consensus::Effects& effects);
    void relay(const consensus::Relay& relay);
    void send_to(std::size_t validator, ByteView datagram);
    void send(const consensus::Send& send);
    void build(const consensus::Build& build, std::uint64_t now_ns);
    void commit(const consensus::Commit& commit);
    void tell_shred();
    void publish(std::uint64_t now_ns);

    Options options_;
    Hash genesis_hash_;
    dataplane::Prefix prefix_;
    std::uint64_t slot_ns_;
    std::unique_ptr<ledger::VoteJournal> journal_; // none: this node may not sign
    crypto::Keypair key_;
    Links& links_;
    NodeStop& node_;
    TileLog log_;
    const Latch& stop_;
    consensus::LeaderSchedule schedule_;
    std::unique_ptr<consensus::Engine> engine_;
    SlotClock clock_;
    ChainFinality chain_;
    std::uint64_t started_ns_;

    LastWords words_;
    Recall recall_;
    std::vector<std::uint64_t> reminded_ns_; // by validator
    bool signing_begun_ = false;

    consensus::Effects effects_;
    std::uint64_t durable_sequence_ = 0;
    std::map<ledger::BlockRef, HeldBlock> held_; // by slot, then id
    std::set<Slot> slots_replayed_;              // of valid blocks above finalized
    StatementIntake intake_;
    /// Signed and sent, and not yet given back to the engine.
    struct OwnStatement {
        consensus::StatementKind kind;
        Bytes body;
        Signature signature;
    };
    std::deque<OwnStatement> own_statements_;
    std::vector<std::set<std::pair<Slot, consensus::EvidenceKind>>> evidence_; // by validator
    std::vector<consensus::NamedCount> engine_counts_;
    /// What the engine asked to be woken for, and when.
    std::map<std::pair<consensus::TimerKind, Slot>, std::uint64_t> timers_;
    std::vector<Stake> stakes_;
    std::optional<Slot> slot_begun_;
    std::optional<Epoch> epoch_given_;
    Slot slot_built_; // newest own slot that was begun, or let go
    Slot highest_replayed_;
    Slot highest_given_; // to the engine: replayed and durable
    ledger::BlockRef finalized_;
    ledger::BlockRef certified_; // by certificates in blocks beyond the engine's window
    Bytes vote_bytes_;
    bool failed_ = false;
    Silence silence_ = Silence::none;
    std::uint64_t published_ns_ = 0;
    ConsensusSnapshot counts_;
    Published<ConsensusSnapshot> published_;
};

} // namespace belfry::node
