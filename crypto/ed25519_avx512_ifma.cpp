// SPDX-License-Identifier: Apache-2.0
// Eight lanes: limbs of 51 bits in 64-bit lanes, products by the 52-bit multiply-add of AVX-512
// IFMA. The high half of a product of limbs weighs 2^52, twice the next limb, so it is doubled.
#include "crypto/ed25519_kernels.hpp"

#include <immintrin.h>

#define BELFRY_LANES_INLINE [[gnu::always_inline]] static inline
#define BELFRY_LANES_NOINLINE [[gnu::noinline]] static

namespace belfry::crypto {
namespace {

constexpr std::size_t lane_count = 8;
using Vector = __m512i;
using Mask = __mmask8;

struct Fe {
    Vector v[5];
};

BELFRY_LANES_INLINE Vector same(std::uint64_t word)
{
    return _mm512_set1_epi64(static_cast<long long>(word));
}
BELFRY_LANES_INLINE Vector plus(Vector a, Vector b)
{
    return _mm512_add_epi64(a, b);
}
BELFRY_LANES_INLINE Vector multiply_low(Vector sum, Vector a, Vector b)
{
    return _mm512_madd52lo_epu64(sum, a, b);
}
BELFRY_LANES_INLINE Vector multiply_high(Vector sum, Vector a, Vector b)
{
    return _mm512_madd52hi_epu64(sum, a, b);
}

BELFRY_LANES_INLINE Fe fe_constant(const std::uint64_t (&limbs)[5])
{
    return {{same(limbs[0]), same(limbs[1]), same(limbs[2]), same(limbs[3]), same(limbs[4])}};
}

/// Limbs below 2^63 in; below 2^51 + 2^16 out (tight).
BELFRY_LANES_INLINE Fe fe_carry(const Fe& a)
{
    const Vector mask = same((std::uint64_t{1} << 51) - 1);
    const Vector c0 = _mm512_srli_epi64(a.v[0], 51);
    const Vector c1 = _mm512_srli_epi64(a.v[1], 51);
    const Vector c2 = _mm512_srli_epi64(a.v[2], 51);
    const Vector c3 = _mm512_srli_epi64(a.v[3], 51);
    const Vector c4 = _mm512_srli_epi64(a.v[4], 51);
    return {{multiply_low(_mm512_and_si512(a.v[0], mask), c4, same(19)),
             plus(_mm512_and_si512(a.v[1], mask), c0), plus(_mm512_and_si512(a.v[2], mask), c1),
             plus(_mm512_and_si512(a.v[3], mask), c2), plus(_mm512_and_si512(a.v[4], mask), c3)}};
}
BELFRY_LANES_INLINE Fe fe_tighten(const Fe& a)
{
    return fe_carry(a); // 52 bits are all that a multiplier takes
}

BELFRY_LANES_INLINE Fe fe_add(const Fe& a, const Fe& b)
{
    return {{plus(a.v[0], b.v[0]), plus(a.v[1], b.v[1]), plus(a.v[2], b.v[2]), plus(a.v[3], b.v[3]),
             plus(a.v[4], b.v[4])}};
}
/// a - b where a was lifted.
BELFRY_LANES_INLINE Fe fe_sub_lifted(const Fe& a, const Fe& b)
{
    return {{_mm512_sub_epi64(a.v[0], b.v[0]), _mm512_sub_epi64(a.v[1], b.v[1]),
             _mm512_sub_epi64(a.v[2], b.v[2]), _mm512_sub_epi64(a.v[3], b.v[3]),
             _mm512_sub_epi64(a.v[4], b.v[4])}};
}

/// Limb i of 1024 p, each above any raw limb, divided by what the column is still multiplied by.
template <bool lifted>
BELFRY_LANES_INLINE Vector lift_limb(int limb, std::uint64_t divisor)
{
    constexpr std::uint64_t upper = (std::uint64_t{1} << 61) - 1024;
    constexpr std::uint64_t lowest = (std::uint64_t{1} << 61) - 19456;
    if (!lifted || limb > 4) {
        return _mm512_setzero_si512();
    }
    return same((limb == 0 ? lowest : upper) / divisor);
}

/// 2 a + 1024 p.
BELFRY_LANES_INLINE Fe fe_twice_lifted(const Fe& a)
{
    Fe out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        out.v[i] = plus(plus(a.v[i], a.v[i]), lift_limb<true>(i, 1));
    }
    return out;
}
/// a - b + 4p for tight a and b.
BELFRY_LANES_INLINE Fe fe_sub(const Fe& a, const Fe& b)
{
    Fe out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        const Vector lifted = plus(a.v[i], same(i == 0 ? 0x1fffffffffffb4 : 0x1ffffffffffffc));
        out.v[i] = _mm512_sub_epi64(lifted, b.v[i]);
    }
    return out;
}

