// SPDX-License-Identifier: Apache-2.0
// many_accounts.cpp: puts accounts into the data directory of a validator that does not run, for
// bench/restart.py: the state at its stored anchor, with so many accounts more and the hash of all.
//
//   many_accounts CONFIG COUNT        what was stored above the anchor is removed
#include "crypto/lthash.hpp"
#include "crypto/sha256.hpp"
#include "exec/block_state.hpp"
#include "exec/state_hash.hpp"
#include "ledger/model/account.hpp"
#include "ledger/store/account_store.hpp"
#include "ledger/store/block_store.hpp"
#include "ledger/store/lmdb_transaction.hpp"
#include "node/config.hpp"

#include <fmt/core.h>

#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace belfry::bench {
namespace {

template <class T>
T must(Result<T, ledger::StoreError> result)
{
    if (!result) {
        throw std::runtime_error(std::string(ledger::to_string(result.error())));
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

Bytes bytes_of(ByteView view)
{
    return {view.begin(), view.end()};
}

/// Blocks and the final chain above slot, and the anchor: a new one is written.
void cut_back(ledger::LmdbEnv& env, Slot slot)
{
    const ledger::LmdbDatabases& databases = env.databases();
    ledger::LmdbTransaction transaction = must(ledger::LmdbTransaction::write(env));
    for (const ledger::LmdbDatabase& database :
         {databases.sets, databases.blocks, databases.chain}) {
        std::vector<Bytes> keys;
        {
            ledger::LmdbCursor cursor = must(ledger::LmdbCursor::open(transaction, database));
            for (auto record = must(cursor.last()); record; record = must(cursor.previous())) {
                std::uint64_t at = 0;
                for (std::size_t i = 0; i < 8; ++i) {
                    at = at << 8 | record->key[i];
                }
                if (at <= slot.value) {
                    break;
                }
                keys.push_back(bytes_of(record->key));
            }
        }
        for (const Bytes& key : keys) {
            must(transaction.erase(database, key));
        }
    }
    constexpr std::string_view anchor = "anchor";
    must(transaction.erase(databases.meta,
                           {reinterpret_cast<const std::uint8_t*>(anchor.data()), anchor.size()}));
    must(transaction.commit());
}

void run(const char* config_file, std::uint64_t count)
{
    const node::NodeConfig config = node::load_config(config_file);
    const ledger::Genesis genesis = ledger::load_genesis(config.genesis);
    ledger::LmdbEnv env({.directory = config.data_directory,
                         .genesis_hash = ledger::genesis_hash(genesis),
                         .map_bytes = config.store.map_size_mb << 20});
    ledger::AccountStore store(env);
    std::optional<ledger::Anchor> anchor = must(store.anchor());
    if (!anchor) {
        throw std::runtime_error("there is no anchor yet; let the validator run for longer");
    }
    crypto::LtHash lattice;
    Bytes element;
    const auto add = [&](const Pubkey& key, const ledger::Account& account) {
        element.clear();
        ledger::encode_account(element, key, account);
        lattice.add(element);
    };
    must(store.load_all(
        [&add](const Pubkey& key, ledger::Account&& account) { add(key, account); }));
    std::vector<ledger::AccountChange> changes;
    for (std::uint64_t i = 0; i < count; ++i) {
        std::array<std::uint8_t, 8> number{};
        for (std::size_t byte = 0; byte < 8; ++byte) {
            number[byte] = static_cast<std::uint8_t>(i >> (8 * byte));
        }
        ledger::Account account;
        account.lamports = Lamports{1'000'000 + i};
        const Pubkey key = Pubkey::from(crypto::sha256(ByteView(number)).view());
        add(key, account);
        changes.push_back({key, std::move(account)});
    }
    ByteReader stored(anchor->metadata);
    exec::Anchor state = exec::decode_anchor(stored);
    state.state_hash = exec::chain_state_hash(state.parent_state_hash, lattice);
    anchor->state_hash = state.state_hash;
    anchor->metadata.clear();
    ByteWriter metadata(anchor->metadata);
    exec::encode(state, metadata);
    cut_back(env, anchor->block.slot);
    must(store.flush(changes, *anchor));
    fmt::print("{} accounts at slot {}\n", must(store.anchor())->account_count,
               anchor->block.slot.value);
}

} // namespace
} // namespace belfry::bench

int main(int argc, char** argv)
{
    if (argc != 3) {
        fmt::print(stderr, "usage: many_accounts CONFIG COUNT\n");
        return 64;
    }
    try {
        belfry::bench::run(argv[1], std::strtoull(argv[2], nullptr, 10));
    } catch (const std::exception& error) {
        fmt::print(stderr, "many_accounts: {}\n", error.what());
        return 1;
    }
    return 0;
}
