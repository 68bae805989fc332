// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/span_key.hpp"

#include "ledger/store/key_bytes.hpp"

#include <vector>

namespace belfry::ledger {

Bytes span_key(Slot slot)
{
    Bytes key;
    append_key_integer(key, span_end(slot).value, span_key_bytes);
    return key;
}

Result<std::optional<Slot>, StoreError> newest_span_below(LmdbCursor& cursor, Slot below)
{
    Bytes key;
    append_key_integer(key, below.value, span_key_bytes);
    const LmdbCursor::Step step = cursor.before(key);
    if (!step) {
        return std::unexpected(step.error());
    }
    if (!*step) {
        return std::nullopt;
    }
    const ByteView found = (*step)->key;
    if (found.size() < span_key_bytes) {
        return std::unexpected(StoreError::corrupt_record);
    }
    const Slot end{read_key_integer(found.first(span_key_bytes))};
    if (end != span_end(end) || end >= below) {
        return std::unexpected(StoreError::corrupt_record);
    }
    return end;
}

Result<std::size_t, StoreError> erase_below(LmdbTransaction& transaction,
                                            const LmdbDatabase& database, Slot below,
                                            std::size_t records_max)
{
    std::vector<Bytes> keys;
    {
        BELFRY_TRY(cursor, LmdbCursor::open(transaction, database));
        LmdbCursor::Step step = cursor.first();
        while (step && *step && keys.size() < records_max) {
            const ByteView key = (*step)->key;
            if (key.size() < span_key_bytes ||
                Slot{read_key_integer(key.first(span_key_bytes))} >= below) {
                break;
            }
            keys.emplace_back(key.begin(), key.end());
            step = cursor.next();
        }
        if (!step) {
            return std::unexpected(step.error());
        }
    }
    for (const Bytes& key : keys) {
        const Result<bool, StoreError> erased = transaction.erase(database, key);
        if (!erased) {
            return std::unexpected(erased.error());
        }
    }
    return keys.size();
}

} // namespace belfry::ledger