/// What 2^255 = 19 does to columns 5..9: low + 19 high. Columns below 2^56 in.
BELFRY_LANES_INLINE Fe fold(const Vector* column)
{
    const Vector nineteen = same(19);
    return {{plus(column[0], _mm512_mullo_epi64(column[5], nineteen)),
             plus(column[1], _mm512_mullo_epi64(column[6], nineteen)),
             plus(column[2], _mm512_mullo_epi64(column[7], nineteen)),
             plus(column[3], _mm512_mullo_epi64(column[8], nineteen)),
             plus(column[4], _mm512_mullo_epi64(column[9], nineteen))}};
}

/// a b. High halves are summed first, doubled once, and low halves are added on top.
/// Raw: limbs below 2^60.2; lifted: 1024 p more.
template <bool lifted>
BELFRY_LANES_INLINE Fe multiply_raw(const Fe& a, const Fe& b)
{
    Vector column[10];
#pragma GCC unroll 10
    for (int i = 0; i < 10; ++i) {
        column[i] = lift_limb<lifted>(i, i == 0 ? 1 : 2);
    }
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
#pragma GCC unroll 5
        for (int j = 0; j < 5; ++j) {
            column[i + j + 1] = multiply_high(column[i + j + 1], a.v[i], b.v[j]);
        }
    }
#pragma GCC unroll 10
    for (int i = 1; i < 10; ++i) {
        column[i] = plus(column[i], column[i]);
    }
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
#pragma GCC unroll 5
        for (int j = 0; j < 5; ++j) {
            column[i + j] = multiply_low(column[i + j], a.v[i], b.v[j]);
        }
    }
    return fold(column);
}
BELFRY_LANES_INLINE Fe fe_mul_raw(const Fe& a, const Fe& b)
{
    return multiply_raw<false>(a, b);
}
BELFRY_LANES_INLINE Fe fe_mul_lifted(const Fe& a, const Fe& b)
{
    return multiply_raw<true>(a, b);
}
BELFRY_LANES_INLINE Fe fe_mul(const Fe& a, const Fe& b)
{
    return fe_carry(fe_mul_raw(a, b));
}

/// a a. Three weights share the columns, heaviest first: high halves of mixed products
/// count 4 times; their low halves and the high halves of squares twice; low halves of squares
/// once.
template <bool lifted>
BELFRY_LANES_INLINE Fe square_raw(const Fe& a)
{
    Vector column[10];
#pragma GCC unroll 10
    for (int i = 0; i < 10; ++i) {
        column[i] = lift_limb<lifted>(i, i == 0 ? 1 : i == 1 ? 2 : 4);
    }
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
#pragma GCC unroll 5
        for (int j = i + 1; j < 5; ++j) {
            column[i + j + 1] = multiply_high(column[i + j + 1], a.v[i], a.v[j]);
        }
    }
#pragma GCC unroll 10
    for (int i = 2; i < 9; ++i) {
        column[i] = plus(column[i], column[i]);
    }
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        column[2 * i + 1] = multiply_high(column[2 * i + 1], a.v[i], a.v[i]);
#pragma GCC unroll 5
        for (int j = i + 1; j < 5; ++j) {
            column[i + j] = multiply_low(column[i + j], a.v[i], a.v[j]);
        }
    }
#pragma GCC unroll 10
    for (int i = 1; i < 10; ++i) {
        column[i] = plus(column[i], column[i]);
    }
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        column[2 * i] = multiply_low(column[2 * i], a.v[i], a.v[i]);
    }
    return fold(column);
}
BELFRY_LANES_INLINE Fe fe_square_raw(const Fe& a)
{
    return square_raw<false>(a);
}
BELFRY_LANES_INLINE Fe fe_square_lifted(const Fe& a)
{
    return square_raw<true>(a);
}
BELFRY_LANES_INLINE Fe fe_square(const Fe& a)
{
    return fe_carry(fe_square_raw(a));
}

BELFRY_LANES_INLINE Fe fe_select(Mask which, const Fe& yes, const Fe& no)
{
    Fe out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        out.v[i] = _mm512_mask_mov_epi64(no.v[i], which, yes.v[i]);
    }
    return out;
}

