// SPDX-License-Identifier: Apache-2.0
// Claim    judging a datagram's source costs less than half of refusing a malformed transaction,
//          which costs less than a tenth of checking a signature; a batch with bad signatures costs
//          at most four times a good one, however many they are.
// Command  build/release/bench/ingress
#include "crypto/ed25519_bulk_sign.hpp"
#include "dataplane/ingress/admission.hpp"
#include "dataplane/ingress/verifier.hpp"
#include "ledger/model/transaction_builder.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <random>
#include <vector>

namespace belfry::dataplane {
namespace {

constexpr std::size_t batch_count = 256; // as the verify tile takes when there is more
constexpr std::size_t account_count = 1000;

std::vector<crypto::InsecureSigningKey> make_keys()
{
    std::mt19937_64 random(1);
    std::vector<crypto::InsecureSigningKey> keys;
    for (std::size_t i = 0; i < account_count; ++i) {
        Bytes seed(32);
        for (std::uint8_t& byte : seed) {
            byte = static_cast<std::uint8_t>(random());
        }
        keys.push_back(crypto::InsecureSigningKey::from_seed(seed));
    }
    return keys;
}

/// Signed transfers; every one in bad_one_in has another amount than was signed (0: none).
std::vector<Bytes> transfers(std::size_t bad_one_in)
{
    static const std::vector<crypto::InsecureSigningKey> keys = make_keys();
    std::vector<Bytes> out;
    for (std::size_t i = 0; i < batch_count; ++i) {
        const crypto::InsecureSigningKey& from = keys[i * 7 % account_count];
        const std::array instructions{ledger::system_transfer(
            {.from = from.pubkey, .to = keys[i].pubkey, .lamports = Lamports{i + 1}})};
        const Bytes message =
            ledger::build_message({.fee_payer = from.pubkey, .recent_blockhash = {}}, instructions);
        Signature signature;
        const crypto::InsecureSignJob job{&from, message, &signature};
        crypto::insecure_sign_many(std::span(&job, 1));
        Bytes wire = ledger::assemble_transaction(std::span(&signature, 1), message);
        if (bad_one_in != 0 && i % bad_one_in == 0) {
            wire.back() ^= 1;
        }
        out.push_back(std::move(wire));
    }
    return out;
}

/// state.range(0): one of so many is badly signed; 0: none.
void verify_batch(benchmark::State& state)
{
    const std::vector<Bytes> wires = transfers(static_cast<std::size_t>(state.range(0)));
    Verifier verifier(Hash{}, {.batch_max = batch_count});
    for (auto _ : state) {
        for (int i = 0; i < DuplicateFilter::Options{}.generations_kept; ++i) {
            verifier.next_generation(); // nothing is a duplicate of the round before
        }
        for (const Bytes& wire : wires) {
            verifier.add(Lane::transactions, wire);
        }
        benchmark::DoNotOptimize(verifier.verify([](const VerifiedTransaction&) {}));
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch_count));
}
BENCHMARK(verify_batch)->Arg(0)->Arg(64)->Arg(16)->Arg(4)->Arg(1)->Unit(benchmark::kMicrosecond);

/// A forged copy of what was seen costs no signature check, nor does an honest one.
void refuse_duplicates(benchmark::State& state)
{
    const std::vector<Bytes> wires = transfers(0);
    Verifier verifier(Hash{}, {.batch_max = batch_count});
    for (const Bytes& wire : wires) {
        verifier.add(Lane::transactions, wire);
    }
    verifier.verify([](const VerifiedTransaction&) {});
    for (auto _ : state) {
        for (const Bytes& wire : wires) {
            verifier.add(Lane::transactions, wire);
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch_count));
}
BENCHMARK(refuse_duplicates)->Unit(benchmark::kMicrosecond);

/// Refused at the very end, which is the dearest place.
void refuse_malformed(benchmark::State& state)
{
    std::vector<Bytes> wires = transfers(0);
    for (Bytes& wire : wires) {
        wire.pop_back();
    }
    Verifier verifier(Hash{}, {.batch_max = batch_count});
    for (auto _ : state) {
        for (const Bytes& wire : wires) {
            verifier.add(Lane::transactions, wire);
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch_count));
}
BENCHMARK(refuse_malformed)->Unit(benchmark::kMicrosecond);

/// state.range(0): how many addresses the datagrams come from in turn.
void judge_source(benchmark::State& state)
{
    Admission admission({.clients = {.packets_per_second = 1'000'000, .burst_packets = 1000},
                         .validators = {},
                         .strangers_per_second = 1000});
    std::vector<Endpoint> sources(static_cast<std::size_t>(state.range(0)));
    std::mt19937_64 random(2);
    for (Endpoint& source : sources) {
        source.family = Endpoint::Family::ipv4;
        for (std::size_t i = 0; i < 4; ++i) {
            source.address[i] = static_cast<std::uint8_t>(random());
        }
    }
    std::uint64_t now_ns = 1;
    std::size_t next = 0;
    for (auto _ : state) {
        now_ns += 100;
        next = next + 1 == sources.size() ? 0 : next + 1;
        benchmark::DoNotOptimize(admission.refuse(Lane::transactions, sources[next], now_ns));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(judge_source)->Arg(1)->Arg(1000)->Arg(1'000'000);

} // namespace
} // namespace belfry::dataplane

BENCHMARK_MAIN();
