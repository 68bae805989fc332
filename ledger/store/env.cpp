// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/env.hpp"

#include "crypto/base58.hpp"
#include "ledger/store/layout.hpp"
#include "ledger/store/lmdb_transaction.hpp"
#include "ledger/store/page_check.hpp"
#include "ledger/store/storage_failure.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <lmdb.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace belfry::ledger {

namespace {
constexpr std::string_view schema_key = "schema";
constexpr std::string_view genesis_key = "genesis";
constexpr const char* new_file_suffix = ".new";
constexpr const char* lock_suffix = "-lock"; // LMDB's

ByteView as_bytes(std::string_view text)
{
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string errno_text(int code)
{
    return std::generic_category().message(code);
}

[[noreturn]] void refuse(const std::filesystem::path& place, const std::string& text)
{
    throw std::runtime_error(fmt::format("{}: {}", place.string(), text));
}

/// Of what the system or LMDB said: its own codes are of the disk, but for these.
bool is_code_of_disk(int code)
{
    return code > 0 && code != EACCES && code != EPERM && code != ENOENT && code != EINVAL &&
           code != ENOTDIR && code != ELOOP;
}

[[noreturn]] void refuse_code(const std::filesystem::path& place, const char* what, int code)
{
    const std::string text = fmt::format("{}: {}: {}", place.string(), what, errno_text(code));
    if (is_code_of_disk(code)) {
        throw StorageFailure(text + "; check the disk, then start again");
    }
    throw std::runtime_error(text);
}

void sync_directory(const std::filesystem::path& directory)
{
    const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
    const int code = errno;
    if (descriptor >= 0) {
        ::close(descriptor);
    }
    if (!synced) {
        refuse_code(directory, "cannot be synced", code);
    }
}

[[noreturn]] void refuse_disk(const std::filesystem::path& place, StoreError error)
{
    const bool space = error == StoreError::disk_full;
    throw StorageFailure(fmt::format(
        "{}: cannot be used: {}; {}, then start again", place.string(), to_string(error),
        space ? "free space or raise store.map_size_mb" : "check the disk"));
}

void remove_file(const std::filesystem::path& file)
{
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) {
        refuse_code(file, "was left unmade and cannot be removed", errno);
    }
}

/// Gives what is in result, or ends the start with one line.
template <class T>
T or_refuse(Result<T, StoreError> result, const std::filesystem::path& place)
{
    if (!result) {
        if (is_of_disk(result.error())) {
            refuse_disk(place, result.error());
        }
        refuse(place, fmt::format("cannot be used: {}; restore it, or move it away to start from "
                                  "genesis",
                                  to_string(result.error())));
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}
} // namespace

DirectoryLock::DirectoryLock(const std::filesystem::path& directory)
{
    if (::mkdir(directory.c_str(), 0700) == 0) {
        const std::filesystem::path absolute = std::filesystem::absolute(directory);
        sync_directory(absolute.has_filename() ? absolute.parent_path()
                                               : absolute.parent_path().parent_path());
    } else if (errno != EEXIST) {
        refuse_code(directory, "the data directory cannot be made", errno);
    }
    const std::filesystem::path file = directory / lock_file_name;
    descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor_ < 0) {
        refuse_code(file, "cannot be opened", errno);
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
        const int code = errno;
        ::close(descriptor_);
        if (code == EWOULDBLOCK) {
            throw DirectoryBusy(directory.string() +
                                ": another node is running in this data directory; stop it or "
                                "choose another directory");
        }
        refuse_code(directory, "cannot be locked", code);
    }
}

DirectoryLock::~DirectoryLock()
{
    ::close(descriptor_); // gives the lock back
}

LmdbEnv::LmdbEnv(const Options& options)
    : directory_(options.directory)
    , genesis_hash_(options.genesis_hash)
    , lock_(options.directory)
{
    const std::filesystem::path file = directory_ / ledger_file_name;
    try {
        if (!std::filesystem::exists(file)) {
            make(options, file);
        }
        open(options, file);
        check_file_bytes();
        open_databases(file);
        check_birth();
    } catch (...) {
        mdb_env_close(env_);
        throw;
    }
}

