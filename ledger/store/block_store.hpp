// SPDX-License-Identifier: Apache-2.0
#pragma once
// block_store.hpp: sets and blocks on disk, of every fork, and which of them are final.
// Rule     when commit() has returned, everything in the batch is durable: only then may a vote for
//          its block leave. A batch is written whole or not at all.
// Bounds   a batch of any size, one set at most set_payload_bytes_max; reads that list have a max.
// Errors   StoreError. A record that is not there is nullopt, never an error.
// Threads  a BlockStore has one owner, the store tile; a BlockReader may be read by another thread
//          at the same time (LMDB's readers and its writer do not wait for one another).

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "ledger/model/block.hpp"
#include "ledger/model/block_ref.hpp"
#include "ledger/model/shred_set.hpp"
#include "ledger/store/env.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace belfry::ledger {

/// A complete block: all its sets are stored, in this batch or before.
struct BlockRecord {
    BlockRef ref;
    BlockRef parent;
    Height height;
    std::vector<Hash> set_roots; // in order; the last one is ref.id
    friend bool operator==(const BlockRecord&, const BlockRecord&) = default;
};

inline constexpr std::size_t outcome_bytes_max = 1280;

/// Where a transaction of a finalized block stands, for look-ups by signature.
struct SignatureRecord {
    Signature signature; // the first one
    BlockRef block;
    std::uint32_t index = 0; // among the block's transactions
    Bytes outcome;           // how it ended; opaque here, at most outcome_bytes_max
    friend bool operator==(const SignatureRecord&, const SignatureRecord&) = default;
};

/// What one durable commit writes. Views must live until commit() returns.
struct BlockBatch {
    std::span<const ShredSet> sets = {};
    std::span<const BlockRecord> blocks = {};
    std::span<const BlockRef> finalized = {}; // the main chain, each slot once and for ever
    std::span<const SignatureRecord> signatures = {};
};

/// What is stored, for the store tile and for whoever else may read beside it. Each call sees one
/// state of the whole store and keeps nothing of it.
class BlockReader {
public:
    /// The environment must outlive the reader.
    explicit BlockReader(const LmdbEnv& env)
        : env_(env)
    {
    }

    struct SetKey {
        Slot slot;
        std::uint32_t index = 0;
        Hash root;
    };
    [[nodiscard]] Result<std::optional<ShredSet>, StoreError> set(const SetKey& key) const;
    /// A stored set that follows the named one: index + 1, chained to its root. For an equivocating
    /// leader there may be several; the lowest root is given.
    [[nodiscard]] Result<std::optional<ShredSet>, StoreError> successor(const SetKey& key) const;
    /// Every stored set with this slot and index, whatever its root, at most sets_max.
    [[nodiscard]] Result<std::vector<ShredSet>, StoreError> sets_at(Slot slot, std::uint32_t index,
                                                                    std::size_t sets_max) const;

    [[nodiscard]] Result<std::optional<BlockRecord>, StoreError> block(const BlockRef& ref) const;
    /// Sets first_index, first_index + 1, ... of a complete block, at most sets_max.
    struct SetRange {
        std::uint32_t first_index = 0;
        std::size_t sets_max = block_sets_max;
    };
    /// Empty when the block is unknown or shorter.
    [[nodiscard]] Result<std::vector<ShredSet>, StoreError>
    sets_of_block(const BlockRef& ref, const SetRange& range) const;
    /// The block with its stream joined from its sets; nullopt when it is unknown.
    [[nodiscard]] Result<std::optional<Block>, StoreError> load_block(const BlockRef& ref) const;
    /// Complete blocks of all forks with slot > after, in order of (slot, id): parents come before
    /// children, so replay at start goes straight through. Stop by returning false.
    [[nodiscard]] Result<void, StoreError>
    for_each_block_after(Slot after, const std::function<bool(const BlockRecord&)>& visit) const;
    /// The complete block with the lowest slot: what is before it is pruned, or never came.
    [[nodiscard]] Result<std::optional<BlockRef>, StoreError> lowest_block() const;
    /// The complete block with the highest slot: an untrusted hint for peers that catch up.
    [[nodiscard]] Result<std::optional<BlockRef>, StoreError> highest_block() const;

    /// The final block of a slot; nullopt for a skipped or not yet final one.
    [[nodiscard]] Result<std::optional<BlockRef>, StoreError> finalized_at(Slot slot) const;
    [[nodiscard]] Result<std::optional<BlockRef>, StoreError> last_finalized() const;
    /// The last count final blocks with slot <= from, newest first.
    struct FinalizedRange {
        Slot from{UINT64_MAX};
        std::size_t count_max = 0;
    };
    [[nodiscard]] Result<std::vector<BlockRef>, StoreError>
    finalized_before(const FinalizedRange& range) const;
    /// Final blocks with slot >= first, oldest first, at most count_max.
    [[nodiscard]] Result<std::vector<BlockRef>, StoreError>
    finalized_from(Slot first, std::size_t count_max) const;

    [[nodiscard]] Result<std::optional<SignatureRecord>, StoreError>
    find_signature(const Signature& signature) const;

private:
    const LmdbEnv& env_;
};

class BlockStore : public BlockReader {
public:
    /// The environment must outlive the store.
    explicit BlockStore(LmdbEnv& env)
        : BlockReader(env)
        , env_(env)
    {
    }

    /// One transaction, durable on return. A slot that is final with another id: wrong_shape.
    [[nodiscard]] Result<void, StoreError> commit(const BlockBatch& batch);
    [[nodiscard]] Result<void, StoreError> put_set(const ShredSet& set);

    /// Removes sets and blocks with slot < below, and the signatures of spans (span_key.hpp) that
    /// lie below; at most records_max records in one durable transaction. The number removed;
    /// fewer than records_max means that nothing is left.
    [[nodiscard]] Result<std::size_t, StoreError> prune(Slot below, std::size_t records_max);

private:
    LmdbEnv& env_;
};

} // namespace belfry::ledger
