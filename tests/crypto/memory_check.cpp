// SPDX-License-Identifier: Apache-2.0
// A plain driver for the memory sanitizer: every kernel over lengths and shapes that reach its
// tails. It fails if a digest or a row depends on memory nobody wrote; agreement is asked too, so
// that every output byte is read.
#include "crypto/keccak_choice.hpp"
#include "crypto/merkle.hpp"
#include "crypto/poh_choice.hpp"
#include "crypto/rs_choice.hpp"
#include "crypto/sha256_choice.hpp"
#include "crypto/sha512_choice.hpp"

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

using namespace belfry;
using namespace belfry::crypto;

void require(bool condition, const char* what)
{
    if (!condition) {
        (void)std::fprintf(stderr, "memory_check: %s differs\n", what);
        std::exit(1); // NOLINT(concurrency-mt-unsafe): one thread
    }
}

Bytes pattern(std::size_t count, std::size_t seed)
{
    Bytes out(count);
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = static_cast<std::uint8_t>((i + seed) * (i + 3 * seed + 1));
    }
    return out;
}

void check_hashes()
{
    std::vector<Bytes> bytes; // each of its own, so that reading past one is seen
    for (std::size_t length = 0; length < 300; ++length) {
        bytes.push_back(pattern(length, length));
    }
    const std::vector<ByteView> messages(bytes.begin(), bytes.end());
    for (const auto& kernel : sha256_lanes_kernels()) {
        if (kernel.supported(cpu_features())) {
            std::vector<Hash> digests(messages.size());
            sha256_many_with(sha256_single_kernel().run, kernel.run, ByteView(bytes[19]), messages,
                             digests);
            for (std::size_t i = 0; i < messages.size(); ++i) {
                require(digests[i] == sha256({bytes[19], messages[i]}), "sha256");
            }
        }
    }
    for (const auto& kernel : sha512_lanes_kernels()) {
        if (kernel.supported(cpu_features())) {
            std::vector<Digest512> digests(messages.size());
            sha512_many_with(kernel.run, messages, digests);
            for (std::size_t i = 0; i < messages.size(); ++i) {
                require(digests[i] == sha512(messages[i]), "sha512");
            }
        }
    }
    for (const auto& kernel : keccak_lanes_kernels()) {
        if (kernel.supported(cpu_features())) {
            std::vector<Hash> digests(messages.size());
            keccak256_many_with(kernel.run, messages, digests);
            for (std::size_t i = 0; i < messages.size(); ++i) {
                require(digests[i] == keccak256(messages[i]), "keccak");
            }
        }
    }
    const MerkleTree tree(std::span(messages).first(200));
    Bytes proof(merkle_proof_nodes(200) * merkle_node_bytes);
    tree.proof(77, proof);
    require(merkle_root_from_proof(messages[77], 77, 200, proof) == tree.root(), "merkle");
}

void check_chains()
{
    std::vector<PohSegment> segments;
    for (std::size_t i = 0; i < 40; ++i) {
        const Hash start = Hash::from(pattern(32, i));
        segments.push_back({.start = start, .end = {}, .hash_count = i % 9 + 1, .mixin = {}});
        segments.back().end = poh_append(start, i % 9 + 1);
    }
    for (const auto& lanes : sha256_lanes_kernels()) {
        if (lanes.supported(cpu_features())) {
            require(poh_verify_with(sha256_single_kernel().run, lanes.run, segments), "chain");
        }
    }
}

void check_reed_solomon()
{
    for (const auto& kernel : rs_kernels()) {
        if (!kernel.supported(cpu_features())) {
            continue;
        }
        require(rs_self_test(kernel.run), kernel.name);
        for (const std::size_t row_bytes : {1UL, 31UL, 63UL, 65UL, 200UL}) {
            for (const auto& [k, m] : {std::pair{32UL, 32UL}, {64UL, 32UL}, {17UL, 5UL}}) {
                std::vector<Bytes> rows;
                for (std::size_t i = 0; i < k + m; ++i) {
                    rows.push_back(pattern(row_bytes, i));
                }
                const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(k);
                rs_encode_with(kernel.run, std::vector<ByteView>(rows.begin(), middle),
                               std::vector<std::span<std::uint8_t>>(middle, rows.end()));
                std::vector<RsRow> all;
                for (std::size_t i = 0; i < k + m; ++i) {
                    all.push_back({k + m - 1 - i, rows[k + m - 1 - i]});
                }
                require(rs_check(k, m, all).has_value(), kernel.name);
            }
        }
    }
}

} // namespace

int main()
{
    check_hashes();
    check_chains();
    check_reed_solomon();
    return 0;
}
