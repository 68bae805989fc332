// SPDX-License-Identifier: Apache-2.0
#pragma once
// engine.hpp: what every consensus engine is: a pure machine, step(now, input) -> effects.
// Shapes   Input is what happened; Effects is what the node must now do, in that order. The engine
//          itself performs nothing: no disk, network, or hour of the day.
// Bounds   one step appends at most Effects::count_max effects and Effects::bytes_max bytes.
// Rule     persist, then send: a Send or Build names the journal record that forbids its opposite,
//          and leaves only after that record is durable. Neither can be made without one.
// Threads  one owner, the consensus tile. The same inputs give the same effects and digest() on
//          every machine and compiler.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "consensus/block_name.hpp"
#include "consensus/validator_index.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace belfry::consensus {

using Tick = Ordinal<struct TickTag>; // nanoseconds since the node's start; data, never read here

/// Place of a record in the vote journal, from 1. There is no zero and no default, so that nothing
/// can be said to follow "no record".
class JournalSequence {
public:
    [[nodiscard]] static constexpr JournalSequence first() { return JournalSequence{1}; }
    /// nullopt for 0.
    [[nodiscard]] static constexpr std::optional<JournalSequence> from(std::uint64_t value)
    {
        return value == 0 ? std::nullopt : std::optional{JournalSequence{value}};
    }
    [[nodiscard]] constexpr JournalSequence next() const
    {
        BELFRY_CHECK(value_ != UINT64_MAX);
        return JournalSequence{value_ + 1};
    }
    [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
    friend constexpr auto operator<=>(const JournalSequence&, const JournalSequence&) = default;

private:
    constexpr explicit JournalSequence(std::uint64_t value)
        : value_(value)
    {
    }
    std::uint64_t value_;
};

struct JournalRecord {
    JournalSequence sequence;
    ByteView bytes; // the engine's own record; the file adds its checksum
};

enum class Validity : std::uint8_t { valid, invalid };

/// What may be said of a block; it then holds for all its ancestors.
enum class Level : std::uint8_t {
    processed,    // replayed, on the fork this node builds on; may change at any time
    confirmed,    // voted for, exactly it, by more than two thirds of stake
    rooted,       // 32 deep in this node's own tower; internal
    super_rooted, // rooted by more than two thirds of stake
    finalized,    // a final certificate, or super_rooted where genesis turns certificates off; for
                  // ever
};

// ---- Inputs -------------------------------------------------------------------------------------

enum class StatementKind : std::uint8_t {
    tower_vote = 1,
    notarize = 2, // at most one block a slot
    skip = 3,     // a range of slots
    finalize = 4, // only by those who never skipped the slot
};
/// Of a number that came from elsewhere.
[[nodiscard]] constexpr bool is_statement_kind(std::uint8_t number)
{
    return number >= static_cast<std::uint8_t>(StatementKind::tower_vote) &&
           number <= static_cast<std::uint8_t>(StatementKind::finalize);
}
/// A signed statement whose signature was checked against from's key.
struct VoteMessage {
    ValidatorIndex from;
    ByteView body; // need not outlive the step
    StatementKind kind = StatementKind::tower_vote;
    Signature signature{}; // kept for the certificates that it becomes part of
};
/// The first valid shred of a slot's block has come.
struct FirstShred {
    Slot slot;
};
/// A block that is replayed (its parent was given before) and durable in the ledger.
struct Ready {
    BlockName block;
    BlockName parent;
    Validity validity = Validity::valid;
    Hash state_hash;
    ValidatorIndex author;
};
/// The data plane holds proof that a leader made two blocks in one slot.
struct Duplicate {
    Slot slot;
    Hash first;
    Hash second;
};
enum class TimerKind : std::uint8_t {
    slot_tick, // once in every slot, on start, and again while the clock is kept back (slot_limit):
               // time to repeat the newest vote
    build,     // this node leads the slot and should begin now
    patience,  // what an Arm asked for
};
struct Timer {
    TimerKind kind = TimerKind::slot_tick;
    Slot slot;
};
/// Every journal record up to this one is durable.
struct Persisted {
    JournalSequence upto;
};
/// From first_slot on these stakes count and these windows of four slots are led.
struct EpochInfo {
    Epoch number;
    Slot first_slot;
    std::span<const Stake> stakes;            // by ValidatorIndex
    std::span<const ValidatorIndex> schedule; // leader of each window (leader_schedule.hpp)
};
using Input = std::variant<VoteMessage, FirstShred, Ready, Duplicate, Timer, Persisted, EpochInfo>;

// ---- Effects ------------------------------------------------------------------------------------

/// Append the record to the vote journal; answer with Persisted once it is durable.
struct Persist {
    JournalSequence sequence;
    ByteView record;
};
/// Sign body and send it to every validator, once `after` is
/// durable and never before. What certificates are made of comes back as VoteMessage from this
/// node itself: the engine has no key, and so learns its own signature.
struct Send {
    JournalSequence after;
    StatementKind kind;
    ByteView body;
};
/// Send on statements that others signed: nothing of this node's own, so it waits for no record.
/// body is a vote bundle and fits one datagram.
struct Relay {
    std::optional<ValidatorIndex> to; // none: everybody
    ByteView body;
};
/// Give Timer back at that tick, or at once when it is over. A timer armed again with the same kind
/// and slot replaces the earlier one.
struct Arm {
    Timer timer;
    Tick at;
};
/// Build this node's block for slot on parent; no byte of it leaves before `after` is durable.
struct Build {
    JournalSequence after;
    Slot slot;
    BlockName parent;
};
/// block, and with it all its ancestors, reached level.
struct Commit {
    Level level;
    BlockName block;
};
/// The fork to stand on changed: reset to this leaf, build on it, answer `processed` from it.
struct BestFork {
    BlockName block;
};
/// A vote names a block that this engine does not hold (it may be on its way already).
struct Want {
    BlockName block;
};
/// More than 52 % voted for another block of this slot: forget this one, with all that descends
/// from it, and do not offer it to others.
struct Purge {
    BlockName block;
};
/// who signed, or led, two things for one slot.
struct Accuse {
    ValidatorIndex who;
    BlockName first;
    BlockName second;
};
enum class FaultReason : std::uint8_t {
    root_conflicts,        // this node's own root is not on the finalised chain
    identity_elsewhere,    // a newer vote signed with this node's key, and not by this node
    stake_table_refused,   // EpochInfo with no stake, or more than an amount can hold
    certificates_conflict, // more than a third of stake has signed what no honest validator signs
    final_block_invalid,   // this node's replay refused what is final
};
/// Stop signing, keep serving.
struct Fault {
    FaultReason why;
};
/// To be stored: a certificate about a final slot (certificate.hpp).
struct Certified {
    StatementKind kind;
    Slot slot;
    ByteView certificate;
};
/// To be stored and told: proof that who signed two things that contradict (evidence.hpp).
struct Expose {
    ValidatorIndex who;
    ByteView evidence;
};
using Effect = std::variant<Persist, Send, Build, Commit, BestFork, Want, Accuse, Fault, Relay, Arm,
                            Certified, Expose, Purge>;

/// What one step asks for, in order. Owned by the caller and used again and again; views in it
/// live until clear().
class Effects {
public:
    static constexpr std::size_t count_max = 64;
    static constexpr std::size_t bytes_max = 65'536;

