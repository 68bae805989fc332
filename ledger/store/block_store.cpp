// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/block_store.hpp"

#include "ledger/store/key_bytes.hpp"
#include "ledger/store/lmdb_transaction.hpp"
#include "ledger/store/span_key.hpp"

#include <algorithm>

namespace belfry::ledger {

namespace {
constexpr std::size_t visit_batch_max = 256; // records read in one LMDB transaction

Bytes slot_key(Slot slot)
{
    Bytes key;
    append_key_integer(key, slot.value, 8);
    return key;
}

Bytes set_prefix(Slot slot, std::uint32_t index)
{
    Bytes key = slot_key(slot);
    append_key_integer(key, index, 4);
    return key;
}

Bytes set_key(const BlockReader::SetKey& key)
{
    Bytes bytes = set_prefix(key.slot, key.index);
    ByteWriter(bytes).bytes(key.root.view());
    return bytes;
}

Bytes block_key(const BlockRef& ref)
{
    Bytes key = slot_key(ref.slot);
    ByteWriter(key).bytes(ref.id.view());
    return key;
}

bool starts_with(ByteView text, ByteView prefix)
{
    return text.size() >= prefix.size() && std::ranges::equal(text.first(prefix.size()), prefix);
}

bool shape_is_valid(const BlockRecord& block)
{
    return block.parent.slot < block.ref.slot && !block.set_roots.empty() &&
           block.set_roots.size() <= block_sets_max && block.set_roots.back() == block.ref.id;
}

Bytes encode_block(const BlockRecord& block)
{
    Bytes content;
    ByteWriter writer(content);
    writer.u64(block.parent.slot.value);
    writer.bytes(block.parent.id.view());
    writer.u64(block.height.value);
    writer.u32(static_cast<std::uint32_t>(block.set_roots.size()));
    for (const Hash& root : block.set_roots) {
        writer.bytes(root.view());
    }
    return content;
}

Result<BlockRecord, StoreError> decode_block(ByteView key, ByteView content)
{
    BlockRecord block;
    if (key.size() != 8 + Hash::size_bytes) {
        return std::unexpected(StoreError::corrupt_record);
    }
    block.ref =
        BlockRef{.slot = Slot{read_key_integer(key.first(8))}, .id = Hash::from(key.subspan(8))};
    ByteReader reader(content);
    block.parent.slot = Slot{reader.u64()};
    block.parent.id = reader.fixed<Hash>();
    block.height = Height{reader.u64()};
    const std::uint32_t set_count = reader.u32();
    if (set_count > block_sets_max) {
        return std::unexpected(StoreError::corrupt_record);
    }
    for (std::uint32_t i = 0; i < set_count; ++i) {
        block.set_roots.push_back(reader.fixed<Hash>());
    }
    if (!reader.finished() || !shape_is_valid(block)) {
        return std::unexpected(StoreError::corrupt_record);
    }
    return block;
}

Result<ShredSet, StoreError> decode_set(ByteView content)
{
    Result<ShredSet, ShredSetError> set = decode_shred_set(content);
    if (!set) {
        return std::unexpected(StoreError::corrupt_record);
    }
    return std::move(*set);
}

Result<BlockRef, StoreError> decode_chain(ByteView key, ByteView content)
{
    if (key.size() != 8 || content.size() != Hash::size_bytes) {
        return std::unexpected(StoreError::corrupt_record);
    }
    return BlockRef{.slot = Slot{read_key_integer(key)}, .id = Hash::from(content)};
}

Result<void, StoreError> write_set(LmdbTransaction& transaction, const LmdbDatabases& databases,
                                   const ShredSet& set)
{
    if (!shred_set_shape_is_valid(set)) {
        return std::unexpected(StoreError::wrong_shape);
    }
    const Bytes key = set_key({.slot = set.slot, .index = set.index, .root = set.root});
    // What is there and sound has the same root and stays; what rotted is replaced.
    if (const auto there = transaction.get(databases.sets, key); there && *there) {
        return {};
    }
    return transaction.put(databases.sets, key, encode_shred_set(set));
}

Result<void, StoreError> write_block(LmdbTransaction& transaction, const LmdbDatabases& databases,
                                     const BlockRecord& block)
{
    if (!shape_is_valid(block)) {
        return std::unexpected(StoreError::wrong_shape);
    }
    for (std::size_t i = 0; i < block.set_roots.size(); ++i) {
        const Bytes key = set_key({.slot = block.ref.slot,
                                   .index = static_cast<std::uint32_t>(i),
                                   .root = block.set_roots[i]});
        BELFRY_TRY(set, transaction.get(databases.sets, key));
        if (!set) {
            return std::unexpected(StoreError::wrong_shape);
        }
    }
    return transaction.put(databases.blocks, block_key(block.ref), encode_block(block));
}

Result<void, StoreError> write_finalized(LmdbTransaction& transaction,
                                         const LmdbDatabases& databases, const BlockRef& ref)
{
    const Bytes key = slot_key(ref.slot);
    BELFRY_TRY(there, transaction.get(databases.chain, key));
    if (there && !std::ranges::equal(*there, ref.id.view())) {
        return std::unexpected(StoreError::wrong_shape);
    }
    return there ? Result<void, StoreError>{}
                 : transaction.put(databases.chain, key, ref.id.view());
}

Bytes signature_key(Slot slot, const Signature& signature)
{
    Bytes key = span_key(slot);
    ByteWriter(key).bytes(signature.view());
    return key;
}

Result<void, StoreError> write_signature(LmdbTransaction& transaction,
                                         const LmdbDatabases& databases,
                                         const SignatureRecord& record)
{
    if (record.outcome.size() > outcome_bytes_max) {
        return std::unexpected(StoreError::wrong_shape);
    }
    Bytes content;
    ByteWriter writer(content);
    writer.u64(record.block.slot.value);
    writer.bytes(record.block.id.view());
    writer.u32(record.index);
    writer.u16(static_cast<std::uint16_t>(record.outcome.size()));
    writer.bytes(record.outcome);
    return transaction.put(databases.signatures, signature_key(record.block.slot, record.signature),
                           content);
}

Result<SignatureRecord, StoreError> decode_signature(const Signature& signature, ByteView content)
{
    ByteReader reader(content);
    SignatureRecord record;
    record.signature = signature;
    record.block.slot = Slot{reader.u64()};
    record.block.id = reader.fixed<Hash>();
    record.index = reader.u32();
    const std::uint16_t outcome_bytes = reader.u16();
    const ByteView outcome = reader.bytes(outcome_bytes);
    if (!reader.finished() || outcome.size() > outcome_bytes_max) {
        return std::unexpected(StoreError::corrupt_record);
    }
    record.outcome.assign(outcome.begin(), outcome.end());
    return record;
}

/// Applies write to every item; the first error ends it.
template <class Range, class Write>
Result<void, StoreError> write_all(const Range& items, const Write& write)
{
    for (const auto& item : items) {
        Result<void, StoreError> written = write(item);
        if (!written) {
            return written;
        }
    }
    return {};
}

} // namespace

Result<void, StoreError> BlockStore::commit(const BlockBatch& batch)
{
    BELFRY_TRY(transaction, LmdbTransaction::write(env_));
    const LmdbDatabases& databases = env_.databases();
    Result<void, StoreError> written = write_all(
        batch.sets, [&](const ShredSet& set) { return write_set(transaction, databases, set); });
    if (written) {
        written = write_all(batch.blocks, [&](const BlockRecord& block) {
            return write_block(transaction, databases, block);
        });
    }
    if (written) {
        written = write_all(batch.finalized, [&](const BlockRef& ref) {
            return write_finalized(transaction, databases, ref);
        });
    }
    if (written) {
        written = write_all(batch.signatures, [&](const SignatureRecord& record) {
            return write_signature(transaction, databases, record);
        });
    }
    return written ? transaction.commit() : written;
}

Result<void, StoreError> BlockStore::put_set(const ShredSet& set)
{
    return commit({.sets = std::span(&set, 1), .blocks = {}, .finalized = {}, .signatures = {}});
}

Result<std::optional<ShredSet>, StoreError> BlockReader::set(const SetKey& key) const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    BELFRY_TRY(content, transaction.get(env_.databases().sets, set_key(key)));
    if (!content) {
        return std::nullopt;
    }
    BELFRY_TRY(set, decode_set(*content));
    return std::move(set);
}

