// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519.hpp"
#include "crypto/ed25519_batch_engine.hpp"
#include "crypto/ed25519_bulk_sign.hpp"
#include "tests/crypto/ed25519_cases.hpp"
#include "tests/crypto/ed25519_kernels_here.hpp"
#include "tests/crypto/ed25519_vectors.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <numeric>
#include <random>
#include <string>

namespace belfry::crypto {
namespace {

using Engine = Ed25519BatchEngine<Zip215Rules>;
using testing::on_every_kernel;
using testing::SignatureCase;

const std::string source_dir = BELFRY_SOURCE_DIR;

std::vector<bool> verify_in_batches(Engine& engine, std::span<const Ed25519Job> jobs,
                                    std::size_t size)
{
    const auto verdicts = std::make_unique<bool[]>(jobs.size());
    for (std::size_t at = 0; at < jobs.size(); at += size) {
        const std::size_t count = std::min(size, jobs.size() - at);
        engine.verify(jobs.subspan(at, count), {verdicts.get() + at, count});
    }
    return std::vector<bool>(verdicts.get(), verdicts.get() + jobs.size());
}

/// The first job whose verdict depends on the batch it is in, or -1.
long first_difference(Engine& engine, std::span<const Ed25519Job> jobs,
                      const std::vector<bool>& expected)
{
    std::vector<std::size_t> sizes{1, 2, 7, 8, 15, 16, 17, 33, 64, 100, jobs.size()};
    for (const std::size_t size : sizes) {
        const std::vector<bool> verdicts = verify_in_batches(engine, jobs, size);
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            if (verdicts[i] != expected[i]) {
                std::cout << "batch size " << size << '\n';
                return static_cast<long>(i);
            }
        }
    }
    return -1;
}

void expect_published_verdicts(const std::string& path)
{
    const auto vectors = testing::read_ed25519_vectors(path);
    ASSERT_TRUE(vectors.has_value());
    ASSERT_TRUE(vectors->bad_lines.empty());
    ASSERT_GT(vectors->all.size(), 100U);
    std::vector<Ed25519Job> jobs;
    std::vector<bool> expected;
    std::vector<const testing::Ed25519Vector*> sources;
    for (const testing::Ed25519Vector& vector : vectors->all) {
        const bool verdict = vector.well_formed() && ed25519_verify(vector.job());
        EXPECT_EQ(verdict, vector.expected) << vector.source;
        EXPECT_EQ(vector.well_formed() && ed25519_verify_portable(vector.job()), vector.expected);
        if (vector.well_formed()) {
            jobs.push_back(vector.job());
            expected.push_back(vector.expected);
            sources.push_back(&vector);
        }
    }
    on_every_kernel([&](const Ed25519Lanes& lanes) {
        Engine engine({}, lanes);
        const long at = first_difference(engine, jobs, expected);
        EXPECT_EQ(at, -1) << sources[static_cast<std::size_t>(at)]->source;
    });
}

TEST(Ed25519, every_published_vector_gets_its_verdict_singly_and_in_batches_on_every_kernel)
{
    expect_published_verdicts(source_dir + "/tests/vectors/ed25519.txt");
}

TEST(Ed25519, every_external_vector_gets_its_verdict_singly_and_in_batches_on_every_kernel)
{
    const std::string path = source_dir + "/../shared/vectors/external/ed25519_cctv.txt";
    if (!std::filesystem::exists(path)) {
        GTEST_SKIP() << "skipped: " << path << " is not there";
    }
    expect_published_verdicts(path);
}

TEST(Ed25519, adversarial_signatures_get_the_verdict_of_the_big_integer_reference)
{
    constexpr std::uint64_t seed = 20'251'120;
    const std::vector<SignatureCase> cases = testing::adversarial_cases(seed);
    std::vector<Ed25519Job> jobs;
    std::vector<bool> expected;
    std::size_t good_count = 0;
    for (const SignatureCase& item : cases) {
        jobs.push_back(item.job());
        expected.push_back(item.expected);
        good_count += item.expected ? 1U : 0U;
        EXPECT_EQ(ed25519_verify(item.job()), item.expected) << item.what << ", seed " << seed;
        EXPECT_EQ(ed25519_verify_portable(item.job()), item.expected) << item.what;
    }
    EXPECT_GT(good_count, 50U);
    EXPECT_GT(cases.size() - good_count, 50U);
    on_every_kernel([&](const Ed25519Lanes& lanes) {
        for (const bool coalesce : {false, true}) {
            Engine engine({.key_cache_bytes = 4096, .coalesce_keys = coalesce}, lanes);
            const long at = first_difference(engine, jobs, expected);
            EXPECT_EQ(at, -1) << cases[static_cast<std::size_t>(at)].what;
        }
    });
}

/// Honest signatures with random keys, some spoiled in one bit of key, message, R or S.
struct Mixed {
    std::vector<InsecureSigningKey> keys;
    std::vector<Bytes> messages;
    std::vector<Pubkey> pubkeys;
    std::vector<Signature> signatures;
    std::vector<Ed25519Job> jobs;