LmdbEnv::~LmdbEnv()
{
    mdb_env_close(env_);
}

/// Under another name until it is whole and durable: LMDB syncs the first pages of a file only with
/// the first commit, and what a power cut leaves of them cannot be told from a spoilt ledger.
void LmdbEnv::make(const Options& options, const std::filesystem::path& file)
{
    const std::filesystem::path unmade = file.string() + new_file_suffix;
    const std::filesystem::path lock = unmade.string() + lock_suffix;
    remove_file(unmade);
    open_file(options, unmade);
    open_databases(unmade);
    write_birth();
    mdb_env_close(std::exchange(env_, nullptr));
    remove_file(lock);
    if (::rename(unmade.c_str(), file.c_str()) != 0) {
        refuse_code(file, "cannot be named", errno);
    }
    sync_directory(directory_);
    is_new_ = true;
}

void LmdbEnv::open(const Options& options, const std::filesystem::path& file)
{
    constexpr std::uintmax_t two_pages = 8192; // LMDB would make a shorter one anew
    if (const std::uintmax_t bytes = std::filesystem::file_size(file); bytes < two_pages) {
        refuse(file, fmt::format("is torn: {} bytes are there; move it away to start from genesis "
                                 "and fetch the chain from the other validators (keep the file "
                                 "`votes`)",
                                 bytes));
    }
    try {
        check_pages(file);
    } catch (const std::runtime_error& why) {
        refuse(file, fmt::format("{}; restore it, or move it away to start from genesis and fetch "
                                 "the chain from the other validators (keep the file `votes`)",
                                 why.what()));
    }
    open_file(options, file);
}

void LmdbEnv::open_file(const Options& options, const std::filesystem::path& file)
{
    constexpr std::uint64_t page = 4096;
    const std::uint64_t map_bytes = std::max(options.map_bytes / page * page, 64 * page);
    int code = mdb_env_create(&env_);
    if (code == 0) {
        code = mdb_env_set_mapsize(env_, map_bytes);
    }
    if (code == 0) {
        code = mdb_env_set_maxdbs(env_, 16);
    }
    if (code == 0) {
        code = mdb_env_set_maxreaders(env_, 8);
    }
    if (code == 0) {
        // MDB_NOTLS: the environment is made by one thread and then owned by another.
        code = mdb_env_open(env_, file.c_str(), MDB_NOSUBDIR | MDB_NOTLS, 0600);
    }
    int dead_readers = 0;
    if (code == 0) {
        code = mdb_reader_check(env_, &dead_readers);
    }
    if (is_code_of_disk(code)) {
        refuse_disk(file, store_error_from_lmdb(code));
    }
    if (code != 0) {
        refuse(file, fmt::format("cannot be opened: {}", mdb_strerror(code)));
    }
}

