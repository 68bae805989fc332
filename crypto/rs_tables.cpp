// SPDX-License-Identifier: Apache-2.0
#include "crypto/gf256.hpp"
#include "crypto/rs_kernels.hpp"

namespace belfry::crypto {
namespace {

constexpr NibbleProducts products_of(std::uint8_t coefficient)
{
    NibbleProducts out{};
    for (unsigned n = 0; n < 16; ++n) {
        out.low[n] = gf256::multiply(coefficient, static_cast<std::uint8_t>(n));
        out.high[n] = gf256::multiply(coefficient, static_cast<std::uint8_t>(n << 4));
    }
    return out;
}

/// Byte 7 - i of the matrix says which bits of the operand make bit i of the result.
constexpr std::uint64_t affine_of(std::uint8_t coefficient)
{
    std::uint64_t matrix = 0;
    for (unsigned j = 0; j < 8; ++j) {
        const std::uint8_t column =
            gf256::multiply(coefficient, static_cast<std::uint8_t>(1U << j));
        for (unsigned i = 0; i < 8; ++i) {
            matrix |= std::uint64_t{column >> i & 1U} << (8 * (7 - i) + j);
        }
    }
    return matrix;
}

/// s_j before it is divided: product of (x - a) over a in 0..2^j - 1, which is
/// v_0(x) = x, v_(j+1)(x) = v_j(x) * (v_j(x) + v_j(2^j)).
struct Vanishing {
    std::uint8_t norm[8] = {}; // v_j(2^j)

    [[nodiscard]] constexpr std::uint8_t at(unsigned level, std::uint8_t x) const
    {
        for (unsigned j = 0; j < level; ++j) {
            x = gf256::multiply(x, x ^ norm[j]);
        }
        return x;
    }
    constexpr Vanishing()
    {
        for (unsigned level = 0; level < 8; ++level) {
            norm[level] = at(level, static_cast<std::uint8_t>(1U << level));
        }
    }
    /// Of s_level: it is linear over GF(2), so that its derivative is the coefficient of x, the
    /// product of the points it vanishes on, but 0.
    [[nodiscard]] constexpr std::uint8_t slope(unsigned level) const
    {
        std::uint8_t product = 1;
        for (unsigned a = 1; a < 1U << level; ++a) {
            product = gf256::multiply(product, static_cast<std::uint8_t>(a));
        }
        return gf256::divide(product, norm[level]);
    }
};

consteval RsTables make_rs_tables() noexcept
{
    RsTables out{};
    for (unsigned c = 0; c < 256; ++c) {
        out.products[c] = products_of(static_cast<std::uint8_t>(c));
        out.affine[c] = affine_of(static_cast<std::uint8_t>(c));
    }
    constexpr Vanishing vanishing;
    for (unsigned level = 0; level < 8; ++level) {
        for (unsigned x = 0; x < rs_points_max; x += 2U << level) {
            const std::size_t index = rs_twiddle_index(level, x);
            out.twiddle[index] = gf256::divide(vanishing.at(level, static_cast<std::uint8_t>(x)),
                                               vanishing.norm[level]);
            out.twiddle_products[index] = out.products[out.twiddle[index]];
            out.twiddle_affine[index] = out.affine[out.twiddle[index]];
        }
    }
    out.weight[0] = 1;
    for (unsigned level = 0; level < 8; ++level) {
        const unsigned bit = 1U << level;
        const std::uint8_t slope = vanishing.slope(level);
        for (unsigned i = 0; i < bit; ++i) {
            out.weight[i | bit] = gf256::multiply(out.weight[i], slope);
        }
    }
    for (unsigned i = 0; i < rs_points_max; ++i) {
        out.weight_inverse[i] = gf256::divide(1, out.weight[i]);
    }
    return out;
}

} // namespace

constinit const RsTables rs_tables = make_rs_tables();

} // namespace belfry::crypto