/// The representative in 0..p-1. Limbs below 2^63 in.
BELFRY_LANES_NOINLINE Fe fe_freeze(const Fe& a)
{
    const Vector mask = same((std::uint64_t{1} << 51) - 1);
    Fe t = fe_carry(fe_carry(a)); // now below 2p
    Vector carry = _mm512_srli_epi64(plus(t.v[0], same(19)), 51);
    for (int i = 1; i < 5; ++i) {
        carry = _mm512_srli_epi64(plus(t.v[i], carry), 51);
    }
    t.v[0] = multiply_low(t.v[0], carry, same(19));
    for (int i = 0; i < 4; ++i) {
        t.v[i + 1] = plus(t.v[i + 1], _mm512_srli_epi64(t.v[i], 51));
        t.v[i] = _mm512_and_si512(t.v[i], mask);
    }
    t.v[4] = _mm512_and_si512(t.v[4], mask);
    return t;
}

BELFRY_LANES_INLINE Mask fe_is_zero(const Fe& a)
{
    const Fe t = fe_freeze(a);
    const Vector any = _mm512_or_si512(
        _mm512_or_si512(_mm512_or_si512(t.v[0], t.v[1]), _mm512_or_si512(t.v[2], t.v[3])), t.v[4]);
    return _mm512_testn_epi64_mask(any, any);
}

BELFRY_LANES_INLINE Mask fe_is_odd(const Fe& a)
{
    return _mm512_test_epi64_mask(fe_freeze(a).v[0], same(1));
}

/// Lane l receives lane l + step; the upper lanes wrap around and mean nothing.
BELFRY_LANES_INLINE Fe fe_lanes_down(const Fe& a, unsigned step)
{
    const Vector index =
        plus(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), same(step)); // three bits are used
    Fe out;
    for (int i = 0; i < 5; ++i) {
        out.v[i] = _mm512_permutexvar_epi64(index, a.v[i]);
    }
    return out;
}

BELFRY_LANES_INLINE Vector load_pair(const void* lower, const void* upper)
{
    const __m256i low = _mm256_loadu_si256(static_cast<const __m256i*>(lower));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low),
                              _mm256_loadu_si256(static_cast<const __m256i*>(upper)), 1);
}

/// Four words of each of eight rows to four vectors.
BELFRY_LANES_INLINE void transpose_in(const void* const (&row)[8], Vector* out)
{
    const Vector a = load_pair(row[0], row[2]);
    const Vector b = load_pair(row[1], row[3]);
    const Vector c = load_pair(row[4], row[6]);
    const Vector d = load_pair(row[5], row[7]);
    const Vector ab_even = _mm512_unpacklo_epi64(a, b);
    const Vector ab_odd = _mm512_unpackhi_epi64(a, b);
    const Vector cd_even = _mm512_unpacklo_epi64(c, d);
    const Vector cd_odd = _mm512_unpackhi_epi64(c, d);
    out[0] = _mm512_shuffle_i64x2(ab_even, cd_even, 0x88);
    out[1] = _mm512_shuffle_i64x2(ab_odd, cd_odd, 0x88);
    out[2] = _mm512_shuffle_i64x2(ab_even, cd_even, 0xDD);
    out[3] = _mm512_shuffle_i64x2(ab_odd, cd_odd, 0xDD);
}

/// Four vectors to four words of each of eight rows, first words first.
BELFRY_LANES_INLINE void transpose_out(const Vector (&in)[4], std::uint64_t* const* rows,
                                       std::size_t word)
{
    const Vector low_even = _mm512_unpacklo_epi64(in[0], in[1]);
    const Vector low_odd = _mm512_unpackhi_epi64(in[0], in[1]);
    const Vector high_even = _mm512_unpacklo_epi64(in[2], in[3]);
    const Vector high_odd = _mm512_unpackhi_epi64(in[2], in[3]);
    const Vector first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const Vector second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    const Vector pairs[4] = {_mm512_permutex2var_epi64(low_even, first, high_even),
                             _mm512_permutex2var_epi64(low_odd, first, high_odd),
                             _mm512_permutex2var_epi64(low_even, second, high_even),
                             _mm512_permutex2var_epi64(low_odd, second, high_odd)};
    for (int i = 0; i < 4; ++i) {
        const int row = i < 2 ? i : i + 2; // pairs are rows (0, 2), (1, 3), (4, 6), (5, 7)
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(rows[row] + word),
                            _mm512_castsi512_si256(pairs[i]));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(rows[row + 2] + word),
                            _mm512_extracti64x4_epi64(pairs[i], 1));
    }
}

