// SPDX-License-Identifier: Apache-2.0
// Four lanes: ten limbs of 26 and 25 bits in 64-bit lanes, products by the 32-bit multiplier of
// AVX2. In memory two limbs make one of 51 bits, as every kernel's rows have them.
#include "crypto/ed25519_kernels.hpp"

#include <immintrin.h>

#define BELFRY_LANES_INLINE [[gnu::always_inline]] static inline
#define BELFRY_LANES_NOINLINE [[gnu::noinline]] static

namespace belfry::crypto {
namespace {

constexpr std::size_t lane_count = 4;
using Vector = __m256i;
using Mask = __m256i;

/// Tight: even limbs below 2^26 + 2^18, odd ones below 2^25 + 2^18.
struct Fe {
    Vector v[10];
};

BELFRY_LANES_INLINE Vector same(std::uint64_t word)
{
    return _mm256_set1_epi64x(static_cast<long long>(word));
}
BELFRY_LANES_INLINE Vector plus(Vector a, Vector b)
{
    return _mm256_add_epi64(a, b);
}
BELFRY_LANES_INLINE Vector times(Vector a, Vector b)
{
    return _mm256_mul_epu32(a, b); // the low 32 bits of both
}
BELFRY_LANES_INLINE Vector times_19(Vector a)
{
    return plus(plus(a, plus(a, a)), _mm256_slli_epi64(a, 4));
}
/// Limb i keeps its low bits; the rest is returned for the next limb.
BELFRY_LANES_INLINE Vector take_carry(Vector& limb, int i)
{
    const int bits = i % 2 == 0 ? 26 : 25;
    const Vector carry = _mm256_srli_epi64(limb, bits);
    limb = _mm256_and_si256(limb, same((std::uint64_t{1} << bits) - 1));
    return carry;
}

BELFRY_LANES_INLINE Fe fe_constant(const std::uint64_t (&limbs)[5])
{
    Fe out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
        out.v[2 * i] = same(limbs[i] & 0x3FFFFFF);
        out.v[2 * i + 1] = same(limbs[i] >> 26);
    }
    return out;
}

/// Limbs below 2^62 in; one pass, so below 2^31 in gives tight out.
BELFRY_LANES_INLINE Fe fe_carry(const Fe& a)
{
    Fe out = a;
    Vector carry[10];
#pragma GCC unroll 10
    for (int i = 0; i < 10; ++i) {
        carry[i] = take_carry(out.v[i], i);
    }
    out.v[0] = plus(out.v[0], times_19(carry[9]));
#pragma GCC unroll 10
    for (int i = 1; i < 10; ++i) {
        out.v[i] = plus(out.v[i], carry[i - 1]);
    }
    return out;
}
BELFRY_LANES_INLINE Fe fe_tighten(const Fe& a)
{
    return fe_carry(a);
}

BELFRY_LANES_INLINE Fe fe_add(const Fe& a, const Fe& b)
{
    Fe out;
#pragma GCC unroll 10
    for (int i = 0; i < 10; ++i) {
        out.v[i] = plus(a.v[i], b.v[i]);
    }
    return out;
}
/// a - b where a was lifted.
BELFRY_LANES_INLINE Fe fe_sub_lifted(const Fe& a, const Fe& b)
{
    Fe out;
#pragma GCC unroll 10
    for (int i = 0; i < 10; ++i) {
        out.v[i] = _mm256_sub_epi64(a.v[i], b.v[i]);
    }
    return out;
}
/// a + 4p: even limbs 2^28 more, odd ones 2^27, above any tight limb.
BELFRY_LANES_INLINE Fe lift(const Fe& a)
{
    Fe out;
#pragma GCC unroll 10
    for (int i = 0; i < 10; ++i) {
        const std::uint64_t limb = i == 0 ? 0xFFFFFB4 : i % 2 == 0 ? 0xFFFFFFC : 0x7FFFFFC;
        out.v[i] = plus(a.v[i], same(limb));
    }
    return out;
}
BELFRY_LANES_INLINE Fe fe_sub(const Fe& a, const Fe& b)
{
    return fe_sub_lifted(lift(a), b);
}
BELFRY_LANES_INLINE Fe fe_twice_lifted(const Fe& a)
{
    return lift(fe_add(a, a));
}

/// Columns below 2^62 to tight limbs; two chains of carries run side by side.
BELFRY_LANES_INLINE void reduce(Vector (&h)[10])
{
#pragma GCC unroll 5
    for (int i = 0; i < 4; ++i) {
        h[i + 1] = plus(h[i + 1], take_carry(h[i], i));
        h[i + 5] = plus(h[i + 5], take_carry(h[i + 4], i + 4));
    }
    h[5] = plus(h[5], take_carry(h[4], 4));
    h[9] = plus(h[9], take_carry(h[8], 8));
    h[0] = plus(h[0], times_19(take_carry(h[9], 9)));
    h[1] = plus(h[1], take_carry(h[0], 0));
}

/// Tight in, tight out. Columns stay below 2^62: ten products of 2^26.1 by 2^26.1, most 38 times.
BELFRY_LANES_NOINLINE void multiply(Fe& out, const Fe& a, const Fe& b)
{
    Vector b19[10];
    Vector a2[10];
    const Vector nineteen = same(19);
#pragma GCC unroll 10
    for (int i = 1; i < 10; ++i) {
        b19[i] = times(b.v[i], nineteen);
    }
#pragma GCC unroll 10
    for (int i = 1; i < 10; i += 2) {
        a2[i] = plus(a.v[i], a.v[i]);
    }
    Vector h[10];
#pragma GCC unroll 10
    for (int k = 0; k < 10; ++k) {
        // Two limbs of 25 bits meet half a bit low each, so their product counts twice.
        h[k] = times(a.v[0], b.v[k]);
#pragma GCC unroll 10
        for (int i = 1; i < 10; ++i) {
            const int j = i <= k ? k - i : k - i + 10;
            const Vector left = i % 2 == 1 && j % 2 == 1 ? a2[i] : a.v[i];
            h[k] = plus(h[k], times(left, i <= k ? b.v[j] : b19[j]));
        }
    }
    reduce(h);
#pragma GCC unroll 10
    for (int i = 0; i < 10; ++i) {
        out.v[i] = h[i];
    }
}

BELFRY_LANES_NOINLINE void square(Fe& out, const Fe& a)
{
    Vector a2[10];
    Vector a19[10];
    const Vector nineteen = same(19);
#pragma GCC unroll 10
    for (int i = 0; i < 10; ++i) {
        a2[i] = plus(a.v[i], a.v[i]);
        a19[i] = times(a.v[i], nineteen);
    }
    Vector h[10];
#pragma GCC unroll 10
    for (int k = 0; k < 10; ++k) {
        h[k] = _mm256_setzero_si256();
#pragma GCC unroll 10
        for (int i = 0; i < 10; ++i) {
            const int j = i <= k ? k - i : k - i + 10;
            if (i > j) {
                continue; // counted with its mirror image
            }
            const Vector right = i <= k ? a.v[j] : a19[j];
            const bool odd = i % 2 == 1 && j % 2 == 1;
            Vector product = times(i < j || odd ? a2[i] : a.v[i], right);
            if (i < j && odd) {
                product = plus(product, product);
            }
            h[k] = plus(h[k], product);
        }
    }
    reduce(h);
#pragma GCC unroll 10
    for (int i = 0; i < 10; ++i) {
        out.v[i] = h[i];
    }
}

BELFRY_LANES_INLINE Fe fe_mul(const Fe& a, const Fe& b)
{
    Fe out;
    multiply(out, a, b);
    return out;
}
BELFRY_LANES_INLINE Fe fe_square(const Fe& a)
{
    Fe out;
    square(out, a);
    return out;
}
/// Products are always carried here.
BELFRY_LANES_INLINE Fe fe_mul_raw(const Fe& a, const Fe& b)
{
    return fe_mul(a, b);
}
BELFRY_LANES_INLINE Fe fe_square_raw(const Fe& a)
{
    return fe_square(a);
}
BELFRY_LANES_INLINE Fe fe_mul_lifted(const Fe& a, const Fe& b)
{
    return lift(fe_mul(a, b));
}
BELFRY_LANES_INLINE Fe fe_square_lifted(const Fe& a)
{
    return lift(fe_square(a));
}

BELFRY_LANES_INLINE Fe fe_select(Mask which, const Fe& yes, const Fe& no)
{
    Fe out;
#pragma GCC unroll 10
    for (int i = 0; i < 10; ++i) {
        out.v[i] = _mm256_blendv_epi8(no.v[i], yes.v[i], which);
    }
    return out;
}

/// The representative in 0..p-1. Limbs below 2^31 in.
BELFRY_LANES_NOINLINE Fe fe_freeze(const Fe& a)
{
    Fe t = fe_carry(fe_carry(a)); // now below 2p
    Vector carry = _mm256_srli_epi64(plus(t.v[0], same(19)), 26);
    for (int i = 1; i < 10; ++i) {
        carry = _mm256_srli_epi64(plus(t.v[i], carry), i % 2 == 0 ? 26 : 25);
    }
    t.v[0] = plus(t.v[0], times_19(carry));
    for (int i = 0; i < 9; ++i) {
        t.v[i + 1] = plus(t.v[i + 1], take_carry(t.v[i], i));
    }
    static_cast<void>(take_carry(t.v[9], 9));
    return t;
}

BELFRY_LANES_INLINE Mask fe_is_zero(const Fe& a)
{
    const Fe t = fe_freeze(a);
    Vector any = t.v[0];
    for (int i = 1; i < 10; ++i) {
        any = _mm256_or_si256(any, t.v[i]);
    }
    return _mm256_cmpeq_epi64(any, _mm256_setzero_si256());
}

BELFRY_LANES_INLINE Mask fe_is_odd(const Fe& a)
{
    const Vector low = _mm256_and_si256(fe_freeze(a).v[0], same(1));
    return _mm256_cmpeq_epi64(low, same(1));
}

/// Lane l receives lane l + step; the upper lanes mean nothing. step is 1 or 2.
BELFRY_LANES_INLINE Fe fe_lanes_down(const Fe& a, unsigned step)
{
    Fe out;
    for (int i = 0; i < 10; ++i) {
        out.v[i] = step == 1 ? _mm256_permute4x64_epi64(a.v[i], 0x39)
                             : _mm256_permute4x64_epi64(a.v[i], 0x4E);
    }
    return out;
}

/// Four words of four rows to four vectors, and back: transposing twice changes nothing.
BELFRY_LANES_INLINE void transpose(Vector (&block)[4])
{
    const Vector a = _mm256_unpacklo_epi64(block[0], block[1]);
    const Vector b = _mm256_unpackhi_epi64(block[0], block[1]);
    const Vector c = _mm256_unpacklo_epi64(block[2], block[3]);
    const Vector d = _mm256_unpackhi_epi64(block[2], block[3]);
    block[0] = _mm256_permute2x128_si256(a, c, 0x20);
    block[1] = _mm256_permute2x128_si256(b, d, 0x20);
    block[2] = _mm256_permute2x128_si256(a, c, 0x31);
    block[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

BELFRY_LANES_INLINE void set_limb(Fe* out, int word, Vector limb)
{
    out[word / 5].v[2 * (word % 5)] = _mm256_and_si256(limb, same(0x3FFFFFF));
    out[word / 5].v[2 * (word % 5) + 1] = _mm256_srli_epi64(limb, 26);
}
BELFRY_LANES_INLINE Vector get_limb(const Fe* in, int word)
{
    const Fe& element = in[word / 5];
    return plus(element.v[2 * (word % 5)], _mm256_slli_epi64(element.v[2 * (word % 5) + 1], 26));
}

/// elements * 5 words of each row; the last block may read one word more, which rows have.
template <int elements>
BELFRY_LANES_INLINE void load_words(const std::uint64_t* const* rows, Fe* out)
{
#pragma GCC unroll 5
    for (int at = 0; at < 5 * elements; at += 4) {
        Vector block[4];
#pragma GCC unroll 4
        for (int lane = 0; lane < 4; ++lane) {
            block[lane] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows[lane] + at));
        }
        transpose(block);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
            if (at + i < 5 * elements) {
                set_limb(out, at + i, block[i]);
            }
        }
    }
}

