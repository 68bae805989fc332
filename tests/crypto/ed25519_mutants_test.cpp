// SPDX-License-Identifier: Apache-2.0
// Breaks one rule of the batch equation at a time and shows that an input tells the broken engine
// from the true one.
#include "crypto/ed25519_batch_engine.hpp"
#include "tests/crypto/ed25519_cases.hpp"
#include "tests/crypto/ed25519_kernels_here.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

namespace belfry::crypto {
namespace {

using testing::Big;
using testing::CaseMaker;
using testing::on_every_kernel;
using testing::SignatureCase;

struct WithoutCofactor : Zip215Rules {
    static bool holds(const ExtendedPoint& sum) { return point_is_identity(sum); }
};

struct FixedWeights : Zip215Rules {
    static void draw_weights(WeightStream&, std::span<BatchWeight> weights)
    {
        for (BatchWeight& weight : weights) {
            weight.random = {BatchWeight::bias + 1, BatchWeight::bias}; // z = 1
        }
    }
};

/// 64 random bits from a seed that the sender knows.
std::uint64_t known_weight(std::mt19937_64& random)
{
    return random() | 1;
}
struct KnownSeed : Zip215Rules {
    static void draw_weights(WeightStream&, std::span<BatchWeight> weights)
    {
        std::mt19937_64 random(215);
        for (BatchWeight& weight : weights) {
            const std::uint64_t low = known_weight(random);
            const bool carry = BatchWeight::bias + low < low;
            weight.random = {BatchWeight::bias + low, BatchWeight::bias + (carry ? 1 : 0)};
        }
    }
};

struct StrictDecoding : Zip215Rules {
    static bool admits_encoding(ByteView bytes)
    {
        const std::optional<AffineNiels> point = point_decode(bytes);
        return point && std::ranges::equal(point_to_bytes(point_of(*point)), bytes);
    }
};

struct HashesCanonicalBytes : Zip215Rules {
    static void hashed_point(std::uint8_t* to, ByteView encoding)
    {
        const std::optional<AffineNiels> point = point_decode(encoding);
        std::ranges::copy(point_to_bytes(point_of(*point)), to);
    }
};

struct Judged {
    std::size_t wrong = 0; // verdicts other than expected
    std::size_t exact = 0; // signatures that one equation could not settle
};

template <class Rules>
Judged judge(const std::vector<SignatureCase>& cases, const Ed25519Lanes& lanes)
{
    std::vector<Ed25519Job> jobs;
    for (const SignatureCase& item : cases) {
        jobs.push_back(item.job());
    }
    Ed25519BatchEngine<Rules> engine({}, lanes);
    const auto verdicts = std::make_unique<bool[]>(jobs.size());
    engine.verify(jobs, {verdicts.get(), jobs.size()});
    Judged out;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        out.wrong += verdicts[i] != cases[i].expected ? 1U : 0U;
    }
    out.exact = engine.work().exact;
    return out;
}

void add_to_s(SignatureCase& item, const Big& error)
{
    const testing::Modulus& order = testing::group_order();
    const Big s = Big::little_endian(item.signature.view().last(32));
    item.signature = testing::join(Pubkey::from(item.signature.view().first(32)).bytes,
                                   order.add(s, error).to_32_bytes());
    item.expected = false;
}

std::vector<SignatureCase> honest(std::size_t count, std::uint64_t seed)
{
    CaseMaker make(seed);
    std::vector<SignatureCase> out;
    for (std::size_t i = 0; i < count; ++i) {
        out.push_back(make.with_torsion(0, 0));
    }
    return out;
}

TEST(Ed25519Mutants, good_signatures_of_mixed_order_hold_at_once_only_with_the_times_eight)
{
    CaseMaker make(21);
    std::vector<SignatureCase> cases;
    for (std::uint64_t i = 0; i < 24; ++i) {
        cases.push_back(make.with_torsion(i % 8, (3 * i) % 8));
    }
    on_every_kernel([&](const Ed25519Lanes& lanes) {
        std::size_t unsettled = 0;
        for (int draw = 0; draw < 20; ++draw) { // without it, an eighth still holds by luck
            const Judged right = judge<Zip215Rules>(cases, lanes);
            EXPECT_EQ(right.wrong + right.exact, 0U);
            unsettled += judge<WithoutCofactor>(cases, lanes).exact;
        }
        EXPECT_GT(unsettled, 0U);
    });
}

TEST(Ed25519Mutants, a_pair_that_cancels_inside_a_batch_is_caught_unless_weights_are_fixed)
{
    std::vector<SignatureCase> cases = honest(20, 22);
    add_to_s(cases[4], Big(1));
    add_to_s(cases[17], testing::group_order().sub(Big(0), Big(1)));
    on_every_kernel([&](const Ed25519Lanes& lanes) {
        EXPECT_EQ(judge<Zip215Rules>(cases, lanes).wrong, 0U);
        EXPECT_EQ(judge<FixedWeights>(cases, lanes).wrong, 2U);
    });
}

TEST(Ed25519Mutants, a_pair_made_for_known_64_bit_weights_is_caught_unless_they_are_used)
{
    std::vector<SignatureCase> cases = honest(20, 23);
    std::mt19937_64 random(215);
    const Big first(known_weight(random));
    const Big second(known_weight(random));
    const testing::Modulus& order = testing::group_order();
    add_to_s(cases[0], order.mul(second, Big(977)));
    add_to_s(cases[1], order.sub(Big(0), order.mul(first, Big(977))));
    on_every_kernel([&](const Ed25519Lanes& lanes) {
        EXPECT_EQ(judge<Zip215Rules>(cases, lanes).wrong, 0U);
        EXPECT_EQ(judge<KnownSeed>(cases, lanes).wrong, 2U);
    });
}

/// Good signatures whose key or R is encoded with y past p, or as -0.
std::vector<SignatureCase> non_canonical(std::uint64_t seed)
{
    CaseMaker make(seed);
    std::vector<SignatureCase> out;
    for (const testing::Bytes32& bytes : testing::small_order_encodings()) {
        const Big a = make.scalar();
        const testing::Bytes32 key =
            testing::slow_encode(testing::slow_multiply(a, testing::slow_base()));
        out.push_back(make.signed_by(a, Big(0), key, bytes, "R of small order"));
    }
    return out;
}

TEST(Ed25519Mutants, non_canonical_encodings_are_good_unless_decoding_is_strict)
{
    const std::vector<SignatureCase> cases = non_canonical(24);
    on_every_kernel([&](const Ed25519Lanes& lanes) {
        EXPECT_EQ(judge<Zip215Rules>(cases, lanes).wrong, 0U);
        EXPECT_GE(judge<StrictDecoding>(cases, lanes).wrong, 4U);
    });
}

TEST(Ed25519Mutants, the_challenge_is_over_the_bytes_as_received)
{
    const std::vector<SignatureCase> cases = non_canonical(25);
    on_every_kernel([&](const Ed25519Lanes& lanes) {
        EXPECT_EQ(judge<Zip215Rules>(cases, lanes).wrong, 0U);
        EXPECT_GE(judge<HashesCanonicalBytes>(cases, lanes).wrong, 4U);
    });
}

// A kernel with one broken part is refused by the self-test.

void decode_wrongly(const std::uint8_t* const* encodings, std::size_t count, Ed25519Row* rows,
                    std::uint8_t* decoded)
{
    ed25519_lanes_portable.decode(encodings, count, rows, decoded);
    if (count > 3) {
        decoded[3] = 0; // rejects y = p + 1, as strict decoding would
    }
}
void sum_wrongly(const Ed25519BucketJob* job)
{
    Ed25519BucketJob fewer = *job;
    --fewer.short_count;
    ed25519_lanes_portable.bucket_sums(&fewer);
}
void fold_wrongly(const Ed25519Sum* windows, std::size_t count, unsigned bits, Ed25519Sum* sum)
{
    ed25519_lanes_portable.fold_windows(windows, count - 1, bits, sum); // all but the last
}
unsigned accept_all(const Ed25519ExactLane*, std::size_t count, const Ed25519Row*, Ed25519Sum*)
{
    return (1U << count) - 1;
}
void multiply_wrongly(const std::int8_t* digits, std::size_t count, const Ed25519Row* comb,
                      Ed25519Sum* scratch, std::uint8_t* out)
{
    ed25519_lanes_portable.base_multiply(digits, count, comb, scratch, out);
    out[31] ^= 0x80; // the sign
}

TEST(Ed25519Kernels, the_self_test_accepts_every_kernel_of_this_cpu_and_refuses_broken_ones)
{
    on_every_kernel([](const Ed25519Lanes& lanes) { EXPECT_TRUE(ed25519_self_test(&lanes)); });
    for (int part = 0; part < 5; ++part) {
        Ed25519Lanes broken = ed25519_lanes_portable;
        switch (part) {
        case 0:
            broken.decode = decode_wrongly;
            break;
        case 1:
            broken.bucket_sums = sum_wrongly;
            break;
        case 2:
            broken.verify_exact = accept_all;
            break;
        case 3:
            broken.fold_windows = fold_wrongly;
            break;
        default:
            broken.base_multiply = multiply_wrongly;
        }
        EXPECT_FALSE(ed25519_self_test(&broken)) << part;
    }
}

TEST(Ed25519Kernels, the_window_grows_with_the_number_of_terms)
{
    on_every_kernel([](const Ed25519Lanes& lanes) {
        unsigned previous = 0;
        for (std::size_t terms = 16; terms <= 8192; terms *= 2) {
            const unsigned bits = ed25519_window_bits(lanes, terms, terms);
            EXPECT_GE(bits, previous);
            EXPECT_GE(bits, ed25519_window_bits_min);
            EXPECT_LE(bits, ed25519_window_bits_max);
            previous = bits;
        }
    });
}

} // namespace
} // namespace belfry::crypto
