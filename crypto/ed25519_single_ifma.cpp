// SPDX-License-Identifier: Apache-2.0
// One signature, or one sum, alone: the four coordinates X, Y, Z, T of one point in the four lanes
// of a 256-bit vector, so that each formula is two products one after the other. Source   Hisil,
// Wong, Carter, Dawson (2008), section 4: parallel formulas.
#include "crypto/ed25519_kernels.hpp"

#include <immintrin.h>

#define BELFRY_LANES_INLINE [[gnu::always_inline, maybe_unused]] static inline
#define BELFRY_LANES_NOINLINE [[gnu::noinline, maybe_unused]] static

namespace belfry::crypto {
namespace {

constexpr std::size_t lane_count = 4;
using Vector = __m256i;
using Mask = __mmask8;

BELFRY_LANES_INLINE Vector same(std::uint64_t word)
{
    return _mm256_set1_epi64x(static_cast<long long>(word));
}
BELFRY_LANES_INLINE Vector zero()
{
    return _mm256_setzero_si256();
}
BELFRY_LANES_INLINE Vector plus(Vector a, Vector b)
{
    return _mm256_add_epi64(a, b);
}
BELFRY_LANES_INLINE Vector minus(Vector a, Vector b)
{
    return _mm256_sub_epi64(a, b);
}
BELFRY_LANES_INLINE Vector both(Vector a, Vector b)
{
    return _mm256_and_si256(a, b);
}
BELFRY_LANES_INLINE Vector right(Vector a)
{
    return _mm256_srli_epi64(a, 51);
}
BELFRY_LANES_INLINE Vector times(Vector a, Vector b)
{
    return _mm256_mullo_epi64(a, b);
}
BELFRY_LANES_INLINE Vector multiply_low(Vector sum, Vector a, Vector b)
{
    return _mm256_madd52lo_epu64(sum, a, b);
}
BELFRY_LANES_INLINE Vector multiply_high(Vector sum, Vector a, Vector b)
{
    return _mm256_madd52hi_epu64(sum, a, b);
}

#include "crypto/ed25519_ifma_field.inc"

BELFRY_LANES_INLINE Fe fe_select(Mask which, const Fe& yes, const Fe& no)
{
    Fe out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        out.v[i] = _mm256_mask_mov_epi64(no.v[i], which, yes.v[i]);
    }
    return out;
}
BELFRY_LANES_INLINE Mask fe_is_zero(const Fe& a)
{
    const Fe t = fe_freeze(a);
    const Vector any = _mm256_or_si256(
        _mm256_or_si256(_mm256_or_si256(t.v[0], t.v[1]), _mm256_or_si256(t.v[2], t.v[3])), t.v[4]);
    return _mm256_testn_epi64_mask(any, any);
}
BELFRY_LANES_INLINE Mask fe_is_odd(const Fe& a)
{
    return _mm256_test_epi64_mask(fe_freeze(a).v[0], same(1));
}

// What decoding needs of memory; the words of rows are few here, so they go one by one.
template <int elements>
BELFRY_LANES_INLINE void load_words(const std::uint64_t* const* rows, Fe* out)
{
    for (int i = 0; i < 5 * elements; ++i) {
        std::uint64_t word[4];
        for (int lane = 0; lane < 4; ++lane) {
            word[lane] = rows[lane][i];
        }
        out[i / 5].v[i % 5] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(word));
    }
}
template <int elements>
BELFRY_LANES_INLINE void store_words(std::uint64_t* const* rows, const Fe* in)
{
    for (int i = 0; i < 5 * elements; ++i) {
        std::uint64_t word[4];
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(word), in[i / 5].v[i % 5]);
        for (int lane = 0; lane < 4; ++lane) {
            rows[lane][i] = word[lane];
        }
    }
}
BELFRY_LANES_INLINE Fe fe_from_encodings(const std::uint8_t* const* encodings, Mask& sign)
{
    constexpr std::uint64_t mask = (std::uint64_t{1} << 51) - 1;
    std::uint64_t limbs[5][4];
    unsigned signs = 0;
    for (unsigned lane = 0; lane < 4; ++lane) {
        std::uint64_t w[4];
        __builtin_memcpy(w, encodings[lane], 32);
        limbs[0][lane] = w[0] & mask;
        limbs[1][lane] = (w[0] >> 51 | w[1] << 13) & mask;
        limbs[2][lane] = (w[1] >> 38 | w[2] << 26) & mask;
        limbs[3][lane] = (w[2] >> 25 | w[3] << 39) & mask;
        limbs[4][lane] = (w[3] >> 12) & mask;
        signs |= static_cast<unsigned>(w[3] >> 63) << lane;
    }
    sign = static_cast<Mask>(signs);
    Fe out;
    for (int i = 0; i < 5; ++i) {
        out.v[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(limbs[i]));
    }
    return out;
}
BELFRY_LANES_INLINE unsigned mask_bits(Mask a)
{
    return a & 15U;
}
BELFRY_LANES_INLINE Mask mask_of(unsigned bits)
{
    return static_cast<Mask>(bits);
}
BELFRY_LANES_INLINE Mask mask_xor(Mask a, Mask b)
{
    return static_cast<Mask>(a ^ b);
}
BELFRY_LANES_INLINE Mask mask_or(Mask a, Mask b)
{
    return static_cast<Mask>(a | b);
}

