// SPDX-License-Identifier: Apache-2.0
// scheduler_fuzz: batches of transfers, creations and looks at a third account among few wallets:
// with 2, 4 and 8 threads a block has the bytes, the outcomes and the state that one thread gives,
// built and replayed.
// Input    2 bytes a transaction.
#include "base/check.hpp"
#include "exec/arena.hpp"
#include "exec/bank.hpp"
#include "tests/exec/support.hpp"

#include <array>
#include <map>

namespace belfry::exec {
namespace {

using namespace test; // NOLINT(google-build-using-namespace)

constexpr std::size_t wallet_count = 48;
constexpr std::size_t funded_count = 40;

const std::vector<crypto::InsecureSigningKey>& keys()
{
    static const auto only = wallets(wallet_count);
    return only;
}

ledger::Genesis genesis()
{
    auto funded = keys();
    funded.resize(funded_count);
    ledger::Genesis made = small_genesis(funded);
    made.ticks_per_slot = 1;
    return made;
}

ledger::Transaction transaction_of(std::uint8_t first, std::uint8_t second, const Hash& blockhash)
{
    const crypto::InsecureSigningKey& from = keys()[first % wallet_count];
    const crypto::InsecureSigningKey& target = keys()[second % wallet_count];
    constexpr std::array<std::uint64_t, 4> amounts{1, rent_minimum, 60 * sol, 0};
    const Lamports lamports{amounts[first / 64]};
    if (second >= 192 && &from != &target) { // creates what may exist
        return transaction({&from, &target}, blockhash,
                           {ledger::system_create_account({.from = from.pubkey,
                                                           .new_account = target.pubkey,
                                                           .lamports = lamports,
                                                           .space_bytes = 0,
                                                           .owner = {}})});
    }
    ledger::Instruction moves =
        ledger::system_transfer({.from = from.pubkey, .to = target.pubkey, .lamports = lamports});
    if (first >= 128) { // reads one that others write: the balance in its status says when
        moves.accounts.push_back({.key = keys()[(first + second) % wallet_count].pubkey});
    }
    return transaction({&from}, blockhash, {moves});
}

/// Signing is slow: each is made once.
const ledger::Transaction& kept_transaction(std::uint8_t first, std::uint8_t second,
                                            const Hash& blockhash)
{
    static std::map<std::pair<std::uint8_t, std::uint8_t>, ledger::Transaction> made;
    const auto found = made.find({first, second});
    if (found != made.end()) {
        return found->second;
    }
    return made.emplace(std::pair(first, second), transaction_of(first, second, blockhash))
        .first->second;
}

void feed(ByteView input)
{
    static const ParallelismLimit limit(8);
    Bank serial(genesis(), Bank::Options{.verify_signatures = false});
    const Hash blockhash = serial.genesis_hash();
    std::vector<ledger::Transaction> transactions;
    for (std::size_t i = 0; i + 2 <= input.size() && transactions.size() < 200; i += 2) {
        transactions.push_back(kept_transaction(input[i], input[i + 1], blockhash));
    }
    const BlockSpec spec{
        .parent = blockhash, .slot = Slot{1}, .transactions = transactions, .batch = 120};
    const BuiltBlock one = build(serial, spec);
    for (const std::size_t threads : {2U, 4U, 8U}) {
        Bank parallel(genesis(), Bank::Options{.threads = threads, .verify_signatures = false});
        if (threads == 4) {
            const BuiltBlock many = build(parallel, spec);
            BELFRY_CHECK(many.block.stream == one.block.stream && many.anchor == one.anchor);
            continue;
        }
        const auto replayed = parallel.replay(one.block, leader());
        BELFRY_CHECK(replayed && (*replayed)->statuses == one.statuses);
        BELFRY_CHECK((*replayed)->anchor == one.anchor);
    }
}

} // namespace
} // namespace belfry::exec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    belfry::exec::feed({data, size});
    return 0;
}
