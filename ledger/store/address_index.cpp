// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/address_index.hpp"

#include "ledger/store/key_bytes.hpp"
#include "ledger/store/lmdb_transaction.hpp"

#include <algorithm>
#include <string_view>

namespace belfry::ledger {
namespace {

constexpr std::size_t place_bytes = 8 + 4;
constexpr std::size_t address_key_bytes = Pubkey::size_bytes + place_bytes;
constexpr std::string_view up_to_key = "indexed";

ByteView name_of(std::string_view key)
{
    return {reinterpret_cast<const std::uint8_t*>(key.data()), key.size()};
}

Bytes entry_key(const Pubkey& address, const ChainPlace& place)
{
    Bytes key(address.bytes.begin(), address.bytes.end());
    append_key_integer(key, place.slot.value, 8);
    append_key_integer(key, place.index, 4);
    return key;
}

Result<AddressEntry, StoreError> decode_entry(const LmdbCursor::Record& record)
{
    if (record.key.size() != address_key_bytes || record.content.size() != Signature::size_bytes) {
        return std::unexpected(StoreError::corrupt_record);
    }
    const ByteView place = record.key.subspan(Pubkey::size_bytes);
    return AddressEntry{
        .address = Pubkey::from(record.key.first(Pubkey::size_bytes)),
        .place = {.slot = Slot{read_key_integer(place.first(8))},
                  .index = static_cast<std::uint32_t>(read_key_integer(place.subspan(8)))},
        .signature = Signature::from(record.content)};
}

} // namespace

Result<void, StoreError> AddressIndex::commit(std::span<const AddressEntry> entries,
                                              const BlockRef& up_to)
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
    LmdbCursor::Step step = cursor.seek(entry_key(query.address, end));
    if (step) { // the last one below it
        step = *step ? cursor.previous() : cursor.last();
    }
    while (step && *step && entries.size() < query.count_max) {
        const LmdbCursor::Record& record = **step;
        const std::size_t address_bytes = std::min(record.key.size(), Pubkey::size_bytes);
        if (!std::ranges::equal(record.key.first(address_bytes), query.address.view())) {
            break;
        }
        BELFRY_TRY(entry, decode_entry(record));
        entries.push_back(entry);
        step = cursor.previous();
    }
    if (!step) {
        return std::unexpected(step.error());
    }
    return entries;
}

} // namespace belfry::ledger