#include "crypto/ed25519_lanes.inc"

// From here on the lanes are coordinates: X, Y, Z, T of a point; Y - X, Y + X, 2d T, 2 Z of what is
// added to it; E, F, G, H between the two products.

/// Lanes first, second, third, fourth of a.
template <int first, int second, int third, int fourth>
BELFRY_LANES_INLINE Fe pick(const Fe& a)
{
    constexpr int order = first | second << 2 | third << 4 | fourth << 6;
    Fe out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        out.v[i] = _mm256_permute4x64_epi64(a.v[i], order);
    }
    return out;
}
template <int lanes>
BELFRY_LANES_INLINE Fe add_in(const Fe& a, const Fe& b)
{
    Fe out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        out.v[i] = _mm256_mask_add_epi64(a.v[i], lanes, a.v[i], b.v[i]);
    }
    return out;
}
/// Lanes of a must be lifted.
template <int lanes>
BELFRY_LANES_INLINE Fe sub_in(const Fe& a, const Fe& b)
{
    Fe out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        out.v[i] = _mm256_mask_sub_epi64(a.v[i], lanes, a.v[i], b.v[i]);
    }
    return out;
}
template <int lanes>
BELFRY_LANES_INLINE Fe lift_in(const Fe& a)
{
    Fe out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        out.v[i] = _mm256_mask_add_epi64(a.v[i], lanes, a.v[i], lift_limb<true>(i, 1));
    }
    return out;
}

/// E, F, G, H uncarried to X = EF, Y = GH, Z = FG, T = EH.
BELFRY_LANES_INLINE Fe joined(const Fe& halves)
{
    const Fe w = fe_carry(halves);
    return fe_mul(pick<0, 2, 1, 0>(w), pick<1, 3, 2, 3>(w));
}

BELFRY_LANES_INLINE Fe doubled(const Fe& p)
{
    const Fe x_y_z_x = pick<0, 1, 2, 0>(p);
    const Fe s = fe_square_raw(fe_carry(add_in<8>(x_y_z_x, pick<1, 1, 1, 1>(p))));
    // (A, B, ZZ, S) to E = A + B - S, F = A - B + 2 ZZ, G = A - B, H = A + B
    const Fe b = pick<1, 1, 1, 1>(s);
    const Fe tail = pick<3, 2, 2, 2>(s);
    Fe w = lift_in<15>(pick<0, 0, 0, 0>(s));
    w = sub_in<6>(add_in<9>(w, b), b);
    w = add_in<2>(add_in<2>(sub_in<1>(w, tail), tail), tail);
    return joined(w);
}

template <bool negative>
BELFRY_LANES_INLINE Fe added(const Fe& p, const Fe& q)
{
    const Fe x = pick<0, 0, 0, 0>(p);
    const Fe u = sub_in<1>(add_in<2>(lift_in<1>(pick<1, 1, 3, 2>(p)), x), x);
    const Fe m = fe_mul_raw(fe_carry(u), negative ? pick<1, 0, 2, 3>(q) : q);
    // (A, B, C, D) to E = B - A, F = D - C, G = D + C, H = B + A
    const Fe low = pick<0, 2, 2, 0>(m);
    const Fe high = lift_in<15>(pick<1, 3, 3, 1>(m));
    constexpr int pluses = negative ? 8 | 2 : 8 | 4;
    return joined(sub_in<15 - pluses>(add_in<pluses>(high, low), low));
}

BELFRY_LANES_NOINLINE Fe add_either(const Fe& p, const Fe& q, bool negative)
{
    return negative ? added<true>(p, q) : added<false>(p, q);
}

/// A row as what is added: Y - X, Y + X, 2d T, 2 Z with Z = 1.
BELFRY_LANES_INLINE Fe addend_of(const Ed25519Row& row)
{
    Fe out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        const std::uint64_t word[4] = {row.word[5 + i], row.word[i], row.word[10 + i],
                                       i == 0 ? 2U : 0U};
        out.v[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(word));
    }
    return out;
}

