// SPDX-License-Identifier: Apache-2.0
// hash_kernels_fuzz: messages of any lengths in one batch, alone and behind a prefix, chains of any
// lengths: every kernel of SHA-256, SHA-512 and Keccak gives what the portable one gives, and that
// is what OpenSSL gives, or for Keccak-256, whose padding OpenSSL does not have, the definition.
// Input    u16 length | bytes, repeated.
#include "base/check.hpp"
#include "crypto/keccak_choice.hpp"
#include "crypto/sha256_choice.hpp"
#include "crypto/sha512_choice.hpp"
#include "tests/crypto/slow_keccak.hpp"

#include <openssl/sha.h>

#include <algorithm>

namespace belfry::crypto {
namespace {

void check_sha256(ByteView prefix, const std::vector<ByteView>& messages)
{
    std::vector<Hash> expected(messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
        Bytes whole(prefix.begin(), prefix.end());
        whole.insert(whole.end(), messages[i].begin(), messages[i].end());
        SHA256(whole.data(), whole.size(), expected[i].bytes.data());
    }
    for (const auto& single : sha256_single_kernels()) {
        if (!single.supported(cpu_features())) {
            continue;
        }
        for (const auto& lanes : sha256_lanes_kernels()) {
            if (lanes.supported(cpu_features())) {
                std::vector<Hash> digests(messages.size());
                sha256_many_with(single.run, lanes.run, prefix, messages, digests);
                BELFRY_CHECK(digests == expected);
            }
        }
    }
}

void check_chains(const Hash& begin, std::uint64_t hash_count)
{
    Hash expected = begin;
    for (std::uint64_t i = 0; i < hash_count; ++i) {
        SHA256(expected.bytes.data(), expected.bytes.size(), expected.bytes.data());
    }
    std::uint32_t words[8];
    const auto load = [&] {
        for (std::size_t w = 0; w < 8; ++w) {
            words[w] = std::uint32_t{begin.bytes[4 * w]} << 24 |
                       std::uint32_t{begin.bytes[4 * w + 1]} << 16 |
                       std::uint32_t{begin.bytes[4 * w + 2]} << 8 | begin.bytes[4 * w + 3];
        }
    };
    const auto is_expected = [&](std::size_t w, std::uint32_t word) {
        return word == (std::uint32_t{expected.bytes[4 * w]} << 24 |
                        std::uint32_t{expected.bytes[4 * w + 1]} << 16 |
                        std::uint32_t{expected.bytes[4 * w + 2]} << 8 | expected.bytes[4 * w + 3]);
    };
    for (const auto& single : sha256_single_kernels()) {
        if (single.supported(cpu_features())) {
            load();
            single.run.chain(words, hash_count);
            for (std::size_t w = 0; w < 8; ++w) {
                BELFRY_CHECK(is_expected(w, words[w]));
            }
        }
    }
    for (const auto& lanes : sha256_lanes_kernels()) {
        if (!lanes.supported(cpu_features()) || lanes.run.chain == nullptr) {
            continue;
        }
        load();
        alignas(64) std::uint32_t all[8 * sha256_lanes];
        for (std::size_t i = 0; i < 8 * sha256_lanes; ++i) {
            all[i] = words[i / sha256_lanes];
        }
        lanes.run.chain(all, hash_count);
        for (std::size_t i = 0; i < 8 * sha256_lanes; ++i) {
            BELFRY_CHECK(is_expected(i / sha256_lanes, all[i]));
        }
    }
}

void check_sha512(const std::vector<ByteView>& messages)
{
    std::vector<Digest512> expected(messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
        SHA512(messages[i].data(), messages[i].size(), expected[i].bytes.data());
    }
    for (const auto& kernel : sha512_lanes_kernels()) {
        if (kernel.supported(cpu_features())) {
            std::vector<Digest512> digests(messages.size());
            sha512_many_with(kernel.run, messages, digests);
            BELFRY_CHECK(digests == expected);
        }
    }
}

void check_keccak(const std::vector<ByteView>& messages)
{
    std::vector<Hash> expected;
    for (const ByteView message : messages) {
        expected.push_back(keccak256(message));
    }
    for (std::size_t i = 0; i < std::min<std::size_t>(messages.size(), 2); ++i) { // it is slow
        BELFRY_CHECK(expected[i] == SlowKeccak::hash(messages[i]));
    }
    for (const auto& kernel : keccak_lanes_kernels()) {
        if (kernel.supported(cpu_features())) {
            std::vector<Hash> digests(messages.size());
            keccak256_many_with(kernel.run, messages, digests);
            BELFRY_CHECK(digests == expected);
        }
    }
}

} // namespace
} // namespace belfry::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry;         // NOLINT(google-build-using-namespace)
    using namespace belfry::crypto; // NOLINT(google-build-using-namespace)
    std::vector<ByteView> messages;
    ByteReader in(ByteView(data, size));
    while (in.left() >= 2 && messages.size() < 40) {
        const std::size_t wanted = in.u16() % 600;
        messages.push_back(in.bytes(std::min(wanted, in.left())));
    }
    check_sha256({}, messages);
    check_sha256(ByteView(data, size).first(std::min<std::size_t>(size, 1 + size % 63)), messages);
    check_sha512(messages);
    check_keccak(messages);
    Hash begin;
    std::copy_n(data, std::min<std::size_t>(size, 32), begin.bytes.begin());
    check_chains(begin, 1 + size % 20);
    return 0;
}
