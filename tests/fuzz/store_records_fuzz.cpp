// SPDX-License-Identifier: Apache-2.0
// store_records_fuzz: any bytes as records of the ledger's databases: every reader gives an answer
// or corrupt_record, and what has no right checksum is never believed.
// Input    records of: u8 database and, bit 7, whether the checksum is right | u8 key: a usual one
//          by number, or above 127 as many bytes of the input | u16 length | content.
#include "base/check.hpp"
#include "ledger/store/account_store.hpp"
#include "ledger/store/address_index.hpp"
#include "ledger/store/block_store.hpp"
#include "ledger/store/crc32c.hpp"
#include "ledger/store/key_bytes.hpp"
#include "ledger/store/lmdb_transaction.hpp"
#include "ledger/store/proof_store.hpp"
#include "ledger/store/span_key.hpp"
#include "tests/fuzz/memory_directory.hpp"
#include "tests/ledger/sample_block.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace belfry::ledger {
namespace {

LmdbEnv& env()
{
    static const MemoryDirectory directory;
    static LmdbEnv only(
        {.directory = directory.path(), .genesis_hash = {}, .map_bytes = 64U << 20});
    return only;
}

constexpr Slot slot{5};
constexpr std::uint8_t proof_kind = 3;

/// Keys as the stores write them, of the few things that the readers below ask for.
Bytes usual_key(const std::string_view database, std::uint8_t number)
{
    Bytes key;
    ByteWriter out(key);
    const Slot at{slot.value + number / 4 % 4};
    if (database == "meta") {
        const std::string_view name = number % 2 == 0 ? "anchor" : "indexed";
        out.bytes({reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
    } else if (database == "accounts") {
        out.bytes(Pubkey{{number}}.view());
    } else if (database == "signatures") {
        append_key_integer(key, span_end(at).value, 8);
        out.bytes(Signature{{number}}.view());
    } else if (database == "addresses") {
        append_key_integer(key, span_end(at).value, 8);
        out.bytes(Pubkey{{1}}.view());
        append_key_integer(key, at.value, 8);
        append_key_integer(key, number % 4, 4);
    } else {
        append_key_integer(key, at.value, 8);
        if (database == "sets") {
            append_key_integer(key, number % 4, 4);
            out.bytes(filled_hash(number % 4).view());
        } else if (database == "blocks") {
            out.bytes(filled_hash(number % 4).view());
        } else if (database == "proofs") {
            append_key_integer(key, proof_kind, 1);
            append_key_integer(key, number % 4, 2);
        }
    }
    return key;
}

/// A fuzzer that sees what is compared finds the right one now and then.
bool ends_in_its_checksum(std::string_view database, ByteView key, ByteView all)
{
    constexpr std::size_t checksum_bytes = 4;
    if (all.size() < checksum_bytes) {
        return false;
    }
    const ByteView name{reinterpret_cast<const std::uint8_t*>(database.data()), database.size()};
    ByteReader end(all.last(checksum_bytes));
    return end.u32() == crc32c(all.first(all.size() - checksum_bytes), crc32c(key, crc32c(name)));
}

void put_raw(LmdbTransaction& transaction, const LmdbDatabase& database, ByteView key, ByteView all)
{
    MDB_val key_value{key.size(), const_cast<std::uint8_t*>(key.data())};
    MDB_val content{all.size(), const_cast<std::uint8_t*>(all.data())};
    BELFRY_CHECK(mdb_put(transaction.raw(), database.handle, &key_value, &content, 0) == 0);
}

void read_blocks()
{
    const BlockReader reader(env());
    for (std::uint64_t i = 0; i < 4; ++i) {
        const Slot at{slot.value + i};
        for (std::uint32_t n = 0; n < 4; ++n) {
            const auto set = reader.set({.slot = at, .index = n, .root = filled_hash(n)});
            if (set && *set) {
                BELFRY_CHECK(shred_set_shape_is_valid(**set));
            }
            (void)reader.successor({.slot = at, .index = n, .root = filled_hash(n)});
            (void)reader.sets_at(at, n, 3);
            const BlockRef ref{.slot = at, .id = filled_hash(n)};
            const auto block = reader.block(ref);
            if (block && *block) {
                BELFRY_CHECK((*block)->ref == ref && (*block)->set_roots.back() == ref.id);
            }
            (void)reader.sets_of_block(ref, {});
            (void)reader.load_block(ref);
        }
        (void)reader.finalized_at(at);
        (void)reader.find_signature(Signature{{static_cast<std::uint8_t>(i)}});
    }
    std::size_t visited = 0;
    (void)reader.for_each_block_after(Slot{}, [&](const BlockRecord&) { return ++visited < 64; });
    (void)reader.lowest_block();
    (void)reader.highest_block();
    (void)reader.last_finalized();
    (void)reader.finalized_before({.from = Slot{UINT64_MAX}, .count_max = 8});
    (void)reader.finalized_from(Slot{}, 8);
}

void read_accounts_and_proofs()
{
    const AccountStore accounts(env());
    const auto anchor = accounts.anchor();
    std::uint64_t count = 0;
    const auto loaded = accounts.load_all([&](const Pubkey&, Account&& account) {
        BELFRY_CHECK(account.data.size() <= account_data_bytes_max);
        ++count;
    });
    BELFRY_CHECK(!loaded || !anchor || !*anchor || (*anchor)->account_count == count);
    const ProofReader proofs(env());
    (void)proofs.newest({}, 8);
    const AddressIndex index(env());
    (void)index.up_to();
    const auto entries = index.newest({.address = Pubkey{{1}}, .before = {}, .count_max = 8});
    for (std::size_t i = 1; entries && i < entries->size(); ++i) {
        BELFRY_CHECK((*entries)[i].place < (*entries)[i - 1].place);
    }
}

const std::array<LmdbDatabase, 8>& databases()
{
    const LmdbDatabases& all = env().databases();
    static const std::array<LmdbDatabase, 8> list{all.meta,       all.sets,     all.blocks,
                                                  all.chain,      all.accounts, all.proofs,
                                                  all.signatures, all.addresses};
    return list;
}

struct Key {
    std::size_t database;
    Bytes bytes;
    friend auto operator<=>(const Key&, const Key&) = default;
};

void feed(ByteView input)
{
    std::set<Key> unsound;
    std::set<Key> all;
    ByteReader in(input);
    auto writing = LmdbTransaction::write(env()).value();
    while (in.left() > 4 && all.size() < 64) {
        const std::uint8_t flags = in.u8();
        const std::uint8_t number = in.u8();
        const std::size_t wanted = in.u16();
        Key key{.database = flags % databases().size(), .bytes = {}};
        const LmdbDatabase& database = databases()[key.database];
        if (number < 128) {
            key.bytes = usual_key(database.name, number);
        } else {
            const ByteView raw = in.bytes(std::min<std::size_t>(in.left(), number - 127U));
            key.bytes.assign(raw.begin(), raw.end());
        }
        const ByteView content = in.bytes(std::min(in.left(), wanted));
        if (key.bytes.empty() || (key.database == 0 && number >= 128)) {
            continue; // LMDB has no empty key; "schema" and "genesis" are not for spoiling
        }
        all.insert(key);
        if ((flags & 128) != 0) {
            put_raw(writing, database, key.bytes, content);
        } else {
            BELFRY_CHECK(writing.put(database, key.bytes, content).has_value());
        }
        if ((flags & 128) != 0 && !ends_in_its_checksum(database.name, key.bytes, content)) {
            unsound.insert(key);
        } else {
            unsound.erase(key);
        }
    }
    BELFRY_CHECK(writing.commit().has_value());
    const auto reading = LmdbTransaction::read(env()).value();
    for (const Key& key : all) {
        const auto got = reading.get(databases()[key.database], key.bytes);
        BELFRY_CHECK(got.has_value() != unsound.contains(key));
        BELFRY_CHECK(got || got.error() == StoreError::corrupt_record);
        auto cursor = LmdbCursor::open(reading, databases()[key.database]).value();
        const LmdbCursor::Step step = cursor.seek(key.bytes);
        BELFRY_CHECK(step.has_value() != unsound.contains(key));
        BELFRY_CHECK(!step || std::ranges::equal((*step)->content, **got));
    }
    read_blocks();
    read_accounts_and_proofs();
    (void)BlockStore(env()).prune(Slot{slot.value + 1}, 16);
    (void)ProofStore(env()).prune(Slot{slot.value + 1}, 33, 16);
    auto erasing = LmdbTransaction::write(env()).value();
    for (const Key& key : all) {
        BELFRY_CHECK(erasing.erase(databases()[key.database], key.bytes).has_value());
    }
    BELFRY_CHECK(erasing.commit().has_value() && !env().failed());
}

} // namespace
} // namespace belfry::ledger

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t byte_count)
{
    belfry::ledger::feed({data, byte_count});
    return 0;
}