void LmdbEnv::check_file_bytes() const
{
    // LMDB maps the file without asking whether it is all there; a missing page would be SIGBUS.
    MDB_envinfo info{};
    MDB_stat stat{};
    mdb_env_info(env_, &info);
    mdb_env_stat(env_, &stat);
    const std::filesystem::path file = directory_ / ledger_file_name;
    const std::uint64_t needed = (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
    const std::uint64_t there = std::filesystem::file_size(file);
    if (there < needed) {
        refuse(file, fmt::format("is torn: {} of {} bytes are there; restore it, or move it away "
                                 "to start from genesis",
                                 there, needed));
    }
}

void LmdbEnv::open_databases(const std::filesystem::path& file)
{
    MDB_txn* transaction = nullptr;
    int code = mdb_txn_begin(env_, nullptr, 0, &transaction);
    if (code == 0) {
        for (LmdbDatabase* database :
             {&databases_.meta, &databases_.sets, &databases_.blocks, &databases_.chain,
              &databases_.signatures, &databases_.accounts, &databases_.proofs,
              &databases_.addresses}) {
            if (code == 0) {
                code = mdb_dbi_open(transaction, database->name, MDB_CREATE, &database->handle);
            }
        }
        found_commit_ = mdb_txn_id(transaction) - 1;
        if (code == 0) {
            code = mdb_txn_commit(transaction);
        } else {
            mdb_txn_abort(transaction);
        }
    }
    if (is_code_of_disk(code) || code == MDB_MAP_FULL) {
        refuse_disk(file, store_error_from_lmdb(code));
    }
    if (code != 0) {
        refuse(file, fmt::format("cannot be read: {}; restore it, or move it away to start from "
                                 "genesis",
                                 mdb_strerror(code)));
    }
}

void LmdbEnv::write_birth()
{
    const std::filesystem::path file = directory_ / ledger_file_name;
    LmdbTransaction transaction = or_refuse(LmdbTransaction::write(*this), file);
    Bytes schema;
    ByteWriter(schema).u32(schema_version);
    or_refuse(transaction.put(databases_.meta, as_bytes(schema_key), schema), file);
    or_refuse(transaction.put(databases_.meta, as_bytes(genesis_key), genesis_hash_.view()), file);
    const std::array<std::uint8_t, 8> slot_zero{};
    or_refuse(transaction.put(databases_.chain, slot_zero, genesis_hash_.view()), file);
    or_refuse(transaction.commit(), file);
}

void LmdbEnv::check_birth() const
{
    const std::filesystem::path file = directory_ / ledger_file_name;
    const LmdbTransaction transaction = or_refuse(LmdbTransaction::read(*this), file);
    // A meta page that a disk has mixed of two bears the newer's number and leads to older pages.
    if (const auto number = or_refuse(transaction.committed_number(), file);
        number && *number != found_commit_) {
        refuse(file, fmt::format("its newest state calls itself commit {}, and is of commit {}; "
                                 "restore it, or move it away to start from genesis and fetch the "
                                 "chain from the other validators (keep the file `votes`)",
                                 found_commit_, *number));
    }
    const auto schema = or_refuse(transaction.get(databases_.meta, as_bytes(schema_key)), file);
    const auto genesis = or_refuse(transaction.get(databases_.meta, as_bytes(genesis_key)), file);
    if (!schema || !genesis || genesis->size() != Hash::size_bytes) {
        refuse(file, "is not the ledger of a node; move it away");
    }
    if (const std::uint32_t found = ByteReader(*schema).u32(); found != schema_version) {
        refuse(file, fmt::format("is written in schema {}, this program knows {}", found,
                                 schema_version));
    }
    if (Hash::from(*genesis) != genesis_hash_) {
        refuse(directory_,
               fmt::format("holds the chain of genesis {}, not of {}; give this node "
                           "another data directory",
                           crypto::to_base58(*genesis), crypto::to_base58(genesis_hash_)));
    }
}

std::uint64_t LmdbEnv::used_bytes() const
{
    MDB_envinfo info{};
    MDB_stat stat{};
    mdb_env_info(env_, &info);
    mdb_env_stat(env_, &stat);
    return (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
}

std::uint64_t LmdbEnv::held_bytes() const
{
    constexpr MDB_dbi free_list = 0; // lmdb: of a list of pages the first word is its length
    const auto transaction = LmdbTransaction::read(*this);
    MDB_cursor* cursor = nullptr;
    if (!transaction || mdb_cursor_open(transaction->raw(), free_list, &cursor) != MDB_SUCCESS) {
        return used_bytes();
    }
    std::uint64_t free_pages = 0;
    MDB_val key{};
    MDB_val pages{};
    while (mdb_cursor_get(cursor, &key, &pages, MDB_NEXT) == MDB_SUCCESS) {
        std::size_t count = 0;
        if (pages.mv_size >= sizeof(count)) {
            std::memcpy(&count, pages.mv_data, sizeof(count));
        }
        free_pages += count;
    }
    mdb_cursor_close(cursor);
    MDB_stat stat{};
    mdb_env_stat(env_, &stat);
    const std::uint64_t used = used_bytes();
    return used - std::min(used, free_pages * stat.ms_psize);
}

} // namespace belfry::ledger
