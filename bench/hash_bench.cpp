// SPDX-License-Identifier: Apache-2.0
// hash_bench.cpp: digests, chains and trees beside OpenSSL's low-level API.
// Claims  SHA-512 of 264 B >= 4.7x, proof-of-history chain >= 1.35x and verification >= 6x,
//         SHA-256 of 1 KiB >= 3x, Merkle tree of 64 x 1 KiB >= 2.7x OpenSSL; Keccak in eight lanes
//         >= 6x one. On a core with AVX-512 (bench/RESULTS.md says which).
// Run     ./dev bench kernels --benchmark_filter='sha|poh|merkle|keccak'

#include "crypto/keccak.hpp"
#include "crypto/merkle.hpp"
#include "crypto/poh.hpp"
#include "crypto/sha256.hpp"
#include "crypto/sha512.hpp"

#include <benchmark/benchmark.h>
#include <openssl/sha.h>

#include <random>
#include <string_view>
#include <vector>

namespace belfry::crypto {
namespace {

constexpr std::size_t batch_count = 64;
constexpr std::size_t chain_hashes = 2000;
constexpr std::size_t leaf_count = 64;
constexpr std::size_t leaf_bytes = 1024;

/// Messages of one length, each in its own allocation.
struct Messages {
    Messages(std::size_t count, std::size_t message_bytes)
        : bytes(count, Bytes(message_bytes))
    {
        std::mt19937_64 random(1);
        for (Bytes& message : bytes) {
            for (std::uint8_t& byte : message) {
                byte = static_cast<std::uint8_t>(random());
            }
        }
        views.assign(bytes.begin(), bytes.end());
    }
    std::vector<Bytes> bytes;
    std::vector<ByteView> views;
};

void count_items(benchmark::State& state, std::size_t items)
{
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(items));
}

void count_bytes(benchmark::State& state, std::size_t bytes)
{
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void openssl_sha256(ByteView message, std::uint8_t* digest)
{
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, message.data(), message.size());
    SHA256_Final(digest, &context);
}

void sha512_belfry(benchmark::State& state)
{
    const Messages messages(batch_count, 264);
    std::vector<Digest512> digests(batch_count);
    for ([[maybe_unused]] auto _ : state) {
        sha512_many(messages.views, digests);
        benchmark::ClobberMemory();
    }
    count_items(state, batch_count);
}

void sha512_openssl(benchmark::State& state)
{
    const Messages messages(batch_count, 264);
    std::vector<Digest512> digests(batch_count);
    for ([[maybe_unused]] auto _ : state) {
        for (std::size_t i = 0; i < batch_count; ++i) {
            SHA512_CTX context;
            SHA512_Init(&context);
            SHA512_Update(&context, messages.views[i].data(), messages.views[i].size());
            SHA512_Final(digests[i].bytes.data(), &context);
        }
        benchmark::ClobberMemory();
    }
    count_items(state, batch_count);
}

void sha256_belfry(benchmark::State& state)
{
    const Messages messages(batch_count, 1024);
    std::vector<Hash> digests(batch_count);
    for ([[maybe_unused]] auto _ : state) {
        sha256_many(messages.views, digests);
        benchmark::ClobberMemory();
    }
    count_bytes(state, batch_count * 1024);
}

void sha256_openssl(benchmark::State& state)
{
    const Messages messages(batch_count, 1024);
    std::vector<Hash> digests(batch_count);
    for ([[maybe_unused]] auto _ : state) {
        for (std::size_t i = 0; i < batch_count; ++i) {
            openssl_sha256(messages.views[i], digests[i].bytes.data());
        }
        benchmark::ClobberMemory();
    }
    count_bytes(state, batch_count * 1024);
}

void poh_chain_belfry(benchmark::State& state)
{
    Hash chain;
    for ([[maybe_unused]] auto _ : state) {
        chain = poh_append(chain, chain_hashes);
        benchmark::DoNotOptimize(chain);
    }
    count_items(state, chain_hashes);
}

void poh_chain_openssl(benchmark::State& state)
{
    Hash chain;
    for ([[maybe_unused]] auto _ : state) {
        for (std::size_t i = 0; i < chain_hashes; ++i) {
            openssl_sha256(chain.view(), chain.bytes.data());
        }
        benchmark::DoNotOptimize(chain);
    }
    count_items(state, chain_hashes);
}

/// One block's worth: 64 ticks.
std::vector<PohSegment> right_segments()
{
    std::vector<PohSegment> segments(batch_count);
    Hash chain;
    for (PohSegment& segment : segments) {
        segment.start = chain;
        segment.hash_count = chain_hashes;
        chain = poh_append(chain, chain_hashes);
        segment.end = chain;
    }
    return segments;
}

void poh_verify_belfry(benchmark::State& state)
{
    const std::vector<PohSegment> segments = right_segments();
    for ([[maybe_unused]] auto _ : state) {
        if (!poh_verify(segments)) {
            state.SkipWithError("a right chain was refused");
            return;
        }
    }
    count_items(state, batch_count * chain_hashes);
}

void poh_verify_openssl(benchmark::State& state)
{
    const std::vector<PohSegment> segments = right_segments();
    for ([[maybe_unused]] auto _ : state) {
        for (const PohSegment& segment : segments) {
            Hash chain = segment.start;
            for (std::size_t i = 0; i < segment.hash_count; ++i) {
                openssl_sha256(chain.view(), chain.bytes.data());
            }
            if (chain != segment.end) {
                state.SkipWithError("a right chain was refused");
                return;
            }
        }
    }
    count_items(state, batch_count * chain_hashes);
}

void merkle_belfry(benchmark::State& state)
{
    const Messages rows(leaf_count, leaf_bytes);
    for ([[maybe_unused]] auto _ : state) {
        const MerkleTree tree(rows.views);
        benchmark::DoNotOptimize(tree.root());
    }
    count_items(state, 1);
}

void merkle_openssl(benchmark::State& state)
{
    const Messages rows(leaf_count, leaf_bytes);
    const auto tagged = [](std::string_view tag, ByteView left, ByteView right) {
        Hash out;
        SHA256_CTX context;
        SHA256_Init(&context);
        SHA256_Update(&context, tag.data(), tag.size());
        SHA256_Update(&context, left.data(), left.size());
        SHA256_Update(&context, right.data(), right.size());
        SHA256_Final(out.bytes.data(), &context);
        return out;
    };
    constexpr std::string_view leaf_tag("\0BELFRY_MERKLE_LEAF", 19);
    constexpr std::string_view node_tag("\1BELFRY_MERKLE_NODE", 19);
    const auto build = [&] {
        std::array<Hash, leaf_count> level;
        for (std::size_t i = 0; i < leaf_count; ++i) {
            level[i] = tagged(leaf_tag, rows.views[i], {});
        }
        for (std::size_t count = leaf_count / 2; count != 0; count /= 2) {
            for (std::size_t i = 0; i < count; ++i) {
                level[i] = tagged(node_tag, level[2 * i].view().first(merkle_node_bytes),
                                  level[2 * i + 1].view().first(merkle_node_bytes));
            }
        }
        return level[0];
    };
    if (build() != MerkleTree(rows.views).root()) {
        state.SkipWithError("another tree");
        return;
    }
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(build());
    }
    count_items(state, 1);
}

