// SPDX-License-Identifier: Apache-2.0
#include "tests/ledger/data_directory.hpp"

#include "ledger/store/crc32c.hpp"

#include <lmdb.h>

#include <array>
#include <functional>
#include <stdexcept>

namespace belfry::ledger {

namespace {
MDB_val value_of(const Bytes& bytes)
{
    return {.mv_size = bytes.size(), .mv_data = const_cast<std::uint8_t*>(bytes.data())};
}

/// Written from layout.hpp's comment alone, so that the comment is tested too.
void with_database(const std::filesystem::path& directory, const std::string& name, bool changes,
                   const std::function<int(MDB_txn*, MDB_dbi)>& action)
{
    MDB_env* env = nullptr;
    MDB_txn* transaction = nullptr;
    MDB_dbi database = 0;
    const auto require = [](int code) {
        if (code != 0) {
            throw std::runtime_error(mdb_strerror(code));
        }
    };
    require(mdb_env_create(&env));
    require(mdb_env_set_maxdbs(env, 8));
    require(mdb_env_set_mapsize(env, 1U << 30));
    require(mdb_env_open(env, (directory / "ledger.mdb").c_str(), MDB_NOSUBDIR, 0600));
    require(mdb_txn_begin(env, nullptr, 0, &transaction));
    require(mdb_dbi_open(transaction, name.c_str(), 0, &database));
    require(action(transaction, database));
    if (changes) {
        MDB_dbi meta = 0;
        require(mdb_dbi_open(transaction, "meta", 0, &meta));
        Bytes key{'c', 'o', 'm', 'm', 'i', 't'};
        Bytes value;
        ByteWriter(value).u64(mdb_txn_id(transaction));
        Bytes summed{'m', 'e', 't', 'a'};
        summed.insert(summed.end(), key.begin(), key.end());
        summed.insert(summed.end(), value.begin(), value.end());
        ByteWriter(value).u32(crc32c(summed));
        MDB_val raw_key = value_of(key);
        MDB_val raw = value_of(value);
        require(mdb_put(transaction, meta, &raw_key, &raw, 0));
    }
    require(mdb_txn_commit(transaction));
    mdb_env_close(env);
}

} // namespace

ScratchDirectory::ScratchDirectory()
{
    std::string pattern =
        (std::filesystem::temp_directory_path() / "belfry_ledger_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error("no scratch directory");
    }
    path_ = pattern;
}

ScratchDirectory::~ScratchDirectory()
{
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Bytes raw_value(const std::filesystem::path& directory, const std::string& database,
                const Bytes& key)
{
    Bytes value;
    with_database(directory, database, false, [&](MDB_txn* transaction, MDB_dbi handle) {
        MDB_val raw_key = value_of(key);
        MDB_val raw{};
        const int code = mdb_get(transaction, handle, &raw_key, &raw);
        if (code == 0) {
            const auto* bytes = static_cast<const std::uint8_t*>(raw.mv_data);
            value.assign(bytes, bytes + raw.mv_size);
        }
        return code;
    });
    return value;
}

void put_raw_value(const std::filesystem::path& directory, const std::string& database,
                   const Bytes& key, const Bytes& value)
{
    with_database(directory, database, true, [&](MDB_txn* transaction, MDB_dbi handle) {
        MDB_val raw_key = value_of(key);
        MDB_val raw = value_of(value);
        return mdb_put(transaction, handle, &raw_key, &raw, 0);
    });
}

void erase_raw_value(const std::filesystem::path& directory, const std::string& database,
                     const Bytes& key)
{
    with_database(directory, database, true, [&](MDB_txn* transaction, MDB_dbi handle) {
        MDB_val raw_key = value_of(key);
        return mdb_del(transaction, handle, &raw_key, nullptr);
    });
}

} // namespace belfry::ledger