    Effects();
    void clear();
    [[nodiscard]] std::span<const Effect> list() const { return list_; }

    void persist(JournalSequence sequence, ByteView record);
    void send(JournalSequence after, StatementKind kind, ByteView body);
    void relay(std::optional<ValidatorIndex> to, ByteView body);
    void certified(StatementKind kind, Slot slot, ByteView certificate);
    void expose(ValidatorIndex who, ByteView evidence);
    /// Room for one more, with some left for what a step must say.
    [[nodiscard]] bool has_room() const { return list_.size() < count_max / 2; }
    /// As has_room(), and for that many bytes, with half of all left for what a step must say.
    [[nodiscard]] bool has_room(std::size_t byte_count) const
    {
        return has_room() && kept_.size() + byte_count <= bytes_max / 2;
    }
    /// Everything without bytes of its own.
    void add(const Effect& effect);

private:
    [[nodiscard]] ByteView keep(ByteView bytes);
    std::vector<Effect> list_;
    Bytes kept_;
};

// ---- The engine ---------------------------------------------------------------------------------

enum class RestoreError : std::uint8_t {
    malformed_record,
    sequence_gap, // records missing, doubled or out of order
    not_ours,     // written by another validator
    goes_back,    // a later record that an honest journal cannot hold after the earlier one
};

struct EngineStatus {
    BlockName best;
    BlockName confirmed;
    BlockName rooted;
    BlockName super_rooted;
    BlockName finalized;
    std::optional<BlockName> last_vote;
    std::size_t tower_depth = 0;
    bool may_sign = false;
};

/// One of the engine's counters; the name is a literal.
struct NamedCount {
    std::string_view name;
    std::uint64_t value = 0;
};

class Engine {
public:
    Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    virtual ~Engine() = default;

    /// Total and of bounded work. Appends to effects (the caller clears them).
    virtual void step(Tick now, const Input& input, Effects& effects) = 0;
    /// Before the first step: the journal in order, in one call or many.
    [[nodiscard]] virtual Result<void, RestoreError>
    restore(std::span<const JournalRecord> records) = 0;
    /// Of an engine made to listen first: from here on it may say what it has not said before.
    virtual void begin_signing() {}
    /// The node knows from elsewhere (its ledger, a snapshot) that this block is final: everything
    /// that does not descend from it is dropped. What the engine finalises itself it prunes itself.
    virtual void prune(const BlockName& finalized) = 0;
    /// Blocks from this slot on are not taken yet; the node keeps them and gives them again.
    [[nodiscard]] virtual Slot window_end() const = 0;
    /// The first slot that the clock must not begin yet. Far ahead while blocks become final; when
    /// none has for most of the window, its last slots are kept for the time when they can again:
    /// no clock runs into them before what is below is settled.
    [[nodiscard]] virtual Slot slot_limit() const = 0;
    [[nodiscard]] virtual EngineStatus status() const = 0;
    /// Encoded certificates to travel in a block that this node begins now; may be none.
    [[nodiscard]] virtual std::vector<Bytes> latest_certificates() const { return {}; }
    /// Appends what was counted.
    virtual void count(std::vector<NamedCount>& out) const = 0;
    /// Equal on all machines that were given the same inputs.
    [[nodiscard]] virtual std::uint64_t digest() const = 0;
    /// Recomputes every invariant from scratch; names the first that is broken. For tests.
    [[nodiscard]] virtual std::optional<std::string_view> check() const = 0;
};

} // namespace belfry::consensus
