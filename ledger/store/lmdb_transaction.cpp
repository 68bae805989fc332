// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/lmdb_transaction.hpp"

#include "base/check.hpp"
#include "ledger/store/crc32c.hpp"
#include "ledger/store/layout.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace belfry::ledger {

namespace {
// LMDB takes keys and values as void* that it does not write through.
MDB_val as_value(ByteView bytes)
{
    return MDB_val{.mv_size = bytes.size(), .mv_data = const_cast<std::uint8_t*>(bytes.data())};
}

ByteView commit_key()
{
    static constexpr std::array<std::uint8_t, 6> key{'c', 'o', 'm', 'm', 'i', 't'};
    return key;
}

ByteView as_view(const MDB_val& value)
{
    return {static_cast<const std::uint8_t*>(value.mv_data), value.mv_size};
}

std::uint32_t record_checksum(std::string_view database, ByteView key, ByteView content)
{
    std::uint32_t crc = 0;
    for (const char c : database) {
        const auto byte = static_cast<std::uint8_t>(c);
        crc = crc32c(ByteView(&byte, 1), crc);
    }
    return crc32c(content, crc32c(key, crc));
}

Result<ByteView, StoreError> checked_content(std::string_view database, ByteView key,
                                             ByteView value)
{
    if (value.size() < record_checksum_bytes) {
        return std::unexpected(StoreError::corrupt_record);
    }
    const ByteView content = value.first(value.size() - record_checksum_bytes);
    ByteReader reader(value.last(record_checksum_bytes));
    if (reader.u32() != record_checksum(database, key, content)) {
        return std::unexpected(StoreError::corrupt_record);
    }
    return content;
}

/// LMDB says EIO for a write that was cut short, and that is how a disk that fills begins.
bool has_no_space(const std::filesystem::path& directory)
{
    constexpr std::uintmax_t full_below_bytes = 1 << 20;
    std::error_code unknown;
    const std::filesystem::space_info space = std::filesystem::space(directory, unknown);
    return !unknown && space.available < full_below_bytes;
}
} // namespace

std::string_view to_string(StoreError error)
{
    switch (error) {
    case StoreError::corrupt_record:
        return "corrupt_record";
    case StoreError::disk_full:
        return "disk_full";
    case StoreError::io:
        return "io";
    case StoreError::wrong_shape:
        return "wrong_shape";
    }
    return "unknown";
}

StoreError store_error_from_lmdb(int code)
{
    switch (code) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
        return StoreError::disk_full;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_PANIC:
        return StoreError::corrupt_record;
    case MDB_BAD_VALSIZE:
        return StoreError::wrong_shape;
    default:
        return StoreError::io;
    }
}

Result<LmdbTransaction, StoreError> LmdbTransaction::read(const LmdbEnv& env)
{
    MDB_txn* raw = nullptr;
    if (const int code = mdb_txn_begin(env.raw(), nullptr, MDB_RDONLY, &raw); code != 0) {
        return std::unexpected(store_error_from_lmdb(code));
    }
    return LmdbTransaction(nullptr, env.databases(), raw);
}

Result<LmdbTransaction, StoreError> LmdbTransaction::write(LmdbEnv& env)
{
    if (env.failed()) {
        return std::unexpected(*env.failed());
    }
    MDB_txn* raw = nullptr;
    if (const int code = mdb_txn_begin(env.raw(), nullptr, 0, &raw); code != 0) {
        const StoreError error = store_error_from_lmdb(code);
        env.mark_failed(error);
        return std::unexpected(error);
    }
    return LmdbTransaction(&env, env.databases(), raw);
}

LmdbTransaction::~LmdbTransaction()
{
    if (raw_ != nullptr) {
        mdb_txn_abort(raw_);
    }
}

StoreError LmdbTransaction::fail(int code)
{
    const bool full = code == EIO && has_no_space(env_->directory());
    const StoreError error = full ? StoreError::disk_full : store_error_from_lmdb(code);
    env_->mark_failed(error);
    return error;
}

Result<std::optional<ByteView>, StoreError> LmdbTransaction::get(const LmdbDatabase& database,
                                                                 ByteView key) const
{
    MDB_val raw_key = as_value(key);
    MDB_val value{};
    const int code = mdb_get(raw_, database.handle, &raw_key, &value);
    if (code == MDB_NOTFOUND) {
        return std::nullopt;
    }
    if (code != 0) {
        return std::unexpected(store_error_from_lmdb(code));
    }
    BELFRY_TRY(content, checked_content(database.name, key, as_view(value)));
    return content;
}

