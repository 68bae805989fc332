// SPDX-License-Identifier: Apache-2.0
#include "exec/state_hash.hpp"

#include "crypto/sha256.hpp"
#include "ledger/model/account.hpp"

#include <string_view>
#include <vector>

namespace belfry::exec {
namespace {

constexpr std::string_view domain = "belfry.state.1";
constexpr std::size_t accounts_per_chunk = 8; // an element costs about a microsecond

[[nodiscard]] ByteView element_of(Bytes& buffer, const Pubkey& key, const ledger::Account& account)
{
    buffer.clear();
    ledger::encode_account(buffer, key, account);
    return buffer;
}

/// One sum per worker, added up at the end: addition of lanes commutes.
class PartialSums {
public:
    explicit PartialSums(const Arena& arena)
        : sums_(arena.threads())
        , buffers_(arena.threads())
    {
    }
    void add(std::size_t worker, const Pubkey& key, const ledger::Account& account)
    {
        if (account.lamports.value != 0) {
            sums_[worker].add(element_of(buffers_[worker], key, account));
        }
    }
    void remove(std::size_t worker, const Pubkey& key, const ledger::Account& account)
    {
        if (account.lamports.value != 0) {
            sums_[worker].remove(element_of(buffers_[worker], key, account));
        }
    }
    void add_to(crypto::LtHash& total) const
    {
        for (const crypto::LtHash& sum : sums_) {
            total.add(sum);
        }
    }

private:
    std::vector<crypto::LtHash> sums_;
    std::vector<Bytes> buffers_;
};

} // namespace

Hash chain_state_hash(const Hash& parent_state_hash, const crypto::LtHash& lattice)
{
    const ByteView tag(reinterpret_cast<const std::uint8_t*>(domain.data()), domain.size());
    return crypto::sha256({tag, parent_state_hash.view(), lattice.view()});
}

void apply_to_lattice(crypto::LtHash& lattice, const StateDelta& delta, Arena& arena)
{
    PartialSums sums(arena);
    const std::span<const AccountChange> changes = delta.changes();
    arena.for_chunks(changes.size(), accounts_per_chunk, [&](const Chunk& chunk) {
        for (std::size_t i = chunk.begin; i < chunk.end; ++i) {
            sums.remove(chunk.worker, changes[i].key, changes[i].before);
            sums.add(chunk.worker, changes[i].key, changes[i].after);
        }
    });
    sums.add_to(lattice);
}

crypto::LtHash lattice_of(const AccountTable& accounts, Arena& arena)
{
    PartialSums sums(arena);
    arena.for_chunks(accounts.size(), accounts_per_chunk, [&](const Chunk& chunk) {
        for (std::size_t i = chunk.begin; i < chunk.end; ++i) {
            sums.add(chunk.worker, accounts.at(i).key, accounts.at(i).account);
        }
    });
    crypto::LtHash lattice;
    sums.add_to(lattice);
    return lattice;
}

} // namespace belfry::exec
