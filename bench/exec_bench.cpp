// SPDX-License-Identifier: Apache-2.0
// Claim: what one block of transfers costs to replay and to build, without the signatures and with
// them, and how much of it the second thread takes over.
// Command: ./dev bench exec --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
#include "crypto/ed25519_bulk_sign.hpp"
#include "crypto/sha256.hpp"
#include "exec/bank.hpp"
#include "ledger/model/transaction_builder.hpp"

#include <benchmark/benchmark.h>

#include <span>
#include <vector>

namespace {

using namespace belfry; // NOLINT(google-build-using-namespace)

constexpr std::size_t account_count = 20'000;
constexpr std::size_t transfer_count = 8'192;

struct Fixture {
    std::vector<crypto::InsecureSigningKey> keys;
    ledger::Genesis genesis;
    Pubkey leader;
    std::vector<ledger::Transaction> transactions;
    std::vector<const ledger::Transaction*> pointers;
    ledger::Block block;

    /// hot: of a hundred transfers so many go to one account.
    explicit Fixture(std::size_t hot)
    {
        for (std::uint64_t i = 0; i < account_count; ++i) {
            Bytes seed;
            ByteWriter(seed).u64(i);
            keys.push_back(crypto::InsecureSigningKey::from_seed(crypto::sha256(seed).view()));
            ledger::Account account;
            account.lamports = Lamports{1'000'000'000};
            genesis.accounts.push_back({keys.back().pubkey, account});
        }
        genesis.validators.push_back({"one", keys[0].pubkey, Stake{1}});
        leader = keys[0].pubkey;
        const Hash blockhash = ledger::genesis_hash(genesis);
        for (std::size_t i = 0; i < transfer_count; ++i) {
            const crypto::InsecureSigningKey& from = keys[1 + i];
            const Pubkey to = i % 100 < hot ? keys.back().pubkey : keys[10'000 + i].pubkey;
            const ledger::Instruction transfer = ledger::system_transfer(
                {.from = from.pubkey, .to = to, .lamports = Lamports{i + 1}});
            const Bytes message = ledger::build_message(
                {.fee_payer = from.pubkey, .recent_blockhash = blockhash}, std::span(&transfer, 1));
            Signature signature;
            const crypto::InsecureSignJob job{&from, message, &signature};
            crypto::insecure_sign_many(std::span(&job, 1));
            transactions.push_back(*ledger::parse_transaction(
                ledger::assemble_transaction(std::span(&signature, 1), message)));
        }
        for (const ledger::Transaction& transaction : transactions) {
            pointers.push_back(&transaction);
        }
        exec::Bank bank(genesis, exec::Bank::Options{});
        auto builder = bank.start_block({Slot{1}, bank.genesis_hash(), leader}).value();
        add_all(*builder);
        (void)builder->finish();
        block.ref = {Slot{1}, crypto::sha256(Bytes{1})};
        block.parent = builder->parent();
        block.stream = builder->take_stream();
    }

    void add_all(exec::BlockBuilder& builder) const
    {
        for (std::size_t begin = 0; begin < pointers.size(); begin += 512) {
            const auto outcomes = builder.add(std::span(pointers).subspan(begin, 512));
            benchmark::DoNotOptimize(outcomes.data());
        }
    }
};

const Fixture& fixture(std::size_t hot)
{
    static const Fixture spread(0);
    static const Fixture crowded(50);
    return hot == 0 ? spread : crowded;
}

/// Arguments: threads, transfers of a hundred to one account, signatures are checked.
void replay(benchmark::State& state)
{
    const Fixture& given = fixture(static_cast<std::size_t>(state.range(1)));
    for (auto _ : state) {
        state.PauseTiming();
        auto bank = std::make_unique<exec::Bank>(
            given.genesis, exec::Bank::Options{.threads = static_cast<std::size_t>(state.range(0)),
                                               .verify_signatures = state.range(2) != 0});
        state.ResumeTiming();
        const auto replayed = bank->replay(given.block, given.leader);
        if (!replayed) {
            state.SkipWithError("replay failed");
            break;
        }
        state.PauseTiming();
        bank.reset();
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(transfer_count));
}
BENCHMARK(replay)
    ->ArgNames({"threads", "hot", "verify"})
    ->ArgsProduct({{1, 2}, {0, 50}, {0, 1}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

/// Execution and entries of a block that this node builds, without its hashes. Argument: threads.
void build(benchmark::State& state)
{
    const Fixture& given = fixture(0);
    for (auto _ : state) {
        state.PauseTiming();
        auto bank = std::make_unique<exec::Bank>(
            given.genesis,
            exec::Bank::Options{.threads = static_cast<std::size_t>(state.range(0))});
        auto builder = bank->start_block({Slot{1}, bank->genesis_hash(), given.leader}).value();
        state.ResumeTiming();
        given.add_all(*builder);
        state.PauseTiming();
        builder.reset();
        bank.reset();
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(transfer_count));
}
BENCHMARK(build)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

} // namespace

BENCHMARK_MAIN();
