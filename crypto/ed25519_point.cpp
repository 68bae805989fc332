// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519_point.hpp"

#include "base/check.hpp"

#include <vector>

namespace belfry::crypto {
namespace {

constexpr Field base_x{
    {0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d, 0x1ff60527118fe, 0x216936d3cd6e5}};
constexpr Field base_y{
    {0x6666666666658, 0x4cccccccccccc, 0x1999999999999, 0x3333333333333, 0x6666666666666}};

/// The second half of every addition: E, F, G, H to coordinates.
ExtendedPoint completed(const Field& e, const Field& f, const Field& g, const Field& h)
{
    return {field_mul(e, f), field_mul(g, h), field_mul(f, g), field_mul(e, h)};
}

AffineNiels niels_from_affine(const Field& x, const Field& y)
{
    return {field_carry(field_add(y, x)), field_carry(field_sub(y, x)),
            field_mul(field_mul(x, y), field_2d)};
}

/// Odd digits in (-2^(width-1), 2^(width-1)), at least width-1 zeros between two of them.
std::array<std::int8_t, 257> sliding_digits(const Scalar& scalar, unsigned width)
{
    std::array<std::int8_t, 257> digits{};
    const auto bits_at = [&scalar](unsigned position, unsigned count) {
        const unsigned word = position / 64;
        const unsigned shift = position % 64;
        std::uint64_t bits = word < 4 ? scalar.word[word] >> shift : 0;
        if (shift != 0 && word + 1 < 4) {
            bits |= scalar.word[word + 1] << (64 - shift);
        }
        return bits & ((std::uint64_t{1} << count) - 1);
    };
    std::uint64_t carry = 0;
    for (unsigned position = 0; position < 257;) {
        if ((bits_at(position, 1) ^ carry) == 0) {
            ++position;
            continue;
        }
        const auto window = static_cast<int>(bits_at(position, width) + carry);
        const bool negative = window >= (1 << (width - 1));
        digits[position] = static_cast<std::int8_t>(negative ? window - (1 << width) : window);
        carry = negative ? 1 : 0;
        position += width;
    }
    return digits;
}

constexpr unsigned base_width = 8;
constexpr unsigned point_width = 5;

using BaseOdds = std::array<AffineNiels, std::size_t{1} << (base_width - 2)>;

/// B, 3B, 5B, ..., 127B.
const BaseOdds& base_odds()
{
    static const BaseOdds odds = [] {
        BaseOdds table;
        ExtendedPoint current = point_of(point_base());
        const ProjectiveNiels two_b = niels_of(point_double(current));
        for (AffineNiels& entry : table) {
            const Field inverse = field_invert(current.z);
            entry = niels_from_affine(field_mul(current.x, inverse), field_mul(current.y, inverse));
            current = point_add(current, two_b);
        }
        return table;
    }();
    return odds;
}

} // namespace

const AffineNiels& point_base()
{
    static const AffineNiels base = niels_from_affine(base_x, base_y);
    return base;
}

ProjectiveNiels niels_of(const ExtendedPoint& point)
{
    return {field_carry(field_add(point.y, point.x)), field_carry(field_sub(point.y, point.x)),
            point.z, field_mul(point.t, field_2d)};
}

ExtendedPoint point_of(const AffineNiels& point)
{
    // (4x : 4y : 4 : 4xy) needs no inversion.
    const Field x2 = field_carry(field_sub(point.y_plus_x, point.y_minus_x));
    const Field y2 = field_carry(field_add(point.y_plus_x, point.y_minus_x));
    const Field two = field_add(field_one, field_one);
    return {field_mul(x2, two), field_mul(y2, two), field_mul(two, two), field_mul(x2, y2)};
}

ExtendedPoint point_double(const ExtendedPoint& point)
{
    const Field a = field_square(point.x);
    const Field b = field_square(point.y);
    const Field zz = field_square(point.z);
    const Field sum = field_square(field_add(point.x, point.y));
    const Field h = field_add(a, b);
    const Field e = field_sub(h, sum);
    const Field g = field_sub(a, b);
    const Field f = field_add(field_add(zz, zz), g);
    return completed(e, f, g, h);
}

ExtendedPoint point_add(const ExtendedPoint& a, const ProjectiveNiels& b)
{
    const Field minus = field_mul(field_sub(a.y, a.x), b.y_minus_x);
    const Field plus = field_mul(field_add(a.y, a.x), b.y_plus_x);
    const Field c = field_mul(a.t, b.xy2d);
    const Field zz = field_mul(a.z, b.z);
    const Field d = field_add(zz, zz);
    return completed(field_sub(plus, minus), field_sub(d, c), field_add(d, c),
                     field_add(plus, minus));
}

ExtendedPoint point_subtract(const ExtendedPoint& a, const ProjectiveNiels& b)
{
    return point_add(a, {b.y_minus_x, b.y_plus_x, b.z, field_carry(field_negate(b.xy2d))});
}

ExtendedPoint point_add(const ExtendedPoint& a, const AffineNiels& b)
{
    const Field minus = field_mul(field_sub(a.y, a.x), b.y_minus_x);
    const Field plus = field_mul(field_add(a.y, a.x), b.y_plus_x);
    const Field c = field_mul(a.t, b.xy2d);
    const Field d = field_add(a.z, a.z);
    return completed(field_sub(plus, minus), field_sub(d, c), field_add(d, c),
                     field_add(plus, minus));
}

ExtendedPoint point_subtract(const ExtendedPoint& a, const AffineNiels& b)
{
    return point_add(a, AffineNiels{b.y_minus_x, b.y_plus_x, field_carry(field_negate(b.xy2d))});
}

ExtendedPoint point_negate(const ExtendedPoint& a)
{
    return {field_carry(field_negate(a.x)), a.y, a.z, field_carry(field_negate(a.t))};
}

bool point_is_identity(const ExtendedPoint& point)
{
    return field_is_zero(point.x) && field_is_zero(field_sub(point.y, point.z));
}

bool point_is_small_order(const ExtendedPoint& point)
{
    return point_is_identity(point_double(point_double(point_double(point))));
}

std::array<std::uint8_t, 32> point_to_bytes(const ExtendedPoint& point)
{
    const Field inverse = field_invert(point.z);
    std::array<std::uint8_t, 32> out = field_to_bytes(field_mul(point.y, inverse));
    const bool odd = field_is_odd(field_mul(point.x, inverse));
    out[31] = static_cast<std::uint8_t>(out[31] | (odd ? 0x80U : 0U));
    return out;
}

std::optional<AffineNiels> point_decode(ByteView bytes)
{
    BELFRY_CHECK(bytes.size() == 32);
    const Field y = field_from_bytes(bytes);
    const Field yy = field_square(y);
    const Field u = field_carry(field_sub(yy, field_one));
    const Field v = field_carry(field_add(field_mul(yy, field_d), field_one));
    const Field v3 = field_mul(field_square(v), v);
    const Field v7 = field_mul(field_square(v3), v);
    Field x = field_mul(field_mul(u, v3), field_power_p58(field_mul(u, v7)));
    const Field vxx = field_mul(v, field_square(x));
    if (!field_is_zero(field_sub(vxx, u))) {
        if (!field_is_zero(field_add(vxx, u))) {
            return std::nullopt;
        }
        x = field_mul(x, field_sqrt_minus_1);
    }
    if (field_is_odd(x) != ((bytes[31] >> 7) != 0)) {
        x = field_carry(field_negate(x)); // -0 stays 0, as ZIP-215 wants
    }
    return niels_from_affine(x, y);
}

ExtendedPoint point_multiply(const Scalar& scalar, const ExtendedPoint& point)
{
    const ProjectiveNiels step = niels_of(point);
    ExtendedPoint sum;
    for (unsigned i = 256; i-- > 0;) {
        sum = point_double(sum);
        if (((scalar.word[i / 64] >> (i % 64)) & 1) != 0) {
            sum = point_add(sum, step);
        }
    }
    return sum;
}

ExtendedPoint point_multiply_with_base(const Scalar& a, const AffineNiels& point, const Scalar& b)
{
    std::array<ProjectiveNiels, std::size_t{1} << (point_width - 2)> odds;
    ExtendedPoint current = point_of(point);
    const ProjectiveNiels two = niels_of(point_double(current));
    for (ProjectiveNiels& entry : odds) {
        entry = niels_of(current);
        current = point_add(current, two);
    }
    const auto a_digits = sliding_digits(a, point_width);
    const auto b_digits = sliding_digits(b, base_width);
    const BaseOdds& base = base_odds();
    ExtendedPoint sum;
    for (std::size_t i = 257; i-- > 0;) {
        sum = point_double(sum);
        if (const std::int8_t digit = a_digits[i]; digit > 0) {
            sum = point_add(sum, odds[static_cast<std::size_t>(digit / 2)]);
        } else if (digit < 0) {
            sum = point_subtract(sum, odds[static_cast<std::size_t>(-digit / 2)]);
        }
        if (const std::int8_t digit = b_digits[i]; digit > 0) {
            sum = point_add(sum, base[static_cast<std::size_t>(digit / 2)]);
        } else if (digit < 0) {
            sum = point_subtract(sum, base[static_cast<std::size_t>(-digit / 2)]);
        }
    }
    return sum;
}

} // namespace belfry::crypto
