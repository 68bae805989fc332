// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha512_kernels.hpp"

#include <immintrin.h>

// Eight messages, one in each 64-bit lane; state and schedule stay in the 32 vector registers.

namespace belfry::crypto {
namespace {

using Vector = __m512i;

[[gnu::always_inline]] inline Vector add(Vector a, Vector b)
{
    return _mm512_add_epi64(a, b);
}

[[gnu::always_inline]] inline Vector xor3(Vector a, Vector b, Vector c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

/// Round t of 80 and, if more follow, word t + 16 of the schedule. s and w are rings.
[[gnu::always_inline]] inline void round(Vector* s, Vector* w, const std::uint64_t* constants,
                                         std::size_t t, bool more)
{
    const Vector a = s[(80 - t) % 8];
    const Vector b = s[(81 - t) % 8];
    const Vector c = s[(82 - t) % 8];
    const Vector e = s[(84 - t) % 8];
    const Vector f = s[(85 - t) % 8];
    const Vector g = s[(86 - t) % 8];
    Vector* const d = &s[(83 - t) % 8];
    Vector* const h = &s[(87 - t) % 8];
    const Vector x = w[t % 16];
    const Vector input = add(*h, add(x, _mm512_set1_epi64(static_cast<long long>(constants[t]))));
    const Vector choose = _mm512_ternarylogic_epi64(e, f, g, 0xCA);
    const Vector sum1 =
        xor3(_mm512_ror_epi64(e, 14), _mm512_ror_epi64(e, 18), _mm512_ror_epi64(e, 41));
    const Vector t1 = add(add(input, choose), sum1);
    const Vector majority = _mm512_ternarylogic_epi64(a, b, c, 0xE8);
    const Vector sum0 =
        xor3(_mm512_ror_epi64(a, 28), _mm512_ror_epi64(a, 34), _mm512_ror_epi64(a, 39));
    *d = add(*d, t1);
    *h = add(add(t1, majority), sum0);
    if (more) {
        const Vector y = w[(t + 1) % 16];
        const Vector z = w[(t + 14) % 16];
        const Vector small0 =
            xor3(_mm512_ror_epi64(y, 1), _mm512_ror_epi64(y, 8), _mm512_srli_epi64(y, 7));
        const Vector small1 =
            xor3(_mm512_ror_epi64(z, 19), _mm512_ror_epi64(z, 61), _mm512_srli_epi64(z, 6));
        w[t % 16] = add(add(x, w[(t + 9) % 16]), add(small0, small1));
    }
}

[[gnu::always_inline]] inline void sixteen_rounds(Vector* s, Vector* w,
                                                  const std::uint64_t* constants, bool more)
{
    round(s, w, constants, 0, more);
    round(s, w, constants, 1, more);
    round(s, w, constants, 2, more);
    round(s, w, constants, 3, more);
    round(s, w, constants, 4, more);
    round(s, w, constants, 5, more);
    round(s, w, constants, 6, more);
    round(s, w, constants, 7, more);
    round(s, w, constants, 8, more);
    round(s, w, constants, 9, more);
    round(s, w, constants, 10, more);
    round(s, w, constants, 11, more);
    round(s, w, constants, 12, more);
    round(s, w, constants, 13, more);
    round(s, w, constants, 14, more);
    round(s, w, constants, 15, more);
}

/// Words offset..offset+7 of eight messages, big-endian, to one vector per word.
[[gnu::always_inline]] inline void load_words(Vector* w, const std::uint8_t* const* blocks,
                                              std::size_t offset)
{
    const Vector swap =
        _mm512_broadcast_i32x4(_mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    Vector r[8];
    for (std::size_t l = 0; l < 8; ++l) {
        r[l] = _mm512_shuffle_epi8(_mm512_loadu_si512(blocks[l] + offset), swap);
    }
    Vector p[8]; // pairs of lanes: even words in p[2i], odd ones in p[2i + 1]
    for (std::size_t i = 0; i < 4; ++i) {
        p[2 * i] = _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);
        p[2 * i + 1] = _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]);
    }
    for (std::size_t odd = 0; odd < 2; ++odd) {
        const Vector low01 = _mm512_shuffle_i64x2(p[odd], p[2 + odd], 0x88);
        const Vector high01 = _mm512_shuffle_i64x2(p[odd], p[2 + odd], 0xDD);
        const Vector low23 = _mm512_shuffle_i64x2(p[4 + odd], p[6 + odd], 0x88);
        const Vector high23 = _mm512_shuffle_i64x2(p[4 + odd], p[6 + odd], 0xDD);
        w[odd] = _mm512_shuffle_i64x2(low01, low23, 0x88);
        w[odd + 4] = _mm512_shuffle_i64x2(low01, low23, 0xDD);
        w[odd + 2] = _mm512_shuffle_i64x2(high01, high23, 0x88);
        w[odd + 6] = _mm512_shuffle_i64x2(high01, high23, 0xDD);
    }
}

} // namespace

void sha512_lanes8_avx512(std::uint64_t* state, const std::uint8_t** blocks,
                          const std::uint64_t* advance, std::size_t block_count)
{
    Vector s[8];
    for (std::size_t i = 0; i < 8; ++i) {
        s[i] = _mm512_load_si512(state + 8 * i);
    }
    for (; block_count != 0; --block_count) {
        Vector w[16];
        load_words(w, blocks, 0);
        load_words(w + 8, blocks, 64);
        _mm512_store_si512(
            static_cast<void*>(blocks),
            add(_mm512_load_si512(static_cast<const void*>(blocks)), _mm512_load_si512(advance)));
        for (std::size_t t = 0; t < 64; t += 16) {
            sixteen_rounds(s, w, sha512_constants + t, true);
        }
        sixteen_rounds(s, w, sha512_constants + 64, false);
        for (std::size_t i = 0; i < 8; ++i) {
            s[i] = add(s[i], _mm512_load_si512(state + 8 * i));
            _mm512_store_si512(state + 8 * i, s[i]);
        }
    }
}

} // namespace belfry::crypto