Result<std::vector<ShredSet>, StoreError> BlockReader::sets_at(Slot slot, std::uint32_t index,
                                                               std::size_t sets_max) const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    BELFRY_TRY(cursor, LmdbCursor::open(transaction, env_.databases().sets));
    const Bytes prefix = set_prefix(slot, index);
    std::vector<ShredSet> sets;
    LmdbCursor::Step step = cursor.seek(prefix);
    while (step && *step && sets.size() < sets_max && starts_with((*step)->key, prefix)) {
        BELFRY_TRY(set, decode_set((*step)->content));
        sets.push_back(std::move(set));
        step = cursor.next();
    }
    if (!step) {
        return std::unexpected(step.error());
    }
    return sets;
}

Result<std::optional<ShredSet>, StoreError> BlockReader::successor(const SetKey& key) const
{
    constexpr std::size_t versions_max = 64; // an equivocator's; more are not looked at
    BELFRY_TRY(sets, sets_at(key.slot, key.index + 1, versions_max));
    for (ShredSet& set : sets) {
        if (set.chained_root == key.root) {
            return std::move(set);
        }
    }
    return std::nullopt;
}

Result<std::optional<BlockRecord>, StoreError> BlockReader::block(const BlockRef& ref) const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    const Bytes key = block_key(ref);
    BELFRY_TRY(content, transaction.get(env_.databases().blocks, key));
    if (!content) {
        return std::nullopt;
    }
    BELFRY_TRY(block, decode_block(key, *content));
    return std::move(block);
}