Result<void, StoreError> LmdbTransaction::put(const LmdbDatabase& database, ByteView key,
                                              ByteView content)
{
    BELFRY_CHECK(env_ != nullptr);
    MDB_val raw_key = as_value(key);
    // LMDB makes the room and says where: the content is copied once.
    MDB_val place{.mv_size = content.size() + record_checksum_bytes, .mv_data = nullptr};
    if (const int code = mdb_put(raw_, database.handle, &raw_key, &place, MDB_RESERVE); code != 0) {
        return std::unexpected(fail(code));
    }
    const std::span<std::uint8_t> target(static_cast<std::uint8_t*>(place.mv_data), place.mv_size);
    std::ranges::copy(content, target.begin());
    const std::uint32_t crc = record_checksum(database.name, key, content);
    for (std::size_t i = 0; i < record_checksum_bytes; ++i) {
        target[content.size() + i] = static_cast<std::uint8_t>(crc >> (8 * i));
    }
    changed_ = true;
    return {};
}

Result<bool, StoreError> LmdbTransaction::erase(const LmdbDatabase& database, ByteView key)
{
    BELFRY_CHECK(env_ != nullptr);
    MDB_val raw_key = as_value(key);
    const int code = mdb_del(raw_, database.handle, &raw_key, nullptr);
    if (code != 0 && code != MDB_NOTFOUND) {
        return std::unexpected(fail(code));
    }
    changed_ = changed_ || code == 0;
    return code == 0;
}

Result<std::uint64_t, StoreError> LmdbTransaction::record_count(const LmdbDatabase& database) const
{
    MDB_stat stat{};
    if (const int code = mdb_stat(raw_, database.handle, &stat); code != 0) {
        return std::unexpected(store_error_from_lmdb(code));
    }
    return stat.ms_entries;
}

Result<void, StoreError> LmdbTransaction::commit()
{
    BELFRY_CHECK(env_ != nullptr);
    if (changed_) {
        Bytes number;
        ByteWriter(number).u64(mdb_txn_id(raw_));
        if (const auto noted = put(databases_->meta, commit_key(), number); !noted) {
            return noted;
        }
    }
    if (const int code = mdb_txn_commit(std::exchange(raw_, nullptr)); code != 0) {
        return std::unexpected(fail(code));
    }
    return {};
}

Result<std::optional<std::uint64_t>, StoreError> LmdbTransaction::committed_number() const
{
    BELFRY_TRY(content, get(databases_->meta, commit_key()));
    if (!content) {
        return std::nullopt;
    }
    ByteReader reader(*content);
    const std::uint64_t number = reader.u64();
    if (!reader.finished()) {
        return std::unexpected(StoreError::corrupt_record);
    }
    return number;
}

Result<LmdbCursor, StoreError> LmdbCursor::open(const LmdbTransaction& transaction,
                                                const LmdbDatabase& database)
{
    MDB_cursor* raw = nullptr;
    if (const int code = mdb_cursor_open(transaction.raw(), database.handle, &raw); code != 0) {
        return std::unexpected(store_error_from_lmdb(code));
    }
    return LmdbCursor(database, raw);
}

LmdbCursor::~LmdbCursor()
{
    if (raw_ != nullptr) {
        mdb_cursor_close(raw_);
    }
}

LmdbCursor::Step LmdbCursor::seek(ByteView key)
{
    MDB_val raw_key = as_value(key);
    return move(&raw_key, MDB_SET_RANGE);
}

LmdbCursor::Step LmdbCursor::before(ByteView key)
{
    const Step at = seek(key);
    if (!at) {
        return at;
    }
    return *at ? previous() : last();
}

LmdbCursor::Step LmdbCursor::move(MDB_val* key, MDB_cursor_op operation)
{
    MDB_val found{};
    if (key != nullptr) {
        found = *key;
    }
    MDB_val value{};
    const int code = mdb_cursor_get(raw_, &found, &value, operation);
    if (code == MDB_NOTFOUND) {
        return std::nullopt;
    }
    if (code != 0) {
        return std::unexpected(store_error_from_lmdb(code));
    }
    BELFRY_TRY(content, checked_content(database_.name, as_view(found), as_view(value)));
    return Record{.key = as_view(found), .content = content};
}

} // namespace belfry::ledger
