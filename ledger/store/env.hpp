// SPDX-License-Identifier: Apache-2.0
#pragma once
// env.hpp: the data directory of one node and the LMDB environment in it.
// Rule     LMDB's durable defaults: a commit that returned is on disk. One process at a time holds
//          the directory; a directory of another genesis or another schema is refused.
// Errors   the constructor throws std::runtime_error, one line; afterwards StoreError.
// Threads  one owner at a time; other threads may begin read transactions meanwhile, each with one
//          of LMDB's reader places (no MDB_TLS: a place belongs to the transaction). No fork()
//          while it is open.
// Source   layout.hpp says what lies where.

#include "base/bytes.hpp"
#include "ledger/store/store_error.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>

struct MDB_env;

namespace belfry::ledger {

/// A database inside the environment; its name is part of every record's checksum.
struct LmdbDatabase {
    const char* name;
    unsigned handle = 0;
};

struct LmdbDatabases {
    LmdbDatabase meta{"meta"};
    LmdbDatabase sets{"sets"};
    LmdbDatabase blocks{"blocks"};
    LmdbDatabase chain{"chain"};
    LmdbDatabase signatures{"signatures"};
    LmdbDatabase accounts{"accounts"};
    LmdbDatabase proofs{"proofs"};
    LmdbDatabase addresses{"addresses"};
};

/// Another process holds the directory: the one failure of a start that passes by itself.
class DirectoryBusy : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// An exclusive flock on LOCK in a directory, which is made if it is missing.
class DirectoryLock {
public:
    explicit DirectoryLock(const std::filesystem::path& directory);
    ~DirectoryLock();
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;

private:
    int descriptor_ = -1;
};

class LmdbEnv {
public:
    struct Options {
        std::filesystem::path directory; // made if missing, not its parents
        Hash genesis_hash;
        std::uint64_t map_bytes = std::uint64_t{64} << 30; // the most the file may grow to
    };
    explicit LmdbEnv(const Options& options);
    ~LmdbEnv();
    LmdbEnv(const LmdbEnv&) = delete;
    LmdbEnv& operator=(const LmdbEnv&) = delete;

    [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
    [[nodiscard]] const Hash& genesis_hash() const { return genesis_hash_; }
    /// True if this start made the database.
    [[nodiscard]] bool is_new() const { return is_new_; }
    /// Bytes of the file that were ever in use, for status.
    [[nodiscard]] std::uint64_t used_bytes() const;
    /// Without the pages that were given back, which writes take again; costs a walk over their
    /// list. Not inside a transaction of this thread.
    [[nodiscard]] std::uint64_t held_bytes() const;

    // For the stores of this room.
    [[nodiscard]] MDB_env* raw() const { return env_; }
    [[nodiscard]] const LmdbDatabases& databases() const { return databases_; }
    /// Set by the first failed write; see store_error.hpp.
    [[nodiscard]] std::optional<StoreError> failed() const { return failed_; }
    void mark_failed(StoreError error) { failed_ = error; }

private:
    void make(const Options& options, const std::filesystem::path& file);
    void open(const Options& options, const std::filesystem::path& file);
    void open_file(const Options& options, const std::filesystem::path& file);
    void open_databases(const std::filesystem::path& file);
    void check_file_bytes() const;
    void write_birth();
    void check_birth() const;

    std::filesystem::path directory_;
    Hash genesis_hash_;
    DirectoryLock lock_;
    MDB_env* env_ = nullptr;
    LmdbDatabases databases_;
    std::optional<StoreError> failed_;
    std::uint64_t found_commit_ = 0; // what LMDB calls the state that this start found
    bool is_new_ = false;
};

} // namespace belfry::ledger