Result<std::vector<ShredSet>, StoreError> BlockReader::sets_of_block(const BlockRef& ref,
                                                                     const SetRange& range) const
{
    std::vector<ShredSet> sets;
    BELFRY_TRY(record, block(ref));
    if (!record) {
        return sets;
    }
    for (std::size_t i = range.first_index;
         i < record->set_roots.size() && sets.size() < range.sets_max; ++i) {
        BELFRY_TRY(stored, set({.slot = ref.slot,
                                .index = static_cast<std::uint32_t>(i),
                                .root = record->set_roots[i]}));
        if (!stored) {
            return std::unexpected(StoreError::corrupt_record);
        }
        sets.push_back(std::move(*stored));
    }
    return sets;
}

Result<std::optional<Block>, StoreError> BlockReader::load_block(const BlockRef& ref) const
{
    BELFRY_TRY(sets, sets_of_block(ref, {}));
    if (sets.empty()) {
        return std::nullopt;
    }
    Result<Block, BlockError> block = assemble_block(sets);
    if (!block || block->ref != ref) {
        return std::unexpected(StoreError::corrupt_record);
    }
    return std::move(*block);
}

Result<void, StoreError>
BlockReader::for_each_block_after(Slot after,
                                  const std::function<bool(const BlockRecord&)>& visit) const
{
    // Read in batches: visit may take long, and may write.
    Bytes from = slot_key(after);
    from.insert(from.end(), Hash::size_bytes + 1, 0xff); // behind every block of that slot
    while (true) {
        std::vector<BlockRecord> blocks;
        {
            BELFRY_TRY(transaction, LmdbTransaction::read(env_));
            BELFRY_TRY(cursor, LmdbCursor::open(transaction, env_.databases().blocks));
            LmdbCursor::Step step = cursor.seek(from);
            while (step && *step && blocks.size() < visit_batch_max) {
                BELFRY_TRY(block, decode_block((*step)->key, (*step)->content));
                blocks.push_back(std::move(block));
                step = cursor.next();
            }
            if (!step) {
                return std::unexpected(step.error());
            }
        }
        for (const BlockRecord& block : blocks) {
            if (!visit(block)) {
                return {};
            }
        }
        if (blocks.size() < visit_batch_max) {
            return {};
        }
        from = block_key(blocks.back().ref);
        from.push_back(0);
    }
}

