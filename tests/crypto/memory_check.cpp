// SPDX-License-Identifier: Apache-2.0
// A plain driver for the memory sanitizer: every kernel over lengths and shapes that reach its
// tails. It fails if a digest, a row or a verdict depends on memory nobody wrote; agreement is
// asked too, so that every output byte is read.
#include "crypto/ed25519_batch_engine.hpp"
#include "crypto/ed25519_bulk_sign.hpp"
#include "crypto/keccak_choice.hpp"
#include "crypto/merkle.hpp"
#include "crypto/poh_choice.hpp"
#include "crypto/rs_choice.hpp"
#include "crypto/sha256_choice.hpp"
#include "crypto/sha512_choice.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

// libsodium is not instrumented: what it writes would count as unwritten. These stand for it here,
// where weights need not be secret.
namespace {
std::uint64_t stream_state = 1;
}
extern "C" {
int sodium_init()
{
    return 0;
}
void randombytes_buf(void* const out, const std::size_t bytes)
{
    for (std::size_t i = 0; i < bytes; ++i) {
        stream_state = stream_state * 6364136223846793005 + 1442695040888963407;
        static_cast<std::uint8_t*>(out)[i] = static_cast<std::uint8_t>(stream_state >> 56);
    }
}
int crypto_stream_chacha20(unsigned char* out, unsigned long long bytes, const unsigned char* nonce,
                           const unsigned char* key)
{
    for (unsigned i = 0; i < crypto_stream_chacha20_NONCEBYTES; ++i) {
        stream_state += nonce[i];
    }
    for (unsigned i = 0; i < crypto_stream_chacha20_KEYBYTES; ++i) {
        stream_state += key[i];
    }
    randombytes_buf(out, bytes);
    return 0;
}
}

namespace {

using namespace belfry;         // NOLINT(google-build-using-namespace): a program of one file
using namespace belfry::crypto; // NOLINT(google-build-using-namespace): a program of one file

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

/// Signed in bulk, some spoiled; every seventh message is longer than a slot for hashing.
void check_signatures()
{
    constexpr std::size_t count = 150;
    std::vector<InsecureSigningKey> keys;
    std::vector<Bytes> messages;
    for (std::size_t i = 0; i < count; ++i) {
        keys.push_back(InsecureSigningKey::from_seed(pattern(32, i % 100)));
        messages.push_back(pattern(i % 7 == 0 ? 1500 + i : i, i));
    }
    std::vector<Signature> signatures(count);
    std::vector<InsecureSignJob> sign;
    for (std::size_t i = 0; i < count; ++i) {
        sign.push_back({&keys[i], messages[i], &signatures[i]});
    }
    insecure_sign_many(sign);
    std::vector<Ed25519Job> jobs;
    for (std::size_t i = 0; i < count; ++i) {
        signatures[i].bytes[i % 64] ^= i % 11 == 3 ? 1 : 0;
        jobs.push_back({messages[i], &keys[i].pubkey, &signatures[i]});
        require(ed25519_verify(jobs[i]) == ed25519_verify_portable(jobs[i]), "one signature");
        require(ed25519_verify(jobs[i]) == (i % 11 != 3), "the verdict of one signature");
    }
    const auto verdicts = std::make_unique<bool[]>(count);
    for (const auto& kernel : ed25519_kernels()) {
        if (!kernel.supported(cpu_features())) {
            continue;
        }
        require(ed25519_self_test(kernel.run), kernel.name);
        for (const std::size_t cache_bytes : {std::size_t{0}, std::size_t{8000}}) {
            Ed25519BatchEngine<Zip215Rules> engine(
                {.jobs_max = count, .key_cache_bytes = cache_bytes}, *kernel.run);
            for (const std::size_t size :
                 {std::size_t{1}, std::size_t{9}, std::size_t{20}, count}) {
                for (std::size_t at = 0; at + size <= count; at += size) {
                    engine.verify(std::span(jobs).subspan(at, size), {verdicts.get() + at, size});
                    for (std::size_t i = at; i < at + size; ++i) {
                        require(verdicts[i] == (i % 11 != 3), kernel.name);
                    }
                }
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
    check_signatures();
    return 0;
}
