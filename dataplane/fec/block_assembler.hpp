// SPDX-License-Identifier: Apache-2.0
#pragma once
// block_assembler.hpp: joins completed sets into blocks and knows what is missing.
// Rule     a block is the chain of roots from a set 0 to a set flagged last: every set carries the
//          root of the one before. Versions of a slot are chains of their own; sets that they share
//          are held once. A set that was fetched for a wanted block (slot, block id) belongs to it
//          only once the chain from that id reaches it; until then it is one more loose set.
// Shapes   a set naming a predecessor of another shape (flagged last, other parent) ends its chain:
//          what follows it can never be a block.
// Bounds   bytes_max of held streams: sets of blocks already handed out go first, lowest slot
//          first, then the highest set of the slot that holds most; evicted() names them.
//          wanted_max wanted blocks, blocks_max remembered names.
// Threads  one owner, the shred tile.

#include "base/bytes.hpp"
#include "dataplane/shred/shred.hpp"
#include "ledger/model/block.hpp"
#include "ledger/model/block_ref.hpp"
#include "ledger/model/shred_set.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace belfry::dataplane {

/// What would help to complete a block.
struct Missing {
    enum class Kind : std::uint8_t {
        set,       // exactly this set: a successor names its root, or it ends a wanted block
        successor, // whatever follows this set (the tail of what is known)
        block,     // a wanted block of which not even the last set is at hand
    };
    Kind kind = Kind::set;
    /// set: the missing one. successor: the one before it. block: slot and block id in root.
    SetKey key;
    bool wanted = false; // lies on the way to a wanted block
};

struct AssemblerCounters {
    std::uint64_t sets_added = 0;
    std::uint64_t sets_duplicate = 0;
    std::uint64_t sets_dead = 0; // do not fit the set that they name as predecessor
    std::uint64_t sets_evicted = 0;
    std::uint64_t blocks_completed = 0;
    std::uint64_t wants_refused = 0;
};

class BlockAssembler {
public:
    struct Options {
        std::size_t bytes_max = std::size_t{128} << 20;
        std::size_t wanted_max = 1024;
        std::size_t blocks_max = 8192;
    };
    explicit BlockAssembler(const Options& options);

    /// Takes a completed set, also an own one. Returns the blocks that it completes.
    [[nodiscard]] std::vector<ledger::Block> add(ledger::ShredSet set);

    /// A block that is already at hand (stored, or genesis); its children need no fetching of it.
    void note_known(const ledger::BlockRef& block);
    [[nodiscard]] bool is_known(const ledger::BlockRef& block) const;
    [[nodiscard]] bool slot_has_known_block(Slot slot) const;
    /// Sets and names at or below it are forgotten, except itself.
    void set_finalized(const ledger::BlockRef& block);
    [[nodiscard]] const ledger::BlockRef& finalized() const { return finalized_; }

    /// A block named by a vote, a child, a hint or the engine. Nothing happens when it is known or
    /// not above finalized. False when wanted_max are wanted already.
    bool want(const ledger::BlockRef& block);
    void unwant(const ledger::BlockRef& block);
    [[nodiscard]] const std::set<ledger::BlockRef>& wanted() const { return wanted_; }

    /// Parents that completed blocks and sets 0 name and that nobody has seen: candidates for
    /// want(), in order.
    [[nodiscard]] std::vector<ledger::BlockRef> unknown_parents() const;
    /// Everything that is missing in slots up to `up_to`, in order of slot and index; at most
    /// missing_max.
    [[nodiscard]] std::vector<Missing> missing(Slot up_to, std::size_t missing_max) const;
    /// Number of sets of a wanted block, once its last set is at hand.
    [[nodiscard]] std::optional<std::uint32_t> set_count(const ledger::BlockRef& block) const;
    /// True if some version of this set is held.
    [[nodiscard]] bool has_set_at(Slot slot, std::uint32_t set_index) const;
    /// A held set; valid until the next call that is not const.
    [[nodiscard]] const ledger::ShredSet* find(const SetKey& key) const;

    /// Keys of sets evicted for want of room since the last call (FecResolver::forget them).
    [[nodiscard]] std::vector<SetKey> take_evicted();
    [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }
    [[nodiscard]] const AssemblerCounters& counters() const { return counters_; }

private:
    struct Node {
        ledger::ShredSet set;
        bool connected = false; // the chain from a set 0 reaches it
        bool dead = false;
        bool in_block = false; // part of a block that was handed out
    };
    using Nodes = std::map<SetKey, Node>;

    void connect(Nodes::iterator start, std::vector<ledger::Block>& out);
    void disconnect(const SetKey& key);
    void mark_dead(Nodes::iterator start);
    [[nodiscard]] static bool fits(const ledger::ShredSet& before, const ledger::ShredSet& after);
    [[nodiscard]] ledger::Block join(const Node& last);
    [[nodiscard]] std::vector<Nodes::iterator> successors(const SetKey& key);
    [[nodiscard]] bool has_successor(const SetKey& key) const;
    [[nodiscard]] const Node* find_last(const ledger::BlockRef& block) const;
    void add_known(const ledger::BlockRef& block);
    void make_room();
    void evict(Nodes::iterator node);

    Options options_;
    Nodes nodes_;
    std::map<Slot, std::size_t> bytes_by_slot_;
    std::set<ledger::BlockRef> known_;
    std::set<ledger::BlockRef> wanted_;
    std::set<ledger::BlockRef> parents_; // named by sets 0
    std::vector<SetKey> evicted_;
    ledger::BlockRef finalized_;
    std::size_t held_bytes_ = 0;
    AssemblerCounters counters_;
};

} // namespace belfry::dataplane