/// A sum as what is added.
BELFRY_LANES_INLINE Fe addend_of(const Ed25519Sum& sum)
{
    Fe u;
    Fe factor; // 1, 1, 2d, 2
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        const std::uint64_t word[4] = {sum.word[5 + i], sum.word[i], sum.word[15 + i],
                                       sum.word[10 + i]};
        u.v[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(word));
        const Vector ones_and_2d = _mm256_mask_mov_epi64(same(limbs_one[i]), 4, same(limbs_2d[i]));
        factor.v[i] = _mm256_mask_mov_epi64(ones_and_2d, 8, same(i == 0 ? 2 : 0));
    }
    return fe_mul(u, factor);
}

/// A point as what is added.
BELFRY_LANES_NOINLINE Fe addend_of(const Fe& p)
{
    const Fe x = pick<0, 0, 0, 0>(p);
    const Fe z = pick<2, 2, 2, 2>(p);
    const Fe u = sub_in<1>(add_in<2>(lift_in<1>(pick<1, 1, 3, 2>(p)), x), x);
    Fe factor; // 1, 1, 2d, 1
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        factor.v[i] = _mm256_mask_mov_epi64(same(limbs_one[i]), 4, same(limbs_2d[i]));
    }
    return fe_mul(fe_carry(add_in<8>(u, z)), factor);
}

BELFRY_LANES_NOINLINE Fe doubled_4_times(Fe p)
{
    for (int i = 0; i < 4; ++i) {
        p = doubled(p);
    }
    return p;
}

BELFRY_LANES_INLINE bool is_identity(const Fe& p)
{
    const Fe z = pick<2, 2, 2, 2>(p); // X = 0 and Y - Z = 0
    const Mask zero_lanes = fe_is_zero(sub_in<2>(lift_in<2>(p), z));
    return (mask_bits(zero_lanes) & 3U) == 3U;
}

/// 0, 1, 1, 0
BELFRY_LANES_INLINE Fe identity_coordinates()
{
    Fe out;
    for (int i = 0; i < 5; ++i) {
        out.v[i] = _mm256_setr_epi64x(0, i == 0 ? 1 : 0, i == 0 ? 1 : 0, 0);
    }
    return out;
}

} // namespace

void ed25519_fold_windows_ifma(const Ed25519Sum* windows, std::size_t count, unsigned bits,
                               Ed25519Sum* sum)
{
    Fe total = identity_coordinates();
    for (std::size_t w = count; w-- > 0;) {
        for (unsigned i = 0; i < bits && w + 1 != count; ++i) {
            total = doubled(total);
        }
        total = added<false>(total, addend_of(windows[w]));
    }
    const Fe x = pick<0, 0, 0, 0>(total); // to Y + X, Y - X, Z, T
    const Fe out = fe_carry(sub_in<2>(add_in<1>(lift_in<2>(pick<1, 1, 2, 3>(total)), x), x));
    for (int i = 0; i < 5; ++i) {
        std::uint64_t word[4];
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(word), out.v[i]);
        for (int coordinate = 0; coordinate < 4; ++coordinate) {
            sum->word[5 * coordinate + i] = word[coordinate];
        }
    }
}

bool ed25519_verify_one_ifma(const Ed25519One* job)
{
    const std::uint8_t* encodings[2] = {job->key, job->r};
    Ed25519Row rows[2];
    std::uint8_t decoded[2];
    decode(encodings, 2, rows, decoded);
    if (decoded[0] == 0 || decoded[1] == 0) {
        return false;
    }
    const Fe start = identity_coordinates();
    Fe multiples[9]; // jA as addends
    const Fe key = addend_of(rows[0]);
    Fe multiple = start;
    for (int j = 0; j < 9; ++j) {
        multiples[j] = addend_of(multiple);
        multiple = add_either(multiple, key, false);
    }
    Fe sum = start;
    for (int i = 63; i >= 0; --i) {
        if (i != 63) {
            sum = doubled_4_times(sum);
        }
        const std::int8_t k_digit = job->k_digits[i];
        if (k_digit != 0) {
            sum = add_either(sum, multiples[k_digit < 0 ? -k_digit : k_digit], k_digit > 0);
        }
        const std::int8_t s_digit = i % 2 == 0 ? job->s_digits[i / 2] : std::int8_t{0};
        if (s_digit != 0) {
            const int index = (s_digit < 0 ? -s_digit : s_digit) - 1;
            sum = add_either(sum, addend_of(job->base_rows[index]), s_digit < 0);
        }
    }
    sum = add_either(sum, addend_of(rows[1]), true);
    return is_identity(doubled(doubled(doubled(sum))));
}

} // namespace belfry::crypto
