// SPDX-License-Identifier: Apache-2.0
#include "crypto/field25519.hpp"

#include "base/check.hpp"

namespace belfry::crypto {
namespace {

std::uint64_t load_word(std::span<const std::uint8_t> bytes, std::size_t at)
{
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        word |= std::uint64_t{bytes[at + i]} << (8 * i);
    }
    return word;
}

Field square_times(Field a, unsigned count)
{
    for (unsigned i = 0; i < count; ++i) {
        a = field_square(a);
    }
    return a;
}

/// a^(2^250 - 1), and a^11 beside it: the common part of both powers.
struct PowerStem {
    Field ones_250;
    Field eleven;
};
PowerStem power_stem(const Field& a)
{
    const Field two = field_square(a);
    const Field nine = field_mul(square_times(two, 2), a);
    const Field eleven = field_mul(nine, two);
    const Field ones_5 = field_mul(field_square(eleven), nine);
    const Field ones_10 = field_mul(square_times(ones_5, 5), ones_5);
    const Field ones_20 = field_mul(square_times(ones_10, 10), ones_10);
    const Field ones_40 = field_mul(square_times(ones_20, 20), ones_20);
    const Field ones_50 = field_mul(square_times(ones_40, 10), ones_10);
    const Field ones_100 = field_mul(square_times(ones_50, 50), ones_50);
    const Field ones_200 = field_mul(square_times(ones_100, 100), ones_100);
    return {field_mul(square_times(ones_200, 50), ones_50), eleven};
}

/// Fully reduced limbs.
Field freeze(const Field& a)
{
    Field t = field_carry(field_carry(a)); // now below 2p
    // t >= p exactly when t + 19 reaches 2^255.
    std::uint64_t carry = (t.limb[0] + 19) >> 51;
    for (std::size_t i = 1; i < 5; ++i) {
        carry = (t.limb[i] + carry) >> 51;
    }
    t.limb[0] += 19 * carry;
    for (std::size_t i = 0; i < 4; ++i) {
        t.limb[i + 1] += t.limb[i] >> 51;
        t.limb[i] &= field_limb_mask;
    }
    t.limb[4] &= field_limb_mask; // drops 2^255 where p was subtracted
    return t;
}

} // namespace

Field field_from_bytes(std::span<const std::uint8_t> bytes)
{
    BELFRY_CHECK(bytes.size() == 32);
    const std::uint64_t w0 = load_word(bytes, 0);
    const std::uint64_t w1 = load_word(bytes, 8);
    const std::uint64_t w2 = load_word(bytes, 16);
    const std::uint64_t w3 = load_word(bytes, 24);
    return {{w0 & field_limb_mask, ((w0 >> 51) | (w1 << 13)) & field_limb_mask,
             ((w1 >> 38) | (w2 << 26)) & field_limb_mask,
             ((w2 >> 25) | (w3 << 39)) & field_limb_mask, (w3 >> 12) & field_limb_mask}};
}

std::array<std::uint8_t, 32> field_to_bytes(const Field& a)
{
    const Field t = freeze(a);
    const std::array<std::uint64_t, 4> words{
        t.limb[0] | (t.limb[1] << 51), (t.limb[1] >> 13) | (t.limb[2] << 38),
        (t.limb[2] >> 26) | (t.limb[3] << 25), (t.limb[3] >> 39) | (t.limb[4] << 12)};
    std::array<std::uint8_t, 32> out{};
    for (std::size_t i = 0; i < 32; ++i) {
        out[i] = static_cast<std::uint8_t>(words[i / 8] >> (8 * (i % 8)));
    }
    return out;
}

bool field_is_zero(const Field& a)
{
    const Field t = freeze(a);
    return (t.limb[0] | t.limb[1] | t.limb[2] | t.limb[3] | t.limb[4]) == 0;
}

bool field_is_odd(const Field& a)
{
    return (freeze(a).limb[0] & 1) != 0;
}

Field field_power_p58(const Field& a)
{
    return field_mul(square_times(power_stem(a).ones_250, 2), a);
}

Field field_invert(const Field& a)
{
    const PowerStem stem = power_stem(a);
    return field_mul(square_times(stem.ones_250, 5), stem.eleven);
}

} // namespace belfry::crypto
