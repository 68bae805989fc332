// SPDX-License-Identifier: Apache-2.0
#pragma once
// field25519.hpp: arithmetic modulo p = 2^255 - 19 for the baseline CPU; the meaning of the lanes.
// Shapes   five limbs of 51 bits, little-endian. Tight: each limb < 2^51 + 2^15 (what mul, square,
//          carry and load give). Loose: each limb < 2^54 (what mul and square take).
// Threads  free functions of values. Variable time in nothing but field_is_zero's callers.
// Source   radix 2^51 as in Bernstein and others, "High-speed high-security signatures" (2011).

#include <array>
#include <cstdint>
#include <span>

namespace belfry::crypto {

struct Field {
    std::array<std::uint64_t, 5> limb{};
};

inline constexpr std::uint64_t field_limb_mask = (std::uint64_t{1} << 51) - 1;
inline constexpr Field field_zero{};
inline constexpr Field field_one{{1, 0, 0, 0, 0}};
inline constexpr Field field_d{
    {0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff}};
inline constexpr Field field_2d{
    {0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff}};
inline constexpr Field field_sqrt_minus_1{
    {0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d}};

/// No carry: the bounds add up. Two tight give < 2^52 + 2^16.
[[nodiscard]] inline Field field_add(const Field& a, const Field& b)
{
    return {{a.limb[0] + b.limb[0], a.limb[1] + b.limb[1], a.limb[2] + b.limb[2],
             a.limb[3] + b.limb[3], a.limb[4] + b.limb[4]}};
}

/// a - b + 4p, no carry. Needs b < 2^53 - 76 in each limb; the result is < a + 2^53.
[[nodiscard]] inline Field field_sub(const Field& a, const Field& b)
{
    constexpr std::uint64_t low = 0x1fffffffffffb4;
    constexpr std::uint64_t high = 0x1ffffffffffffc;
    return {{a.limb[0] + low - b.limb[0], a.limb[1] + high - b.limb[1],
             a.limb[2] + high - b.limb[2], a.limb[3] + high - b.limb[3],
             a.limb[4] + high - b.limb[4]}};
}

/// Any limbs in, tight out.
[[nodiscard]] inline Field field_carry(const Field& a)
{
    return {{(a.limb[0] & field_limb_mask) + 19 * (a.limb[4] >> 51),
             (a.limb[1] & field_limb_mask) + (a.limb[0] >> 51),
             (a.limb[2] & field_limb_mask) + (a.limb[1] >> 51),
             (a.limb[3] & field_limb_mask) + (a.limb[2] >> 51),
             (a.limb[4] & field_limb_mask) + (a.limb[3] >> 51)}};
}

[[nodiscard]] inline Field field_negate(const Field& a)
{
    return field_sub(field_zero, a);
}

namespace detail {
__extension__ using Wide = unsigned __int128;

/// Column sums below 2^115 in, tight limbs out.
[[nodiscard]] inline Field field_reduce(Wide c0, Wide c1, Wide c2, Wide c3, Wide c4)
{
    c1 += static_cast<std::uint64_t>(c0 >> 51);
    c2 += static_cast<std::uint64_t>(c1 >> 51);
    c3 += static_cast<std::uint64_t>(c2 >> 51);
    c4 += static_cast<std::uint64_t>(c3 >> 51);
    const Wide low = (static_cast<std::uint64_t>(c0) & field_limb_mask) +
                     Wide{19} * static_cast<std::uint64_t>(c4 >> 51);
    Field out;
    out.limb[0] = static_cast<std::uint64_t>(low) & field_limb_mask;
    out.limb[1] =
        (static_cast<std::uint64_t>(c1) & field_limb_mask) + static_cast<std::uint64_t>(low >> 51);
    out.limb[2] = static_cast<std::uint64_t>(c2) & field_limb_mask;
    out.limb[3] = static_cast<std::uint64_t>(c3) & field_limb_mask;
    out.limb[4] = static_cast<std::uint64_t>(c4) & field_limb_mask;
    // What the last carry brought into limb 1 may be 19 * 2^13: pass it on once more.
    out.limb[2] += out.limb[1] >> 51;
    out.limb[1] &= field_limb_mask;
    return out;
}
} // namespace detail

[[nodiscard]] inline Field field_mul(const Field& a, const Field& b)
{
    using detail::Wide;
    const auto [a0, a1, a2, a3, a4] = a.limb;
    const auto [b0, b1, b2, b3, b4] = b.limb;
    const std::uint64_t b1_19 = 19 * b1;
    const std::uint64_t b2_19 = 19 * b2;
    const std::uint64_t b3_19 = 19 * b3;
    const std::uint64_t b4_19 = 19 * b4;
    return detail::field_reduce(
        Wide{a0} * b0 + Wide{a1} * b4_19 + Wide{a2} * b3_19 + Wide{a3} * b2_19 + Wide{a4} * b1_19,
        Wide{a0} * b1 + Wide{a1} * b0 + Wide{a2} * b4_19 + Wide{a3} * b3_19 + Wide{a4} * b2_19,
        Wide{a0} * b2 + Wide{a1} * b1 + Wide{a2} * b0 + Wide{a3} * b4_19 + Wide{a4} * b3_19,
        Wide{a0} * b3 + Wide{a1} * b2 + Wide{a2} * b1 + Wide{a3} * b0 + Wide{a4} * b4_19,
        Wide{a0} * b4 + Wide{a1} * b3 + Wide{a2} * b2 + Wide{a3} * b1 + Wide{a4} * b0);
}

[[nodiscard]] inline Field field_square(const Field& a)
{
    using detail::Wide;
    const auto [a0, a1, a2, a3, a4] = a.limb;
    const std::uint64_t a0_2 = 2 * a0;
    const std::uint64_t a1_2 = 2 * a1;
    const std::uint64_t a2_2 = 2 * a2;
    const std::uint64_t a3_2 = 2 * a3;
    const std::uint64_t a3_19 = 19 * a3;
    const std::uint64_t a4_19 = 19 * a4;
    return detail::field_reduce(Wide{a0} * a0 + Wide{a1_2} * a4_19 + Wide{a2_2} * a3_19,
                                Wide{a0_2} * a1 + Wide{a2_2} * a4_19 + Wide{a3} * a3_19,
                                Wide{a0_2} * a2 + Wide{a1} * a1 + Wide{a3_2} * a4_19,
                                Wide{a0_2} * a3 + Wide{a1_2} * a2 + Wide{a4} * a4_19,
                                Wide{a0_2} * a4 + Wide{a1_2} * a3 + Wide{a2} * a2);
}

/// The low 255 bits, taken mod p (bit 255 is ignored): the lax reading of ZIP-215. Tight.
/// Precondition: bytes.size() == 32.
[[nodiscard]] Field field_from_bytes(std::span<const std::uint8_t> bytes);
/// The one representative in 0..p-1.
[[nodiscard]] std::array<std::uint8_t, 32> field_to_bytes(const Field& a);
[[nodiscard]] bool field_is_zero(const Field& a);
/// Lowest bit of the representative in 0..p-1.
[[nodiscard]] bool field_is_odd(const Field& a);
/// a^((p-5)/8), the power that square roots of ratios need.
[[nodiscard]] Field field_power_p58(const Field& a);
/// a^(p-2); zero for zero.
[[nodiscard]] Field field_invert(const Field& a);

} // namespace belfry::crypto
