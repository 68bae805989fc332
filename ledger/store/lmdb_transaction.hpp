// SPDX-License-Identifier: Apache-2.0
#pragma once
// lmdb_transaction.hpp: private to this room: LMDB's transactions and cursors as values that close
// themselves, and the checksum around every record.
// Rule     what get() and a cursor give was checked; what put() writes carries its checksum. The
//          first failed write marks the environment as failed.
// Shapes   views into the map live until the transaction ends or, in one that writes, the next put.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "ledger/store/env.hpp"
#include "ledger/store/store_error.hpp"

#include <lmdb.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace belfry::ledger {

[[nodiscard]] StoreError store_error_from_lmdb(int code);

class LmdbTransaction {
public:
    [[nodiscard]] static Result<LmdbTransaction, StoreError> read(const LmdbEnv& env);
    [[nodiscard]] static Result<LmdbTransaction, StoreError> write(LmdbEnv& env);
    LmdbTransaction(LmdbTransaction&& other) noexcept
        : env_(other.env_)
        , raw_(std::exchange(other.raw_, nullptr))
    {
    }
    LmdbTransaction& operator=(LmdbTransaction&&) = delete;
    /// Undoes what was not committed.
    ~LmdbTransaction();

    /// The content under key, without its checksum.
    [[nodiscard]] Result<std::optional<ByteView>, StoreError> get(const LmdbDatabase& database,
                                                                  ByteView key) const;
    [[nodiscard]] Result<void, StoreError> put(const LmdbDatabase& database, ByteView key,
                                               ByteView content);
    /// False when there was none.
    [[nodiscard]] Result<bool, StoreError> erase(const LmdbDatabase& database, ByteView key);
    [[nodiscard]] Result<std::uint64_t, StoreError>
    record_count(const LmdbDatabase& database) const;
    /// Durable on success. The transaction is over in any case.
    [[nodiscard]] Result<void, StoreError> commit();

    [[nodiscard]] MDB_txn* raw() const { return raw_; }

private:
    LmdbTransaction(LmdbEnv* writable, MDB_txn* raw)
        : env_(writable)
        , raw_(raw)
    {
    }
    [[nodiscard]] StoreError fail(int code);
    LmdbEnv* env_; // of a transaction that writes
    MDB_txn* raw_;
};

/// Walks over one database in the order of its keys.
class LmdbCursor {
public:
    struct Record {
        ByteView key;
        ByteView content;
    };
    using Step = Result<std::optional<Record>, StoreError>;

    [[nodiscard]] static Result<LmdbCursor, StoreError> open(const LmdbTransaction& transaction,
                                                             const LmdbDatabase& database);
    LmdbCursor(LmdbCursor&& other) noexcept
        : database_(other.database_)
        , raw_(std::exchange(other.raw_, nullptr))
    {
    }
    LmdbCursor& operator=(LmdbCursor&&) = delete;
    ~LmdbCursor();

    /// The first record whose key is not below key.
    [[nodiscard]] Step seek(ByteView key);
    [[nodiscard]] Step first() { return move(nullptr, MDB_FIRST); }
    [[nodiscard]] Step last() { return move(nullptr, MDB_LAST); }
    [[nodiscard]] Step next() { return move(nullptr, MDB_NEXT); }
    [[nodiscard]] Step previous() { return move(nullptr, MDB_PREV); }

private:
    LmdbCursor(LmdbDatabase database, MDB_cursor* raw)
        : database_(database)
        , raw_(raw)
    {
    }
    [[nodiscard]] Step move(MDB_val* key, MDB_cursor_op operation);
    LmdbDatabase database_;
    MDB_cursor* raw_;
};

} // namespace belfry::ledger
