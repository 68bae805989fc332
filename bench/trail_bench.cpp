// SPDX-License-Identifier: Apache-2.0
// Claim: what a tile notes of a transaction costs it about ten nanoseconds, five notes at most on a
// transaction's whole way; a question of `belfry tx why` reads all rings in a fraction of a
// millisecond, on the RPC thread.
// Run: build/release/bench/trail --benchmark_repetitions=5
#include "node/transaction_trail.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <memory>

namespace belfry::node {
namespace {

Signature signature_of(std::uint64_t number)
{
    Signature out;
    for (std::size_t i = 0; i < out.bytes.size(); ++i) {
        out.bytes[i] = static_cast<std::uint8_t>((number * 0x9e3779b97f4a7c15U) >> (8 * (i % 8)));
    }
    return out;
}

void note(benchmark::State& state)
{
    const auto trail = std::make_unique<TransactionTrail>();
    std::array<Signature, 256> signatures;
    for (std::size_t i = 0; i < signatures.size(); ++i) {
        signatures[i] = signature_of(i);
    }
    std::uint64_t number = 0;
    for (auto _ : state) {
        trail->note(signatures[number % signatures.size()],
                    {.stage = TrailStage::pooled, .slot = Slot{number}, .time_ns = number});
        ++number;
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(note);

void find_in_full_rings(benchmark::State& state)
{
    const auto trail = std::make_unique<TransactionTrail>();
    const auto verify = std::make_unique<TrailRing>(32'768);
    for (std::uint64_t i = 0; i < 70'000; ++i) {
        const Signature signature = signature_of(i);
        trail->note(signature, {.stage = TrailStage::processed, .time_ns = i});
        trail->note(signature, {.stage = TrailStage::pool_full, .time_ns = i});
        verify->note(signature, {.stage = TrailStage::bad_signature, .time_ns = i});
    }
    const std::array<const TrailRing*, 3> rings{verify.get(), &trail->passed, &trail->dropped};
    const Signature wanted = signature_of(65'000);
    for (auto _ : state) {
        benchmark::DoNotOptimize(find_trail(wanted, rings));
    }
}
BENCHMARK(find_in_full_rings);

} // namespace
} // namespace belfry::node

BENCHMARK_MAIN();
