// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/address_index.hpp"

#include "ledger/store/key_bytes.hpp"
#include "ledger/store/lmdb_transaction.hpp"
#include "ledger/store/span_key.hpp"

#include <algorithm>
#include <string_view>

namespace belfry::ledger {
namespace {

constexpr std::size_t place_bytes = 8 + 4;
constexpr std::size_t address_end = span_key_bytes + Pubkey::size_bytes;
constexpr std::size_t address_key_bytes = address_end + place_bytes;
constexpr std::string_view up_to_key = "indexed";

ByteView name_of(std::string_view key)
{
    return {reinterpret_cast<const std::uint8_t*>(key.data()), key.size()};
}

Bytes entry_key(const Pubkey& address, const ChainPlace& place)
{
    Bytes key = span_key(place.slot);
    ByteWriter(key).bytes(address.view());
    append_key_integer(key, place.slot.value, 8);
    append_key_integer(key, place.index, 4);
    return key;
}

Result<AddressEntry, StoreError> decode_entry(const LmdbCursor::Record& record)
{
    if (record.key.size() != address_key_bytes || record.content.size() != Signature::size_bytes) {
        return std::unexpected(StoreError::corrupt_record);
    }
    const ByteView place = record.key.subspan(address_end);
    return AddressEntry{
        .address = Pubkey::from(record.key.subspan(span_key_bytes, Pubkey::size_bytes)),
        .place = {.slot = Slot{read_key_integer(place.first(8))},
                  .index = static_cast<std::uint32_t>(read_key_integer(place.subspan(8)))},
        .signature = Signature::from(record.content)};
}

/// Of one span: entries of the query's address and before end, the newest first, until out is full.
Result<void, StoreError> newest_of_span(LmdbCursor& cursor, const AddressIndex::Query& query,
                                        const ChainPlace& end, std::vector<AddressEntry>& out)
{
    const Bytes after_all = entry_key(query.address, end);
    const ByteView begin = ByteView(after_all).first(address_end);
    LmdbCursor::Step step = cursor.before(after_all);
    while (step && *step && out.size() < query.count_max) {
        const LmdbCursor::Record& record = **step;
        if (record.key.size() < address_end ||
            !std::ranges::equal(record.key.first(address_end), begin)) {
            return {};
        }
        BELFRY_TRY(entry, decode_entry(record));
        out.push_back(entry);
        step = cursor.previous();
    }
    if (!step) {
        return std::unexpected(step.error());
    }
    return {};
}

} // namespace

Result<void, StoreError> AddressIndex::commit(std::span<const AddressEntry> entries,
                                              const BlockRef& up_to, const Pruning& pruning)
{
    BELFRY_TRY(transaction, LmdbTransaction::write(env_));
    for (const AddressEntry& entry : entries) {
        const Result<void, StoreError> written =
            transaction.put(env_.databases().addresses, entry_key(entry.address, entry.place),
                            entry.signature.view());
        if (!written) {
            return written;
        }
    }
    BELFRY_TRY(erased, erase_below(transaction, env_.databases().addresses, pruning.below,
                                   pruning.records_max));
    (void)erased;
    Bytes content;
    ByteWriter writer(content);
    writer.u64(up_to.slot.value);
    writer.bytes(up_to.id.view());
    const Result<void, StoreError> written =
        transaction.put(env_.databases().meta, name_of(up_to_key), content);
    return written ? transaction.commit() : written;
}

Result<std::optional<BlockRef>, StoreError> AddressIndex::up_to() const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    BELFRY_TRY(content, transaction.get(env_.databases().meta, name_of(up_to_key)));
    if (!content) {
        return std::nullopt;
    }
    ByteReader reader(*content);
    BlockRef ref;
    ref.slot = Slot{reader.u64()};
    ref.id = reader.fixed<Hash>();
    if (!reader.finished()) {
        return std::unexpected(StoreError::corrupt_record);
    }
    return ref;
}

Result<std::vector<AddressEntry>, StoreError> AddressIndex::newest(const Query& query) const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    BELFRY_TRY(cursor, LmdbCursor::open(transaction, env_.databases().addresses));
    std::vector<AddressEntry> entries;
    const ChainPlace end = query.before.value_or(ChainPlace{Slot{UINT64_MAX}, UINT32_MAX});
    std::optional<Slot> span = span_end(end.slot);
    while (span && entries.size() < query.count_max) {
        const bool is_last = *span == span_end(end.slot);
        const Result<void, StoreError> found =
            newest_of_span(cursor, query, is_last ? end : ChainPlace{*span, UINT32_MAX}, entries);
        if (!found) {
            return std::unexpected(found.error());
        }
        BELFRY_TRY(older, newest_span_below(cursor, *span));
        span = older;
    }
    return entries;
}

} // namespace belfry::ledger
