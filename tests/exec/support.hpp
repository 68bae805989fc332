// SPDX-License-Identifier: Apache-2.0
#pragma once
// support.hpp: what the tests of exec/ share: wallets, genesis, signed transactions, and blocks
//          built by one bank for another to replay.

#include "base/bytes.hpp"
#include "crypto/ed25519_bulk_sign.hpp"
#include "crypto/poh.hpp"
#include "crypto/sha256.hpp"
#include "exec/bank.hpp"
#include "ledger/model/block.hpp"
#include "ledger/model/entry.hpp"
#include "ledger/model/genesis.hpp"
#include "ledger/model/transaction.hpp"
#include "ledger/model/transaction_builder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace belfry::exec::test {

inline constexpr std::uint64_t sol = 1'000'000'000;
inline constexpr std::uint64_t fee = 5000;
inline constexpr std::uint64_t rent_minimum = 890'880; // of an account without data

/// The n-th wallet is the same in every run.
[[nodiscard]] inline crypto::InsecureSigningKey wallet(std::uint64_t n)
{
    Bytes seed;
    ByteWriter(seed).u64(n);
    return crypto::InsecureSigningKey::from_seed(crypto::sha256(seed).view());
}

[[nodiscard]] inline std::vector<crypto::InsecureSigningKey> wallets(std::size_t count)
{
    std::vector<crypto::InsecureSigningKey> made;
    for (std::size_t i = 0; i < count; ++i) {
        made.push_back(wallet(i));
    }
    return made;
}