Result<std::optional<BlockRef>, StoreError> BlockReader::lowest_block() const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    BELFRY_TRY(cursor, LmdbCursor::open(transaction, env_.databases().blocks));
    BELFRY_TRY(record, cursor.first());
    if (!record) {
        return std::nullopt;
    }
    BELFRY_TRY(block, decode_block(record->key, record->content));
    return block.ref;
}

Result<std::optional<BlockRef>, StoreError> BlockReader::highest_block() const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    BELFRY_TRY(cursor, LmdbCursor::open(transaction, env_.databases().blocks));
    BELFRY_TRY(record, cursor.last());
    if (!record) {
        return std::nullopt;
    }
    BELFRY_TRY(block, decode_block(record->key, record->content));
    return block.ref;
}

Result<std::optional<BlockRef>, StoreError> BlockReader::finalized_at(Slot slot) const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    const Bytes key = slot_key(slot);
    BELFRY_TRY(content, transaction.get(env_.databases().chain, key));
    if (!content) {
        return std::nullopt;
    }
    BELFRY_TRY(ref, decode_chain(key, *content));
    return ref;
}

Result<std::optional<BlockRef>, StoreError> BlockReader::last_finalized() const
{
    BELFRY_TRY(refs, finalized_before({.from = Slot{UINT64_MAX}, .count_max = 1}));
    return refs.empty() ? std::nullopt : std::optional(refs.front());
}

Result<std::vector<BlockRef>, StoreError>
BlockReader::finalized_before(const FinalizedRange& range) const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    BELFRY_TRY(cursor, LmdbCursor::open(transaction, env_.databases().chain));
    std::vector<BlockRef> refs;
    const Bytes from = slot_key(range.from);
    LmdbCursor::Step step = cursor.seek(from);
    const bool is_there = step && *step && std::ranges::equal((*step)->key, from);
    if (step && !is_there) { // the last one below it
        step = cursor.before(from);
    }
    while (step && *step && refs.size() < range.count_max) {
        BELFRY_TRY(ref, decode_chain((*step)->key, (*step)->content));
        refs.push_back(ref);
        step = cursor.previous();
    }
    if (!step) {
        return std::unexpected(step.error());
    }
    return refs;
}

Result<std::vector<BlockRef>, StoreError> BlockReader::finalized_from(Slot first,
                                                                      std::size_t count_max) const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    BELFRY_TRY(cursor, LmdbCursor::open(transaction, env_.databases().chain));
    std::vector<BlockRef> refs;
    LmdbCursor::Step step = cursor.seek(slot_key(first));
    while (step && *step && refs.size() < count_max) {
        BELFRY_TRY(ref, decode_chain((*step)->key, (*step)->content));
        refs.push_back(ref);
        step = cursor.next();
    }
    if (!step) {
        return std::unexpected(step.error());
    }
    return refs;
}

Result<std::optional<SignatureRecord>, StoreError>
BlockReader::find_signature(const Signature& signature) const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    const LmdbDatabase& database = env_.databases().signatures;
    BELFRY_TRY(cursor, LmdbCursor::open(transaction, database));
    BELFRY_TRY(span, newest_span_below(cursor, Slot{UINT64_MAX}));
    while (span) {
        BELFRY_TRY(content, transaction.get(database, signature_key(*span, signature)));
        if (content) {
            return decode_signature(signature, *content);
        }
        BELFRY_TRY(older, newest_span_below(cursor, *span));
        span = older;
    }
    return std::nullopt;
}

Result<std::size_t, StoreError> BlockStore::prune(Slot below, std::size_t records_max)
{
    BELFRY_TRY(transaction, LmdbTransaction::write(env_));
    // Blocks first: a block that is there has all its sets, also between two calls.
    BELFRY_TRY(blocks, erase_below(transaction, env_.databases().blocks, below, records_max));
    BELFRY_TRY(sets, erase_below(transaction, env_.databases().sets, below, records_max - blocks));
    BELFRY_TRY(signatures, erase_below(transaction, env_.databases().signatures, below,
                                       records_max - blocks - sets));
    const Result<void, StoreError> committed = transaction.commit();
    if (!committed) {
        return std::unexpected(committed.error());
    }
    return blocks + sets + signatures;
}

} // namespace belfry::ledger
