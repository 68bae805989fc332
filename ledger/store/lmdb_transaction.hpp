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
        , databases_(other.databases_)
        , raw_(std::exchange(other.raw_, nullptr))
        , changed_(other.changed_)
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
    /// Durable on success. The transaction is over in any case. Its number is written with what it
    /// changed: LMDB's meta page, which has no checksum, cannot then lead to anything else.
    [[nodiscard]] Result<void, StoreError> commit();

    /// The number of the transaction that wrote the state seen here, by that state's own record;
    /// nullopt when it has none.
    [[nodiscard]] Result<std::optional<std::uint64_t>, StoreError> committed_number() const;

    [[nodiscard]] MDB_txn* raw() const { return raw_; }

private:
    LmdbTransaction(LmdbEnv* writable, const LmdbDatabases& databases, MDB_txn* raw)
        : env_(writable)
        , databases_(&databases)
        , raw_(raw)
    {
    }
    [[nodiscard]] StoreError fail(int code);
    LmdbEnv* env_; // of a transaction that writes
    const LmdbDatabases* databases_;
    MDB_txn* raw_;
    bool changed_ = false;
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
    /// The last record whose key is below key.
    [[nodiscard]] Step before(ByteView key);
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
