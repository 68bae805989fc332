// SPDX-License-Identifier: Apache-2.0
// Claim    with the vector kernels one core makes the sets of 400 MB/s of stream and checks and
//          rebuilds those of 150 MB/s; a place in a tree of 100 costs no more than checking a
//          shred.
// Command  build/release/bench/shred
#include "crypto/keypair.hpp"
#include "dataplane/fec/fec_resolver.hpp"
#include "dataplane/shred/shredder.hpp"
#include "dataplane/turbine/tree.hpp"

#include <benchmark/benchmark.h>

#include <random>

namespace belfry::dataplane {
namespace {

Hash genesis()
{
    Hash out;
    out.bytes.fill(0x67);
    return out;
}

const crypto::Keypair& leader()
{
    static const crypto::Keypair key = crypto::Keypair::from_seed(Bytes(32, 1));
    return key;
}

SetOut full_set()
{
    std::mt19937_64 random(1);
    Bytes stream(set_stream_bytes_max);
    for (std::uint8_t& byte : stream) {
        byte = static_cast<std::uint8_t>(random());
    }
    Shredder shredder({.genesis = genesis(), .slot = Slot{1}, .parent = {Slot{0}, genesis()}},
                      leader());
    static_cast<void>(shredder.push(stream));
    return shredder.finish();
}

void shredder_full_set(benchmark::State& state)
{
    const Bytes stream = full_set().set.payload;
    for (auto _ : state) {
        Shredder shredder({.genesis = genesis(), .slot = Slot{1}, .parent = {Slot{0}, genesis()}},
                          leader());
        benchmark::DoNotOptimize(shredder.push(stream));
        benchmark::DoNotOptimize(shredder.finish());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(set_stream_bytes_max));
}
BENCHMARK(shredder_full_set)->Unit(benchmark::kMicrosecond);

/// state.range(0): how many of the 32 rows that come first are parity.
void resolver_full_set(benchmark::State& state)
{
    const SetOut set = full_set();
    const auto parity_count = static_cast<std::size_t>(state.range(0));
    for (auto _ : state) {
        FecResolver::Options options;
        options.genesis = genesis();
        options.leader_of = [](Slot) {
            return std::optional{leader().pubkey()};
        };
        FecResolver resolver(options);
        for (std::size_t i = parity_count; i < parity_count + data_rows_max; ++i) {
            benchmark::DoNotOptimize(resolver.accept(set.datagrams.at(i), {}));
        }
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(set_stream_bytes_max));
}
BENCHMARK(resolver_full_set)->Arg(0)->Arg(16)->Arg(32)->Unit(benchmark::kMicrosecond);

void turbine_children(benchmark::State& state)
{
    TurbineTree::Options options;
    options.genesis = genesis();
    const auto count = static_cast<std::uint8_t>(state.range(0));
    for (std::uint8_t i = 0; i < count; ++i) {
        Pubkey key;
        key.bytes.fill(i);
        options.roster.push_back({.key = key, .stake = Stake{1000U + i}});
    }
    TurbineTree tree(std::move(options));
    std::uint8_t shred_index = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(tree.children_of(1, {Slot{7}, 3, ++shred_index}, 0));
    }
}
BENCHMARK(turbine_children)->Arg(4)->Arg(100);

} // namespace
} // namespace belfry::dataplane

BENCHMARK_MAIN();
