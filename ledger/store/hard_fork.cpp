// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/hard_fork.hpp"

#include "base/check.hpp"
#include "ledger/store/key_bytes.hpp"
#include "ledger/store/lmdb_transaction.hpp"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace belfry::ledger {

namespace {

constexpr std::string_view declared_key_text = "hard_fork";
constexpr std::size_t slot_bytes = 8;

ByteView declared_key()
{
    return {reinterpret_cast<const std::uint8_t*>(declared_key_text.data()),
            declared_key_text.size()};
}

/// Keys of database with a higher slot, for which take(key) holds.
template <class Take>
Result<std::vector<Bytes>, StoreError>
keys_above(const LmdbTransaction& transaction, const LmdbDatabase& database, Slot slot, Take take)
{
    Bytes first;
    append_key_integer(first, slot.next().value, slot_bytes);
    std::vector<Bytes> keys;
    BELFRY_TRY(cursor, LmdbCursor::open(transaction, database));
    LmdbCursor::Step step = cursor.seek(first);
    for (; step && *step; step = cursor.next()) {
        if (take((*step)->key)) {
            keys.emplace_back((*step)->key.begin(), (*step)->key.end());
        }
    }
    if (!step) {
        return std::unexpected(step.error());
    }
    return keys;
}

Result<bool, StoreError> declared_before(const LmdbTransaction& transaction,
                                         const LmdbDatabase& meta, Slot slot)
{
    BELFRY_TRY(content, transaction.get(meta, declared_key()));
    return content && content->size() == slot_bytes && ByteReader(*content).u64() == slot.value;
}

} // namespace

Result<std::size_t, StoreError> declare_hard_fork(LmdbEnv& env, Slot slot,
                                                  std::uint8_t certificate_kinds_end)
{
    const LmdbDatabases& databases = env.databases();
    BELFRY_TRY(transaction, LmdbTransaction::write(env));
    BELFRY_TRY(before, declared_before(transaction, databases.meta, slot));
    if (before) {
        return std::size_t{0};
    }
    const auto any = [](ByteView) {
        return true;
    };
    const auto certificate = [certificate_kinds_end](ByteView key) {
        return key.size() > slot_bytes && key[slot_bytes] < certificate_kinds_end;
    };
    BELFRY_TRY(final_blocks, keys_above(transaction, databases.chain, slot, any));
    BELFRY_TRY(certificates, keys_above(transaction, databases.proofs, slot, certificate));
    if (!final_blocks.empty() || !certificates.empty()) {
        return std::unexpected(StoreError::wrong_shape);
    }
    BELFRY_TRY(blocks, keys_above(transaction, databases.blocks, slot, any));
    BELFRY_TRY(sets, keys_above(transaction, databases.sets, slot, any));
    const std::array doomed{std::pair{&databases.blocks, &blocks},
                            std::pair{&databases.sets, &sets}};
    for (const auto& [database, keys] : doomed) {
        for (const Bytes& key : *keys) {
            BELFRY_TRY(erased, transaction.erase(*database, key));
            BELFRY_CHECK(erased);
        }
    }
    Bytes content;
    ByteWriter(content).u64(slot.value);
    const Result<void, StoreError> written =
        transaction.put(databases.meta, declared_key(), content);
    const Result<void, StoreError> committed = written ? transaction.commit() : written;
    if (!committed) {
        return std::unexpected(committed.error());
    }
    return blocks.size() + sets.size();
}

} // namespace belfry::ledger
