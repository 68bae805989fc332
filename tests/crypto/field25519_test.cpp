// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519_digits.hpp"
#include "crypto/ed25519_scalar.hpp"
#include "crypto/field25519.hpp"
#include "tests/crypto/ed25519_cases.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace belfry::crypto {
namespace {

using testing::Big;
using testing::Bytes32;

/// Random values and all within 20 of 0, p and 2^255.
std::vector<Bytes32> field_inputs()
{
    std::vector<Bytes32> out;
    for (unsigned low = 0; low < 20; ++low) {
        out.push_back({static_cast<std::uint8_t>(low)});
        Bytes32 high;
        high.fill(0xFF);
        high[0] = static_cast<std::uint8_t>(0xDA + 2 * low); // p is 0x7F FF .. FF ED
        high[31] = 0x7F;
        out.push_back(high);
    }
    testing::CaseMaker make(31);
    for (int i = 0; i < 20; ++i) {
        const Bytes random = make.bytes(32);
        Bytes32& bytes = out.emplace_back();
        std::ranges::copy(random, bytes.begin());
        bytes[31] &= 0x7F;
    }
    return out;
}

TEST(Field25519, sums_products_and_squares_equal_big_integers)
{
    const testing::Modulus& p = testing::prime();
    const std::vector<Bytes32> inputs = field_inputs();
    for (const Bytes32& a_bytes : inputs) {
        const Field a = field_from_bytes(a_bytes);
        const Big big_a = Big::little_endian(a_bytes);
        EXPECT_EQ(field_to_bytes(a), p.reduce(big_a).to_32_bytes());
        EXPECT_EQ(field_to_bytes(field_square(a)), p.mul(big_a, big_a).to_32_bytes());
        EXPECT_EQ(field_is_zero(a), p.reduce(big_a).is_zero());
        EXPECT_EQ(field_is_odd(a), p.reduce(big_a).is_odd());
        for (const Bytes32& b_bytes : inputs) {
            const Field b = field_from_bytes(b_bytes);
            const Big big_b = Big::little_endian(b_bytes);
            EXPECT_EQ(field_to_bytes(field_add(a, b)), p.add(big_a, big_b).to_32_bytes());
            EXPECT_EQ(field_to_bytes(field_sub(a, b)),
                      p.sub(p.reduce(big_a), p.reduce(big_b)).to_32_bytes());
            EXPECT_EQ(field_to_bytes(field_mul(a, b)), p.mul(big_a, big_b).to_32_bytes());
        }
    }
}

TEST(Field25519, the_loosest_inputs_do_not_overflow)
{
    Field loose;
    loose.limb.fill((std::uint64_t{1} << 54) - 1);
    const Field tight = field_carry(field_carry(loose));
    EXPECT_EQ(field_to_bytes(field_mul(loose, loose)), field_to_bytes(field_mul(tight, tight)));
    EXPECT_EQ(field_to_bytes(field_square(loose)), field_to_bytes(field_square(tight)));
    for (const std::uint64_t limb : field_mul(loose, loose).limb) {
        EXPECT_LT(limb, (std::uint64_t{1} << 51) + (std::uint64_t{1} << 15));
    }
}

TEST(Field25519, inverses_and_powers_equal_big_integers)
{
    const testing::Modulus& p = testing::prime();
    for (const Bytes32& bytes : field_inputs()) {
        const Field a = field_from_bytes(bytes);
        const Big big = p.reduce(Big::little_endian(bytes));
        if (big.is_zero()) {
            EXPECT_TRUE(field_is_zero(field_invert(a)));
            continue;
        }
        EXPECT_EQ(field_to_bytes(field_invert(a)), p.inverse(big).to_32_bytes());
        Big exponent = p.value();
        BN_sub_word(exponent.get(), 5);
        BN_rshift(exponent.get(), exponent.get(), 3);
        Big power;
        BN_mod_exp(power.get(), big.get(), exponent.get(), p.value().get(), testing::big_context());
        EXPECT_EQ(field_to_bytes(field_power_p58(a)), power.to_32_bytes());
    }
}

TEST(Scalar, reduction_and_products_equal_big_integers)
{
    const testing::Modulus& order = testing::group_order();
    testing::CaseMaker make(32);
    for (int i = 0; i < 300; ++i) {
        Bytes wide = make.bytes(64);
        if (i < 2) {
            wide.assign(64, static_cast<std::uint8_t>(i == 0 ? 0xFF : 0));
        }
        const Big big = order.reduce(Big::little_endian(wide));
        const Scalar a = scalar_reduce(scalar512_from_bytes(wide));
        EXPECT_EQ(scalar_to_bytes(a), big.to_32_bytes());
        const Weight128 weight{make.below(UINT64_MAX), i % 3 == 0 ? 0 : make.below(UINT64_MAX)};
        std::array<std::uint8_t, 16> weight_bytes{};
        for (std::size_t at = 0; at < 16; ++at) {
            weight_bytes[at] = static_cast<std::uint8_t>(weight[at / 8] >> (8 * (at % 8)));
        }
        const Big big_weight = Big::little_endian(weight_bytes);
        EXPECT_EQ(scalar_to_bytes(scalar_weigh(weight, a)),
                  order.mul(big_weight, big).to_32_bytes());
        EXPECT_EQ(scalar_to_bytes(scalar_negate(a)), order.sub(Big(0), big).to_32_bytes());
        EXPECT_EQ(scalar_to_bytes(scalar_add(a, a)), order.add(big, big).to_32_bytes());
        Bytes any = make.bytes(32);
        any[31] &= 0x7F;
        const Big big_any = Big::little_endian(any);
        EXPECT_EQ(scalar_to_bytes(scalar_mul_add(a, scalar_from_bytes_unreduced(any), a)),
                  order.add(order.mul(big, big_any), big).to_32_bytes());
        EXPECT_EQ(scalar_from_canonical_bytes(any).has_value(), big_any < order.value());
    }
}

TEST(Scalar, digits_of_every_width_add_up_to_what_they_came_from)
{
    const testing::Modulus& order = testing::group_order();
    testing::CaseMaker make(33);
    const auto add_up = [&order](const std::int8_t* digits, std::size_t count, unsigned bits) {
        Big sum(0);
        for (std::size_t i = count; i-- > 0;) {
            sum = order.mul(sum, Big(std::uint64_t{1} << bits));
            const std::int8_t digit = digits[i];
            EXPECT_LE(std::abs(digit), 1 << (bits - 1));
            const Big size(static_cast<std::uint64_t>(std::abs(digit)));
            sum = digit < 0 ? order.sub(sum, size) : order.add(sum, size);
        }
        return sum;
    };
    for (unsigned bits = 4; bits <= 8; ++bits) {
        for (int i = 0; i < 200; ++i) {
            const Bytes32 bytes = make.scalar().to_32_bytes();
            std::array<std::int8_t, 64> digits{};
            recode_long(scalar_from_bytes_unreduced(bytes), bits, digits.data());
            EXPECT_EQ(add_up(digits.data(), 64, bits).to_32_bytes(), bytes);

            BatchWeight weight{{make.below(UINT64_MAX), make.below(UINT64_MAX)}};
            if (i < 4) { // the ends of the range
                weight.random.fill(i % 2 == 0 ? 0 : UINT64_MAX);
                weight.random[0] -= static_cast<std::uint64_t>(i / 2);
            }
            recode_short(weight, bits, digits.data());
            Scalar expect = scalar_weigh(weight.magnitude(), {{1, 0, 0, 0}});
            if (weight.is_negative()) {
                expect = scalar_negate(expect);
            }
            EXPECT_EQ(add_up(digits.data(), 32, bits).to_32_bytes(), scalar_to_bytes(expect))
                << bits;
        }
    }
    EXPECT_TRUE((BatchWeight{{BatchWeight::bias, BatchWeight::bias}}.is_zero()));
}

} // namespace
} // namespace belfry::crypto
