// SPDX-License-Identifier: Apache-2.0
// The oracle is the scalar arithmetic, which the signature tests hold against OpenSSL's integers.
#include "crypto/ed25519_quotient.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace belfry::crypto {
namespace {

constexpr Scalar group_order{{0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000}};
constexpr Scalar one{{1, 0, 0, 0}};

/// At most 2^126 + 1, which is what digits have room for.
bool is_half(const Weight128& value)
{
    return value[1] < std::uint64_t{1} << 62 ||
           (value[1] == std::uint64_t{1} << 62 && value[0] <= 1);
}

/// Beside another scalar, in both places, and alone, the quotient is the same.
ScalarQuotient quotient_of(const Scalar& k)
{
    static Scalar neighbour = one;
    const std::array<Scalar, 3> scalars{k, neighbour, k};
    neighbour = k;
    std::array<ScalarQuotient, 3> out;
    scalar_quotients(scalars, out);
    EXPECT_EQ(out[0].numerator, out[2].numerator);
    EXPECT_EQ(out[0].denominator, out[2].denominator);
    EXPECT_EQ(out[0].negative, out[2].negative);
    return out[0];
}

void expect_quotient(const Scalar& k, const char* what)
{
    const ScalarQuotient quotient = quotient_of(k);
    const Scalar product = scalar_weigh(quotient.denominator, k);
    const Scalar numerator = scalar_weigh(quotient.numerator, one);
    EXPECT_EQ((quotient.negative ? scalar_negate(product) : product).word, numerator.word) << what;
    EXPECT_TRUE(is_half(quotient.numerator)) << what;
    EXPECT_TRUE(is_half(quotient.denominator)) << what;
    EXPECT_NE(quotient.denominator, Weight128{})
        << what; // below 2^127, so nonzero is nonzero mod L
}

Scalar shifted(unsigned position)
{
    Scalar out;
    out.word[position / 64] = std::uint64_t{1} << (position % 64);
    return out;
}

TEST(ScalarQuotient, is_right_and_half_as_long_for_random_scalars)
{
    std::mt19937_64 random(25'519);
    for (int i = 0; i < 200'000; ++i) {
        Scalar512 wide;
        for (std::uint64_t& word : wide) {
            word = random();
        }
        expect_quotient(scalar_reduce(wide), "random");
    }
}

TEST(ScalarQuotient, is_right_beside_every_power_of_two)
{
    for (unsigned position = 0; position < 252; ++position) {
        const Scalar power = shifted(position);
        expect_quotient(power, "a power of two");
        expect_quotient(scalar_add(power, one), "one more");
        expect_quotient(scalar_add(power, scalar_negate(one)), "one less");
        expect_quotient(scalar_negate(power), "L less a power of two");
    }
    expect_quotient({}, "zero");
    expect_quotient(scalar_negate(one), "L - 1");
}

/// k = L / q + a little starts the algorithm with the quotient q: all lengths of first quotients,
/// also those that no leading word can decide.
TEST(ScalarQuotient, is_right_where_quotients_are_large)
{
    std::mt19937_64 random(4);
    for (unsigned position = 1; position < 252; ++position) {
        for (int i = 0; i < 200; ++i) {
            Scalar k{}; // L >> position, and noise far below it
            for (std::size_t word = 0; word < 4; ++word) {
                const unsigned from = static_cast<unsigned>(64 * word) + position;
                const auto at = [](unsigned index) {
                    return index < 4 ? group_order.word[index] : 0;
                };
                k.word[word] = at(from / 64) >> (from % 64);
                if (from % 64 != 0) {
                    k.word[word] |= at(from / 64 + 1) << (64 - from % 64);
                }
            }
            k.word[0] ^= random() >> (random() % 64);
            k.word[1] ^= position < 120 ? random() >> (random() % 64) : 0;
            expect_quotient(k, "L shifted");
        }
    }
}

/// Ratios of small numbers: u / v mod L has the quotient u : v itself, or a multiple.
TEST(ScalarQuotient, is_right_for_multiples_of_inverses)
{
    // 1 / 2 = (L + 1) / 2 and its powers: denominators are powers of two.
    Scalar inverse = one;
    const Scalar half{{0x2c09318d2e7ae9f7, 0x0a6f7cef517bce6b, 0, 0x0800000000000000}};
    for (int i = 0; i < 260; ++i) {
        inverse = scalar_mul_add(inverse, half, {});
        expect_quotient(inverse, "a power of one half");
        expect_quotient(scalar_negate(inverse), "its negative");
    }
}

} // namespace
} // namespace belfry::crypto
