// SPDX-License-Identifier: Apache-2.0
// Eight lanes in vectors of 512 bits.
#include "crypto/ed25519_kernels.hpp"

#include <immintrin.h>

#define BELFRY_LANES_INLINE [[gnu::always_inline]] static inline
#define BELFRY_LANES_NOINLINE [[gnu::noinline]] static

namespace belfry::crypto {
namespace {

constexpr std::size_t lane_count = 8;
using Vector = __m512i;
using Mask = __mmask8;

BELFRY_LANES_INLINE Vector same(std::uint64_t word)
{
    return _mm512_set1_epi64(static_cast<long long>(word));
}
BELFRY_LANES_INLINE Vector zero()
{
    return _mm512_setzero_si512();
}
BELFRY_LANES_INLINE Vector minus(Vector a, Vector b)
{
    return _mm512_sub_epi64(a, b);
}
BELFRY_LANES_INLINE Vector both(Vector a, Vector b)
{
    return _mm512_and_si512(a, b);
}
BELFRY_LANES_INLINE Vector right(Vector a)
{
    return _mm512_srli_epi64(a, 51);
}
BELFRY_LANES_INLINE Vector times(Vector a, Vector b)
{
    return _mm512_mullo_epi64(a, b);
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

#include "crypto/ed25519_ifma_field.inc"

BELFRY_LANES_INLINE Fe fe_select(Mask which, const Fe& yes, const Fe& no)
{
    Fe out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        out.v[i] = _mm512_mask_mov_epi64(no.v[i], which, yes.v[i]);
    }
    return out;
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
        transpose_out(words, rows, std::size_t{4} * static_cast<std::size_t>(block));
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
#include "crypto/ed25519_lanes_sums.inc"

} // namespace

const Ed25519Lanes ed25519_lanes_avx512 = {lane_count,
                                           decode,
                                           bucket_sums,
                                           ed25519_fold_windows_ifma,
                                           verify_exact,
                                           base_multiply,
                                           ed25519_verify_one_ifma};

} // namespace belfry::crypto