    Mixed(std::size_t count, std::size_t key_count, unsigned spoil_one_in, std::uint64_t seed)
    {
        std::mt19937_64 random(seed);
        const auto fill = [&random](std::span<std::uint8_t> bytes) {
            for (std::uint8_t& byte : bytes) {
                byte = static_cast<std::uint8_t>(random());
            }
        };
        keys.resize(key_count);
        for (InsecureSigningKey& key : keys) {
            std::array<std::uint8_t, 32> key_seed{};
            fill(key_seed);
            key = InsecureSigningKey::from_seed(key_seed);
        }
        signatures.resize(count);
        std::vector<InsecureSignJob> sign;
        for (std::size_t i = 0; i < count; ++i) {
            messages.emplace_back(random() % (i % 50 == 0 ? 3000 : 300));
            fill(messages.back());
            pubkeys.push_back(keys[i % key_count].pubkey);
        }
        for (std::size_t i = 0; i < count; ++i) {
            sign.push_back({&keys[i % key_count], messages[i], &signatures[i]});
        }
        insecure_sign_many(sign);
        for (std::size_t i = 0; i < count; ++i) {
            if (spoil_one_in != 0 && random() % spoil_one_in == 0) {
                const auto bit = static_cast<std::uint8_t>(1U << (random() % 8));
                switch (random() % 3) {
                case 0:
                    pubkeys[i].bytes[random() % 32] ^= bit;
                    break;
                case 1:
                    signatures[i].bytes[random() % 64] ^= bit;
                    break;
                default:
                    messages[i].push_back(bit);
                }
            }
            jobs.push_back({messages[i], &pubkeys[i], &signatures[i]});
        }
    }
};

bool sodium_accepts(const Ed25519Job& job)
{
    return crypto_sign_verify_detached(job.signature->bytes.data(), job.message.data(),
                                       job.message.size(), job.key->bytes.data()) == 0;
}

TEST(Ed25519, what_libsodium_accepts_is_accepted_and_ordinary_signatures_agree)
{
    ASSERT_GE(sodium_init(), 0);
    const Mixed mixed(700, 90, 5, 11);
    std::vector<bool> expected;
    for (const Ed25519Job& job : mixed.jobs) {
        expected.push_back(ed25519_verify(job));
        EXPECT_EQ(sodium_accepts(job), expected.back());
    }
    on_every_kernel([&](const Ed25519Lanes& lanes) {
        Engine engine({}, lanes);
        EXPECT_EQ(first_difference(engine, mixed.jobs, expected), -1);
    });
    std::size_t accepted = 0;
    for (const SignatureCase& item : testing::adversarial_cases(77)) {
        if (sodium_accepts(item.job())) {
            ++accepted;
            EXPECT_TRUE(ed25519_verify(item.job())) << item.what;
        }
    }
    EXPECT_GT(accepted, 0U);
}

TEST(Ed25519, a_verdict_does_not_depend_on_order_neighbours_or_size)
{
    const Mixed mixed(300, 300, 6, 12);
    std::mt19937_64 random(13);
    std::vector<std::size_t> order(mixed.jobs.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    on_every_kernel([&](const Ed25519Lanes& lanes) {
        Engine engine({.jobs_max = 128}, lanes);
        for (int round = 0; round < 6; ++round) {
            std::shuffle(order.begin(), order.end(), random);
            const std::size_t count = random() % order.size();
            std::vector<Ed25519Job> jobs;
            for (std::size_t i = 0; i < count; ++i) {
                jobs.push_back(mixed.jobs[order[i]]);
            }
            const std::vector<bool> verdicts = verify_in_batches(engine, jobs, order.size());
            for (std::size_t i = 0; i < count; ++i) {
                ASSERT_EQ(verdicts[i], ed25519_verify(jobs[i])) << "round " << round;
            }
        }
    });
}

TEST(Ed25519, one_signature_can_be_good_for_many_messages_and_is_judged_for_each)
{
    testing::CaseMaker make(3);
    const auto small = testing::small_order_encodings();
    const SignatureCase universal = make.small_order(small[1], small[5]);
    std::vector<Bytes> messages;
    for (std::size_t i = 0; i < 100; ++i) {
        messages.push_back(make.bytes(i));
    }
    std::vector<Ed25519Job> jobs;
    for (const Bytes& message : messages) {
        jobs.push_back({message, &universal.key, &universal.signature});
    }
    on_every_kernel([&](const Ed25519Lanes& lanes) {
        Engine engine({}, lanes);
        EXPECT_EQ(first_difference(engine, jobs, std::vector<bool>(100, true)), -1);
    });
}

/// What a batch of count costs when the jobs at these places have one byte more in their message.
Engine::Work work_with_bad(Mixed& mixed, std::size_t count, const std::vector<std::size_t>& bad)
{
    for (const std::size_t i : bad) {
        mixed.messages[i].push_back(1);
        mixed.jobs[i].message = mixed.messages[i];
    }
    Engine engine({.key_cache_bytes = 0}, *ed25519_kernel().run);
    const std::vector<bool> verdicts =
        verify_in_batches(engine, std::span(mixed.jobs).first(count), count);
    for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ(verdicts[i], std::ranges::find(bad, i) == bad.end()) << i;
    }
    for (const std::size_t i : bad) {
        mixed.messages[i].pop_back();
        mixed.jobs[i].message = mixed.messages[i];
    }
    return engine.work();
}

/// Sums cost about as much for each signature as exact lanes, or less; bench/kernels says what the
/// counts mean in time (one_bad, all_bad).
TEST(Ed25519, the_cost_of_bad_signatures_is_bounded)
{
    Mixed mixed(1024, 1024, 0, 14);
    std::vector<std::size_t> all(1024);
    std::iota(all.begin(), all.end(), std::size_t{0});
    for (const std::size_t count : {64UL, 1024UL}) {
        const Engine::Work good = work_with_bad(mixed, count, {});
        EXPECT_EQ(good.terms, count);
        EXPECT_EQ(good.exact, 0U);
        for (std::size_t bad = 0; bad < count; bad += count / 7) {
            const Engine::Work one = work_with_bad(mixed, count, {bad});
            EXPECT_LE(one.terms, 2 * count) << bad;
            EXPECT_LE(one.exact, 32U) << bad;
        }
        const std::span<const std::size_t> every = std::span(all).first(count);
        const Engine::Work worst = work_with_bad(mixed, count, {every.begin(), every.end()});
        EXPECT_LE(worst.terms, count + std::max(count / 16, 32UL));
        EXPECT_EQ(worst.exact, count);
    }
    // Places chosen to mislead: neither the probe nor the first halves see that many are bad.
    for (const std::size_t every : {2UL, 16UL, 64UL, 300UL}) {
        std::vector<std::size_t> bad;
        for (std::size_t i = 64; i < 1024; i += every) {
            bad.push_back(i);
        }
        const Engine::Work work = work_with_bad(mixed, 1024, bad);
        EXPECT_LE(work.terms, 3 * 1024U) << every;
        EXPECT_LE(work.exact, 1024U) << every;
    }
}

TEST(Ed25519, a_full_key_cache_changes_no_verdict)
{
    const Mixed mixed(400, 150, 7, 15);
    std::vector<bool> expected;
    for (const Ed25519Job& job : mixed.jobs) {
        expected.push_back(ed25519_verify(job));
    }
    for (const std::size_t cache_bytes : {0UL, 1'500UL, 8'000UL, 1UL << 20}) {
        Engine engine({.jobs_max = 64, .key_cache_bytes = cache_bytes}, *ed25519_kernel().run);
        EXPECT_EQ(first_difference(engine, mixed.jobs, expected), -1) << cache_bytes;
    }
}

TEST(Ed25519, the_public_verifier_takes_zero_jobs_and_more_than_it_has_room_for)
{
    const Mixed mixed(90, 90, 4, 16);
    Ed25519BatchVerifier verifier({.jobs_max = 20});
    verifier.verify({}, {});
    const auto verdicts = std::make_unique<bool[]>(90);
    verifier.verify(mixed.jobs, {verdicts.get(), 90});
    for (std::size_t i = 0; i < 90; ++i) {
        EXPECT_EQ(verdicts[i], ed25519_verify(mixed.jobs[i]));
    }
}

TEST(Ed25519, keys_of_small_order_and_non_canonical_keys_are_not_admissible)
{
    const auto small = testing::small_order_encodings();
    EXPECT_EQ(small.size(), 14U);
    for (const testing::Bytes32& bytes : small) {
        EXPECT_FALSE(ed25519_key_is_admissible(Pubkey::from(bytes)));
        EXPECT_FALSE(ed25519_key_is_prime_order(Pubkey::from(bytes)));
    }
    for (unsigned low = 0xED; low <= 0xFF; ++low) { // y = p .. 2^255 - 1
        Pubkey key;
        key.bytes.fill(0xFF);
        key.bytes[0] = static_cast<std::uint8_t>(low);
        EXPECT_FALSE(ed25519_key_is_admissible(key));
        key.bytes[31] = 0x7F;
        EXPECT_FALSE(ed25519_key_is_admissible(key));
    }
    testing::CaseMaker make(4);
    for (std::uint64_t torsion = 0; torsion < 8; ++torsion) {
        const Pubkey key = make.with_torsion(torsion, 0).key;
        EXPECT_TRUE(ed25519_key_is_admissible(key));
        EXPECT_EQ(ed25519_key_is_prime_order(key), torsion == 0);
    }
}

TEST(Ed25519, insecure_bulk_signing_gives_the_bytes_of_libsodium)
{
    ASSERT_GE(sodium_init(), 0);
    std::mt19937_64 random(20'251);
    std::vector<InsecureSigningKey> keys;
    std::vector<std::array<std::uint8_t, 64>> secret_keys;
    std::vector<Bytes> messages;
    for (std::size_t i = 0; i < 150; ++i) {
        std::array<std::uint8_t, 32> seed{};
        for (std::uint8_t& byte : seed) {
            byte = static_cast<std::uint8_t>(random());
        }
        messages.emplace_back(i % 17 == 0 ? 1400 + 10 * i : i);
        for (std::uint8_t& byte : messages.back()) {
            byte = static_cast<std::uint8_t>(random());
        }
        keys.push_back(InsecureSigningKey::from_seed(seed));
        std::array<std::uint8_t, 32> public_key{};
        secret_keys.emplace_back();
        crypto_sign_seed_keypair(public_key.data(), secret_keys.back().data(), seed.data());
        ASSERT_EQ(keys.back().pubkey.bytes, public_key);
    }
    std::vector<Signature> signatures(keys.size());
    std::vector<InsecureSignJob> jobs;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        jobs.push_back({&keys[i], messages[i], &signatures[i]});
    }
    insecure_sign_many(jobs);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        std::array<std::uint8_t, 64> theirs{};
        crypto_sign_detached(theirs.data(), nullptr, messages[i].data(), messages[i].size(),
                             secret_keys[i].data());
        EXPECT_EQ(signatures[i].bytes, theirs) << i;
    }
}

} // namespace
} // namespace belfry::crypto
