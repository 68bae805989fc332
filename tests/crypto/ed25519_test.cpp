// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519.hpp"
#include "crypto/ed25519_batch_engine.hpp"
#include "crypto/ed25519_bulk_sign.hpp"
#include "tests/crypto/ed25519_vectors.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <random>
#include <string>

namespace belfry::crypto {
namespace {

const std::string vectors_path = std::string(BELFRY_SOURCE_DIR) + "/tests/vectors/ed25519.txt";

TEST(Ed25519, single_verification_gives_the_published_verdict_of_every_vector)
{
    const auto vectors = testing::read_ed25519_vectors(vectors_path);
    ASSERT_TRUE(vectors.has_value());
    ASSERT_TRUE(vectors->bad_lines.empty());
    ASSERT_GT(vectors->all.size(), 100U);
    for (const testing::Ed25519Vector& vector : vectors->all) {
        const bool verdict = vector.well_formed() && ed25519_verify(vector.job());
        EXPECT_EQ(verdict, vector.expected) << vector.source;
    }
}

TEST(Ed25519, batches_give_the_published_verdict_of_every_vector_on_every_kernel)
{
    const auto vectors = testing::read_ed25519_vectors(vectors_path);
    ASSERT_TRUE(vectors.has_value());
    std::vector<Ed25519Job> jobs;
    std::vector<const testing::Ed25519Vector*> sources;
    for (const testing::Ed25519Vector& vector : vectors->all) {
        if (vector.well_formed()) {
            jobs.push_back(vector.job());
            sources.push_back(&vector);
        }
    }
    for (const Kernel<const Ed25519Lanes*>& kernel : ed25519_kernels()) {
        if (!kernel.supported(cpu_features())) {
            continue;
        }
        Ed25519BatchEngine<Zip215Rules> engine({}, *kernel.run);
        const auto verdicts = std::make_unique<bool[]>(jobs.size());
        for (std::size_t size : {1UL, 5UL, 8UL, 15UL, 16UL, 40UL, jobs.size()}) {
            for (std::size_t at = 0; at < jobs.size(); at += size) {
                const std::size_t count = std::min(size, jobs.size() - at);
                engine.verify(std::span(jobs).subspan(at, count), {verdicts.get() + at, count});
            }
            for (std::size_t i = 0; i < jobs.size(); ++i) {
                EXPECT_EQ(verdicts[i], sources[i]->expected)
                    << kernel.name << " size " << size << " " << sources[i]->source;
            }
        }
    }
}

TEST(Ed25519, insecure_bulk_signing_gives_the_bytes_of_libsodium)
{
    ASSERT_GE(sodium_init(), 0);
    std::mt19937_64 random(20'251);
    for (std::size_t length = 0; length < 300; length += 7) {
        std::array<std::uint8_t, 32> seed{};
        for (std::uint8_t& byte : seed) {
            byte = static_cast<std::uint8_t>(random());
        }
        Bytes message(length);
        for (std::uint8_t& byte : message) {
            byte = static_cast<std::uint8_t>(random());
        }
        const InsecureSigningKey key = InsecureSigningKey::from_seed(seed);
        std::array<std::uint8_t, 32> public_key{};
        std::array<std::uint8_t, 64> secret_key{};
        crypto_sign_seed_keypair(public_key.data(), secret_key.data(), seed.data());
        ASSERT_EQ(key.pubkey.bytes, public_key);
        Signature ours;
        const InsecureSignJob job{&key, message, &ours};
        insecure_sign_many({&job, 1});
        std::array<std::uint8_t, 64> theirs{};
        crypto_sign_detached(theirs.data(), nullptr, message.data(), message.size(),
                             secret_key.data());
        ASSERT_EQ(ours.bytes, theirs);
        EXPECT_TRUE(ed25519_verify({message, &key.pubkey, &ours}));
        ours.bytes[33] ^= 1;
        EXPECT_FALSE(ed25519_verify({message, &key.pubkey, &ours}));
    }
}

} // namespace
} // namespace belfry::crypto
