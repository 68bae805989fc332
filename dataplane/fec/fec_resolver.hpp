// SPDX-License-Identifier: Apache-2.0
#pragma once
// fec_resolver.hpp: checks arriving shreds and collects them until their set can be rebuilt.
// Rule     a shred counts if its row proves into a root that the slot's leader signed. Any k rows
//          rebuild the set; then it is encoded again and the root over all k + m rows compared, so
//          that a leader whose parity belongs to other data is caught by every node alike,
//          whichever rows it got. Only authentic shreds change any state.
// Shapes   a set is (slot, set index, root): versions that an equivocating leader signs live apart.
// Bounds   open_bytes_max for all sets that are not complete; beyond it the slot that uses most
//          gives back its highest set, or its newcomer is refused, so that one leader cannot crowd
//          out another; wanted sets never give way. versions_max versions of a set, besides those
//          that somebody named (want_set). records_max remembered sets; the lowest slots are
//          forgotten first, and what comes of them later is not passed on any more. One piece of
//          evidence per slot.
// Errors   ShredError; every value has a counter. slot_far is given only for a valid signature.
// Threads  one owner, the shred tile. No locks.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/shred/shred.hpp"
#include "ledger/model/shred_set.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace belfry::dataplane {

/// Two shreds, both signed by the slot's leader, that cannot belong to one block.
struct Equivocation {
    enum class Kind : std::uint8_t {
        two_roots,    // one set index, two roots
        broken_chain, // a set's chained root is not the root of the set before it
        beyond_last,  // a set index above that of a set flagged last
        other_parent, // two parents
    };
    Kind kind = Kind::two_roots;
    Slot slot;
    Bytes first; // whole datagrams: anyone can check both
    Bytes second;
};

enum class ShredSource : std::uint8_t { turbine, repair };

struct CompletedSet {
    ledger::ShredSet set;
    bool recovered = false; // a data row had to be rebuilt
    bool repaired = false;  // a shred of it came by repair
};

/// What became of an authentic shred that was not seen before.
struct Accepted {
    SetKey set;
    std::uint8_t shred_index = 0;
    bool retransmit = false; // first seen, and came by turbine: pass it on, this once
    std::optional<CompletedSet> completed;
    std::optional<Equivocation> equivocation;
};

/// A set of which something is at hand but not k rows.
struct OpenSet {
    SetKey key;
    SetHeader header;
    std::uint64_t have = 0;              // bit i: shred i
    std::uint64_t newest_arrival_ns = 0; // when the newest shred of it came
};

struct FecCounters {
    std::array<std::uint64_t, static_cast<std::size_t>(ShredError::count)> errors{};
    std::uint64_t accepted = 0;
    std::uint64_t sets_completed = 0;
    std::uint64_t sets_recovered = 0;
    std::uint64_t sets_repaired = 0;
    std::uint64_t sets_evicted = 0;
    std::uint64_t records_forgotten = 0;
    std::uint64_t signatures_checked = 0;
    std::uint64_t equivocations = 0;
};

class FecResolver {
public:
    struct Options {
        Hash genesis;
        std::function<std::optional<Pubkey>(Slot)> leader_of;
        std::size_t open_bytes_max = std::size_t{64} << 20;
        std::size_t versions_max = 4;
        std::size_t records_max = 16384;
        std::size_t wanted_max = 4096; // sets, and as many slots
        std::uint64_t slots_ahead_max = 64;
    };
    explicit FecResolver(Options options);

    struct Arrival {
        ShredSource source = ShredSource::turbine;
        std::uint64_t now_ns = 0; // monotonic; only reported back (OpenSet)
    };
    [[nodiscard]] Result<Accepted, ShredError> accept(ByteView datagram, const Arrival& arrival);

    /// Accepts slots in (finalized, local + slots_ahead_max] from now on, and forgets the others.
    void set_window(Slot finalized, Slot local);
    /// A set that a successor or a wanted block named: taken beyond versions_max and the window's
    /// upper end. False when wanted_max are wanted already.
    bool want_set(const SetKey& key);
    /// Shreds of this slot are taken although it lies beyond the window (catch-up).
    bool want_slot(Slot slot);
    /// Ends what want_slot and want_set began, for one slot.
    void unwant_slot(Slot slot);
    /// Forgets a completed set, so that it can be fetched again.
    void forget(const SetKey& key);

    /// Sets that wait for rows, in order of slot, index, root.
    [[nodiscard]] std::vector<OpenSet> open_sets() const;
    /// nullopt when no shred of it is at hand, or it is complete.
    [[nodiscard]] std::optional<OpenSet> open_set(const SetKey& key) const;
    /// True from the completion of a set until it is forgotten.
    [[nodiscard]] bool completed(const SetKey& key) const;
    /// True for a root that its leader signed over something that is no set.
    [[nodiscard]] bool malformed(const SetKey& key) const;
    [[nodiscard]] std::size_t open_bytes() const { return open_bytes_; }
    [[nodiscard]] const FecCounters& counters() const { return counters_; }
    /// The highest slot of which a validly signed shred came since the last call, also one beyond
    /// the window; 0 if none did. One leader's word only.
    [[nodiscard]] Slot take_highest_slot_seen();

private:
    enum class State : std::uint8_t { open, complete, malformed };
    struct Record {
        SetHeader header;
        Signature signature;
        State state = State::open;
        bool repaired = false;
        std::uint64_t have = 0; // open: rows at hand
        std::uint64_t seen = 0; // ever accepted, also when the rows were evicted since
        std::uint64_t newest_arrival_ns = 0;
        Bytes rows;                 // open: in order of arrival, never more than data_count
        Bytes row_indexes;          // open: shred index of each of these rows
        Bytes first_datagram;       // for evidence
        std::size_t room_bytes = 0; // taken from open_bytes_max
    };
    using Records = std::map<SetKey, Record>;

    [[nodiscard]] Result<Accepted, ShredError> accept_checked(ByteView datagram,
                                                              const Arrival& arrival);
    [[nodiscard]] Result<void, ShredError> check_signature(const ShredView& shred,
                                                           const Hash& root);
    [[nodiscard]] Result<void, ShredError> check_known(Records::iterator record,
                                                       const ShredView& shred);
    [[nodiscard]] Result<Records::iterator, ShredError>
    open_record(const SetKey& key, const ShredView& shred, ByteView datagram);
    [[nodiscard]] Result<std::optional<CompletedSet>, ShredError> place(Records::iterator record,
                                                                        const ShredView& shred);
    [[nodiscard]] std::optional<Bytes> rebuild(const Record& record);
    [[nodiscard]] bool within_upper_end(const SetKey& key) const;
    [[nodiscard]] bool take_room(Records::iterator record);
    [[nodiscard]] bool evict_from_fullest_slot(const SetKey& newcomer);
    [[nodiscard]] bool make_record_room(const SetKey& newcomer);
    Records::iterator forget_record(Records::iterator record);
    void drop_rows(Record& record);
    [[nodiscard]] std::optional<Equivocation> find_equivocation(Records::const_iterator newest);

    Options options_;
    Prefix prefix_;
    Records records_;
    std::map<Slot, std::size_t> open_bytes_by_slot_;
    std::set<SetKey> wanted_sets_;
    std::set<Slot> wanted_slots_;
    std::set<Slot> reported_slots_;  // evidence was given
    std::set<Slot> forgetful_slots_; // a record was forgotten: once-only cannot be promised
    std::size_t open_bytes_ = 0;
    Slot finalized_;
    Slot local_;
    Slot highest_slot_seen_;
    FecCounters counters_;
};

} // namespace belfry::dataplane