template <int elements>
BELFRY_LANES_INLINE void store_words(std::uint64_t* const* rows, const Fe* in)
{
#pragma GCC unroll 5
    for (int at = 0; at < 5 * elements; at += 4) {
        Vector block[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
            block[i] = at + i < 5 * elements ? get_limb(in, at + i) : _mm256_setzero_si256();
        }
        transpose(block);
#pragma GCC unroll 4
        for (int lane = 0; lane < 4; ++lane) {
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(rows[lane] + at), block[lane]);
        }
    }
}

template <int elements>
BELFRY_LANES_INLINE void load_same(const std::uint64_t* row, Fe* out)
{
#pragma GCC unroll 20
    for (int i = 0; i < 5 * elements; ++i) {
        set_limb(out, i, same(row[i]));
    }
}

/// y of four encodings mod 2^255, and their sign bits.
BELFRY_LANES_INLINE Fe fe_from_encodings(const std::uint8_t* const* encodings, Mask& sign)
{
    Vector w[4];
    for (int lane = 0; lane < 4; ++lane) {
        w[lane] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(encodings[lane]));
    }
    transpose(w);
    sign = _mm256_cmpgt_epi64(_mm256_setzero_si256(), w[3]);
    const Vector mask = same((std::uint64_t{1} << 51) - 1);
    const Vector limbs[5] = {
        w[0], _mm256_or_si256(_mm256_srli_epi64(w[0], 51), _mm256_slli_epi64(w[1], 13)),
        _mm256_or_si256(_mm256_srli_epi64(w[1], 38), _mm256_slli_epi64(w[2], 26)),
        _mm256_or_si256(_mm256_srli_epi64(w[2], 25), _mm256_slli_epi64(w[3], 39)),
        _mm256_srli_epi64(w[3], 12)};
    Fe out;
    for (int i = 0; i < 5; ++i) {
        set_limb(&out, i, _mm256_and_si256(limbs[i], mask));
    }
    return out;
}