/// elements * 5 words of each row; the last block may read one word more, which rows have.
template <int elements>
BELFRY_LANES_INLINE void load_words(const std::uint64_t* const* rows, Fe* out)
{
    constexpr int blocks = (5 * elements + 3) / 4;
    Vector words[static_cast<std::size_t>(4 * blocks)];
    for (int block = 0; block < blocks; ++block) {
        const void* at[8];
        for (int lane = 0; lane < 8; ++lane) {
            at[lane] = rows[lane] + 4 * block;
        }
        transpose_in(at, words + 4 * block);
    }
    for (int i = 0; i < 5 * elements; ++i) {
        out[i / 5].v[i % 5] = words[i];
    }
}

template <int elements>
BELFRY_LANES_INLINE void store_words(std::uint64_t* const* rows, const Fe* in)
{
    constexpr int blocks = (5 * elements + 3) / 4;
    for (int block = 0; block < blocks; ++block) {
        Vector words[4];
        for (int i = 0; i < 4; ++i) {
            const int word = 4 * block + i;
            words[i] = word < 5 * elements ? in[word / 5].v[word % 5] : _mm512_setzero_si512();
        }
        transpose_out(words, rows, static_cast<std::size_t>(4 * block));
    }
}

template <int elements>
BELFRY_LANES_INLINE void load_same(const std::uint64_t* row, Fe* out)
{
    for (int i = 0; i < 5 * elements; ++i) {
        out[i / 5].v[i % 5] = same(row[i]);
    }
}

/// y of eight encodings mod 2^255, and their sign bits.
BELFRY_LANES_INLINE Fe fe_from_encodings(const std::uint8_t* const* encodings, Mask& sign)
{
    const void* rows[8];
    for (int lane = 0; lane < 8; ++lane) {
        rows[lane] = encodings[lane];
    }
    Vector w[4];
    transpose_in(rows, w);
    const Vector mask = same((std::uint64_t{1} << 51) - 1);
    sign = _mm512_movepi64_mask(w[3]);
    const Vector limb1 = _mm512_or_si512(_mm512_srli_epi64(w[0], 51), _mm512_slli_epi64(w[1], 13));
    const Vector limb2 = _mm512_or_si512(_mm512_srli_epi64(w[1], 38), _mm512_slli_epi64(w[2], 26));
    const Vector limb3 = _mm512_or_si512(_mm512_srli_epi64(w[2], 25), _mm512_slli_epi64(w[3], 39));
    return {{_mm512_and_si512(w[0], mask), _mm512_and_si512(limb1, mask),
             _mm512_and_si512(limb2, mask), _mm512_and_si512(limb3, mask),
             _mm512_and_si512(_mm512_srli_epi64(w[3], 12), mask)}};
}

/// The representative in 0..p-1 as four words.
BELFRY_LANES_INLINE void fe_to_words(const Fe& a, std::uint64_t (&words)[4][8])
{
    const Fe t = fe_freeze(a);
    const int right[4] = {0, 13, 26, 39};
    for (int i = 0; i < 4; ++i) {
        const Vector low = _mm512_srli_epi64(t.v[i], static_cast<unsigned>(right[i]));
        const Vector high = _mm512_slli_epi64(t.v[i + 1], static_cast<unsigned>(51 - right[i]));
        _mm512_storeu_si512(words[i], _mm512_or_si512(low, high));
    }
}

/// |digit| of each lane, and which are negative.
BELFRY_LANES_INLINE Mask split_digits(const std::int8_t* digits, std::uint64_t (&index)[8])
{
    const Vector wide =
        _mm512_cvtepi8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(digits)));
    _mm512_storeu_si512(index, _mm512_abs_epi64(wide));
    return _mm512_movepi64_mask(wide);
}

BELFRY_LANES_INLINE unsigned mask_bits(Mask a)
{
    return a;
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
BELFRY_LANES_INLINE Mask mask_not(Mask a)
{
    return static_cast<Mask>(~a);
}

#include "crypto/ed25519_lanes.inc"

} // namespace

const Ed25519Lanes ed25519_lanes_avx512 = {lane_count, decode, bucket_sum, verify_exact,
                                           base_multiply};

} // namespace belfry::crypto
