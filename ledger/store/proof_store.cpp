// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/proof_store.hpp"

#include "ledger/store/key_bytes.hpp"
#include "ledger/store/lmdb_transaction.hpp"

namespace belfry::ledger {
namespace {

constexpr std::size_t proof_key_bytes = 8 + 1 + 2;

Bytes key_of(const ProofName& name)
{
    Bytes key;
    append_key_integer(key, name.slot.value, 8);
    append_key_integer(key, name.kind, 1);
    append_key_integer(key, name.about, 2);
    return key;
}

std::optional<ProofName> name_of(ByteView key)
{
    if (key.size() != proof_key_bytes) {
        return std::nullopt;
    }
    return ProofName{.slot = Slot{read_key_integer(key.first(8))},
                     .kind = key[8],
                     .about = static_cast<std::uint16_t>(read_key_integer(key.subspan(9)))};
}

} // namespace

Result<std::optional<Proof>, StoreError> ProofReader::find(const ProofName& name) const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    BELFRY_TRY(content, transaction.get(env_.databases().proofs, key_of(name)));
    if (!content) {
        return std::nullopt;
    }
    return Proof{.name = name, .bytes = {content->begin(), content->end()}};
}

Result<std::vector<Proof>, StoreError> ProofReader::newest(const KindRange& kinds,
                                                           std::size_t count_max) const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    BELFRY_TRY(cursor, LmdbCursor::open(transaction, env_.databases().proofs));
    std::vector<Proof> proofs;
    LmdbCursor::Step step = cursor.last();
    while (step && *step && proofs.size() < count_max) {
        const std::optional<ProofName> name = name_of((*step)->key);
        if (!name) {
            return std::unexpected(StoreError::corrupt_record);
        }
        if (name->kind >= kinds.first && name->kind <= kinds.last) {
            const ByteView content = (*step)->content;
            proofs.push_back({.name = *name, .bytes = {content.begin(), content.end()}});
        }
        step = cursor.previous();
    }
    if (!step) {
        return std::unexpected(step.error());
    }
    return proofs;
}

Result<void, StoreError> ProofStore::put(std::span<const Proof> proofs)
{
    BELFRY_TRY(transaction, LmdbTransaction::write(env_));
    const LmdbDatabase& database = env_.databases().proofs;
    for (const Proof& proof : proofs) {
        if (proof.bytes.empty() || proof.bytes.size() > proof_bytes_max) {
            return std::unexpected(StoreError::wrong_shape);
        }
        const Bytes key = key_of(proof.name);
        // What is there and sound stays; what rotted is replaced.
        if (const auto there = transaction.get(database, key); there && *there) {
            continue;
        }
        const Result<void, StoreError> written = transaction.put(database, key, proof.bytes);
        if (!written) {
            return written;
        }
    }
    return transaction.commit();
}

Result<std::size_t, StoreError> ProofStore::prune(Slot below, std::uint8_t kinds_end,
                                                  std::size_t records_max)
{
    BELFRY_TRY(transaction, LmdbTransaction::write(env_));
    std::vector<Bytes> keys;
    {
        BELFRY_TRY(cursor, LmdbCursor::open(transaction, env_.databases().proofs));
        LmdbCursor::Step step = cursor.first();
        for (std::size_t seen = 0; step && *step && seen < records_max; ++seen) {
            const std::optional<ProofName> name = name_of((*step)->key);
            if (name && name->slot >= below) {
                break;
            }
            if (!name || name->kind < kinds_end) {
                keys.emplace_back((*step)->key.begin(), (*step)->key.end());
            }
            step = cursor.next();
        }
        if (!step) {
            return std::unexpected(step.error());
        }
    }
    for (const Bytes& key : keys) {
        const Result<bool, StoreError> erased = transaction.erase(env_.databases().proofs, key);
        if (!erased) {
            return std::unexpected(erased.error());
        }
    }
    const Result<void, StoreError> committed = transaction.commit();
    if (!committed) {
        return std::unexpected(committed.error());
    }
    return keys.size();
}

} // namespace belfry::ledger