/// The representative in 0..p-1 as four words.
BELFRY_LANES_INLINE void fe_to_words(const Fe& a, std::uint64_t (&words)[4][4])
{
    const Fe t = fe_freeze(a);
    const int right[4] = {0, 13, 26, 39};
    for (int i = 0; i < 4; ++i) {
        const Vector low = _mm256_srli_epi64(get_limb(&t, i), right[i]);
        const Vector high = _mm256_slli_epi64(get_limb(&t, i + 1), 51 - right[i]);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(words[i]), _mm256_or_si256(low, high));
    }
}

/// |digit| of each lane, and which are negative.
BELFRY_LANES_INLINE Mask split_digits(const std::int8_t* digits, std::uint64_t (&index)[4])
{
    const Vector wide = _mm256_setr_epi64x(digits[0], digits[1], digits[2], digits[3]);
    const Mask negative = _mm256_cmpgt_epi64(_mm256_setzero_si256(), wide);
    const Vector size = _mm256_sub_epi64(_mm256_xor_si256(wide, negative), negative);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(index), size);
    return negative;
}

BELFRY_LANES_INLINE unsigned mask_bits(Mask a)
{
    return static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(a)));
}
BELFRY_LANES_INLINE Mask mask_of(unsigned bits)
{
    const Vector bit = _mm256_setr_epi64x(1, 2, 4, 8);
    return _mm256_cmpeq_epi64(_mm256_and_si256(same(bits), bit), bit);
}
BELFRY_LANES_INLINE Mask mask_xor(Mask a, Mask b)
{
    return _mm256_xor_si256(a, b);
}
BELFRY_LANES_INLINE Mask mask_or(Mask a, Mask b)
{
    return _mm256_or_si256(a, b);
}
BELFRY_LANES_INLINE Mask mask_not(Mask a)
{
    return _mm256_xor_si256(a, same(UINT64_MAX));
}

#include "crypto/ed25519_lanes.inc"
#include "crypto/ed25519_lanes_sums.inc"

} // namespace

const Ed25519Lanes ed25519_lanes_avx2 = {lane_count,   decode,        bucket_sums, fold_windows,
                                         verify_exact, base_multiply, nullptr};

} // namespace belfry::crypto