void keccak_many(benchmark::State& state)
{
    const Messages messages(batch_count, 200);
    std::vector<Hash> digests(batch_count);
    for ([[maybe_unused]] auto _ : state) {
        keccak256_many(messages.views, digests);
        benchmark::ClobberMemory();
    }
    count_items(state, batch_count);
}

void keccak_single(benchmark::State& state)
{
    const Messages messages(batch_count, 200);
    std::vector<Hash> digests(batch_count);
    for ([[maybe_unused]] auto _ : state) {
        for (std::size_t i = 0; i < batch_count; ++i) {
            digests[i] = keccak256(messages.views[i]);
        }
        benchmark::ClobberMemory();
    }
    count_items(state, batch_count);
}

BENCHMARK(sha512_belfry)->Name("sha512/belfry_x8");
BENCHMARK(sha512_openssl)->Name("sha512/openssl");
BENCHMARK(poh_chain_belfry)->Name("poh_chain/belfry");
BENCHMARK(poh_chain_openssl)->Name("poh_chain/openssl");
BENCHMARK(poh_verify_belfry)->Name("poh_verify/belfry");
BENCHMARK(poh_verify_openssl)->Name("poh_verify/openssl");
BENCHMARK(sha256_belfry)->Name("sha256/belfry_x16");
BENCHMARK(sha256_openssl)->Name("sha256/openssl");
BENCHMARK(merkle_belfry)->Name("merkle64x1k/belfry");
BENCHMARK(merkle_openssl)->Name("merkle64x1k/openssl");
BENCHMARK(keccak_many)->Name("keccak256/belfry_x8");
BENCHMARK(keccak_single)->Name("keccak256/belfry");

} // namespace
} // namespace belfry::crypto