/// A seed that the run prints, or the one of BELFRY_TEST_SEED.
[[nodiscard]] inline std::uint64_t seed_of_run()
{
    const char* fixed = std::getenv("BELFRY_TEST_SEED"); // NOLINT(concurrency-mt-unsafe)
    const std::uint64_t seed = fixed != nullptr ? std::stoull(fixed) : std::random_device{}();
    std::printf("BELFRY_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
    return seed;
}

/// Few hashes a slot, so that a test makes many blocks; the wallets hold 100 SOL each.
[[nodiscard]] inline ledger::Genesis
small_genesis(const std::vector<crypto::InsecureSigningKey>& funded)
{
    ledger::Genesis genesis;
    genesis.ticks_per_slot = 2;
    genesis.hashes_per_tick = 50;
    genesis.validators.push_back({"one", wallet(1'000'000).pubkey, Stake{1}});
    for (const crypto::InsecureSigningKey& key : funded) {
        ledger::Account account;
        account.lamports = Lamports{100 * sol};
        genesis.accounts.push_back({key.pubkey, account});
    }
    return genesis;
}

[[nodiscard]] inline Pubkey leader()
{
    return wallet(1'000'000).pubkey;
}

/// Signed by the payer and then by the others; the keys' order in the message is the builder's.
[[nodiscard]] inline Bytes
signed_wire(const std::vector<const crypto::InsecureSigningKey*>& signers, const Hash& blockhash,
            const std::vector<ledger::Instruction>& instructions)
{
    const Bytes message = ledger::build_message(
        {.fee_payer = signers.front()->pubkey, .recent_blockhash = blockhash}, instructions);
    // Signatures follow the order of keys in the message: ask a parsed copy for it.
    const std::vector<Signature> empty(message.at(0));
    const auto draft = ledger::parse_transaction(ledger::assemble_transaction(empty, message));
    std::vector<Signature> signatures(message.at(0));
    for (std::size_t i = 0; draft && i < signatures.size(); ++i) {
        for (const crypto::InsecureSigningKey* key : signers) {
            if (key->pubkey == draft->account(i)) {
                const crypto::InsecureSignJob job{key, message, &signatures[i]};
                crypto::insecure_sign_many(std::span(&job, 1));
            }
        }
    }
    return ledger::assemble_transaction(signatures, message);
}

[[nodiscard]] inline ledger::Transaction
transaction(const std::vector<const crypto::InsecureSigningKey*>& signers, const Hash& blockhash,
            const std::vector<ledger::Instruction>& instructions)
{
    return ledger::parse_transaction(signed_wire(signers, blockhash, instructions)).value();
}

struct TransferSpec {
    const crypto::InsecureSigningKey& from;
    Pubkey to;
    std::uint64_t lamports = 0;
    Hash blockhash;
};

[[nodiscard]] inline ledger::Transaction transfer(const TransferSpec& spec)
{
    return transaction(
        {&spec.from}, spec.blockhash,
        {ledger::system_transfer(
            {.from = spec.from.pubkey, .to = spec.to, .lamports = Lamports{spec.lamports}})});
}

[[nodiscard]] inline std::vector<const ledger::Transaction*>
pointers(const std::vector<ledger::Transaction>& transactions)
{
    std::vector<const ledger::Transaction*> made;
    for (const ledger::Transaction& one : transactions) {
        made.push_back(&one);
    }
    return made;
}

/// Stands in for the root of the last set: commits to the parent and to every byte.
[[nodiscard]] inline Hash id_of(const ledger::Block& block)
{
    Bytes name;
    ByteWriter out(name);
    out.u64(block.ref.slot.value);
    out.bytes(block.parent.id.view());
    return crypto::sha256({ByteView(name), ByteView(block.stream)});
}

struct BuiltBlock {
    ledger::Block block;
    const BlockState* state = nullptr; // in the bank that built it, until it is pruned there
    Anchor anchor;                     // copies that stay
    std::vector<TransactionStatus> statuses;
    std::vector<PackOutcome> outcomes;
};

struct BlockSpec {
    Hash parent;
    Slot slot;
    std::vector<ledger::Transaction> transactions = {};
    std::size_t batch = 64; // transactions per entry
    Pubkey leader_key = leader();
};

/// Builds and seals a block on the bank.
[[nodiscard]] inline BuiltBlock build(Bank& bank, const BlockSpec& spec)
{
    BuiltBlock built;
    auto builder =
        bank.start_block({.slot = spec.slot, .parent_id = spec.parent, .leader = spec.leader_key})
            .value();
    built.block.ref.slot = spec.slot;
    built.block.parent = builder->parent();
    const auto all = pointers(spec.transactions);
    for (std::size_t begin = 0; begin < all.size(); begin += spec.batch) {
        const std::size_t count = std::min(spec.batch, all.size() - begin);
        const auto outcomes = builder->add(std::span(all).subspan(begin, count));
        built.outcomes.insert(built.outcomes.end(), outcomes.begin(), outcomes.end());
        builder->advance(3);
        const Bytes piece = builder->take_stream();
        built.block.stream.insert(built.block.stream.end(), piece.begin(), piece.end());
    }
    (void)builder->finish();
    const Bytes rest = builder->take_stream();
    built.block.stream.insert(built.block.stream.end(), rest.begin(), rest.end());
    built.block.ref.id = id_of(built.block);
    built.state = bank.seal(std::move(builder), built.block.ref.id).value();
    built.anchor = built.state->anchor;
    built.statuses = built.state->statuses;
    return built;
}

[[nodiscard]] inline std::uint64_t balance(const Bank& bank, const Hash& block_id,
                                           const Pubkey& key)
{
    return bank.account(block_id, key).value().lamports.value;
}

/// Writes a block by hand, with a chain that is right for whatever is written.
class Forge {
public:
    explicit Forge(const BlockState& parent, std::uint64_t slot)
        : chain_(parent.blockhash())
    {
        block_.parent = parent.ref();
        block_.ref.slot = Slot{slot};
    }
    Forge& tick(std::uint32_t hash_count = 50)
    {
        chain_ = crypto::poh_append(chain_, hash_count);
        writer_.tick(hash_count, chain_);
        return *this;
    }
    Forge& transactions(const std::vector<Bytes>& wires, std::uint32_t hash_count = 1)
    {
        std::vector<Hash> hashes;
        std::vector<ByteView> views;
        for (const Bytes& wire : wires) {
            const auto parsed = ledger::parse_transaction(wire);
            hashes.push_back(parsed ? parsed->message_hash() : Hash{});
            views.push_back(wire);
        }
        chain_ = crypto::poh_mix(crypto::poh_append(chain_, hash_count - 1),
                                 ledger::entry_mixin(hashes));
        writer_.transactions(hash_count, chain_, views);
        return *this;
    }
    Forge& certificate(ByteView bytes)
    {
        writer_.certificate(bytes);
        return *this;
    }
    [[nodiscard]] ledger::Block close(const Hash& state_hash)
    {
        writer_.footer(state_hash, chain_);
        block_.stream = stream_;
        block_.ref.id = id_of(block_);
        return block_;
    }
    [[nodiscard]] ledger::Block close() { return close(Hash{}); }

private:
    Bytes stream_;
    ledger::EntryWriter writer_{stream_};
    ledger::Block block_;
    Hash chain_;
};

} // namespace belfry::exec::test
