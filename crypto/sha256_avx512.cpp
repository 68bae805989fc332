// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256_kernels.hpp"

#include <immintrin.h>

// Sixteen messages, one in each 32-bit lane; state and schedule stay in the 32 vector registers.

namespace belfry::crypto {
namespace {

using Vector = __m512i;

[[gnu::always_inline]] inline Vector add(Vector a, Vector b)
{
    return _mm512_add_epi32(a, b);
}

[[gnu::always_inline]] inline Vector xor3(Vector a, Vector b, Vector c)
{
    return _mm512_ternarylogic_epi32(a, b, c, 0x96);
}

/// Round t of 64 and, if more follow, word t + 16 of the schedule. s and w are rings.
[[gnu::always_inline]] inline void round(Vector* s, Vector* w, const std::uint32_t* constants,
                                         std::size_t t, bool more)
{
    const Vector a = s[(64 - t) % 8];
    const Vector b = s[(65 - t) % 8];
    const Vector c = s[(66 - t) % 8];
    const Vector e = s[(68 - t) % 8];
    const Vector f = s[(69 - t) % 8];
    const Vector g = s[(70 - t) % 8];
    Vector* const d = &s[(67 - t) % 8];
    Vector* const h = &s[(71 - t) % 8];
    const Vector x = w[t % 16];
    const Vector input = add(*h, add(x, _mm512_set1_epi32(static_cast<int>(constants[t]))));
    const Vector choose = _mm512_ternarylogic_epi32(e, f, g, 0xCA);
    const Vector sum1 =
        xor3(_mm512_ror_epi32(e, 6), _mm512_ror_epi32(e, 11), _mm512_ror_epi32(e, 25));
    const Vector t1 = add(add(input, choose), sum1);
    const Vector majority = _mm512_ternarylogic_epi32(a, b, c, 0xE8);
    const Vector sum0 =
        xor3(_mm512_ror_epi32(a, 2), _mm512_ror_epi32(a, 13), _mm512_ror_epi32(a, 22));
    *d = add(*d, t1);
    *h = add(add(t1, majority), sum0);
    if (more) {
        const Vector y = w[(t + 1) % 16];
        const Vector z = w[(t + 14) % 16];
        const Vector small0 =
            xor3(_mm512_ror_epi32(y, 7), _mm512_ror_epi32(y, 18), _mm512_srli_epi32(y, 3));
        const Vector small1 =
            xor3(_mm512_ror_epi32(z, 17), _mm512_ror_epi32(z, 19), _mm512_srli_epi32(z, 10));
        w[t % 16] = add(add(x, w[(t + 9) % 16]), add(small0, small1));
    }
}

[[gnu::always_inline]] inline void sixteen_rounds(Vector* s, Vector* w,
                                                  const std::uint32_t* constants, bool more)
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

/// Sixteen big-endian words of sixteen messages, to one vector per word.
[[gnu::always_inline]] inline void load_words(Vector* w, const std::uint8_t* const* blocks)
{
    const Vector swap =
        _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    Vector r[16];
    for (std::size_t l = 0; l < 16; ++l) {
        r[l] = _mm512_shuffle_epi8(_mm512_loadu_si512(blocks[l]), swap);
    }
    // Within four lanes: quarter q of f[4i + c] holds word 4q + c of lanes 4i..4i+3.
    Vector f[16];
    for (std::size_t i = 0; i < 16; i += 4) {
        const Vector a = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        const Vector b = _mm512_unpackhi_epi32(r[i], r[i + 1]);
        const Vector c = _mm512_unpacklo_epi32(r[i + 2], r[i + 3]);
        const Vector d = _mm512_unpackhi_epi32(r[i + 2], r[i + 3]);
        f[i] = _mm512_unpacklo_epi64(a, c);
        f[i + 1] = _mm512_unpackhi_epi64(a, c);
        f[i + 2] = _mm512_unpacklo_epi64(b, d);
        f[i + 3] = _mm512_unpackhi_epi64(b, d);
    }
    for (std::size_t c = 0; c < 4; ++c) {
        const Vector even01 = _mm512_shuffle_i32x4(f[c], f[4 + c], 0x88);
        const Vector odd01 = _mm512_shuffle_i32x4(f[c], f[4 + c], 0xDD);
        const Vector even23 = _mm512_shuffle_i32x4(f[8 + c], f[12 + c], 0x88);
        const Vector odd23 = _mm512_shuffle_i32x4(f[8 + c], f[12 + c], 0xDD);
        w[c] = _mm512_shuffle_i32x4(even01, even23, 0x88);
        w[8 + c] = _mm512_shuffle_i32x4(even01, even23, 0xDD);
        w[4 + c] = _mm512_shuffle_i32x4(odd01, odd23, 0x88);
        w[12 + c] = _mm512_shuffle_i32x4(odd01, odd23, 0xDD);
    }
}

/// Sixteen pointers move on.
[[gnu::always_inline]] inline void step(const std::uint8_t** blocks, const std::uint64_t* advance)
{
    for (std::size_t i = 0; i < 16; i += 8) {
        const Vector moved =
            _mm512_add_epi64(_mm512_load_si512(static_cast<const void*>(blocks + i)),
                             _mm512_load_si512(advance + i));
        _mm512_store_si512(static_cast<void*>(blocks + i), moved);
    }
}

} // namespace

void sha256_lanes16_avx512(std::uint32_t* state, const std::uint8_t** blocks,
                           const std::uint64_t* advance, std::size_t block_count)
{
    Vector s[8];
    for (std::size_t i = 0; i < 8; ++i) {
        s[i] = _mm512_load_si512(state + 16 * i);
    }
    for (; block_count != 0; --block_count) {
        Vector w[16];
        load_words(w, blocks);
        step(blocks, advance);
        for (std::size_t t = 0; t < 48; t += 16) {
            sixteen_rounds(s, w, sha256_constants + t, true);
        }
        sixteen_rounds(s, w, sha256_constants + 48, false);
        for (std::size_t i = 0; i < 8; ++i) {
            s[i] = add(s[i], _mm512_load_si512(state + 16 * i));
            _mm512_store_si512(state + 16 * i, s[i]);
        }
    }
}

// A link hashes 32 bytes: the state, then padding. All 64 rounds are laid out with constants the
// compiler sees, so that it folds the padding, its schedule and the first rounds.
void sha256_chain_lanes16_avx512(std::uint32_t* state, std::uint64_t hash_count)
{
    static constexpr std::uint32_t constants[sha256_round_count] = {
#include "crypto/sha256_constants.inc"
    };
    static constexpr std::uint32_t initial[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                                 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
    Vector w[16];
    for (std::size_t i = 0; i < 8; ++i) {
        w[i] = _mm512_load_si512(state + 16 * i);
    }
    for (; hash_count != 0; --hash_count) {
        Vector s[8];
        for (std::size_t i = 0; i < 8; ++i) {
            s[i] = _mm512_set1_epi32(static_cast<int>(initial[i]));
            w[8 + i] = _mm512_setzero_si512();
        }
        w[8] = _mm512_set1_epi32(static_cast<int>(0x80000000));
        w[15] = _mm512_set1_epi32(256);
        sixteen_rounds(s, w, constants, true);
        sixteen_rounds(s, w, constants + 16, true);
        sixteen_rounds(s, w, constants + 32, true);
        sixteen_rounds(s, w, constants + 48, false);
        for (std::size_t i = 0; i < 8; ++i) {
            w[i] = add(s[i], _mm512_set1_epi32(static_cast<int>(initial[i])));
        }
    }
    for (std::size_t i = 0; i < 8; ++i) {
        _mm512_store_si512(state + 16 * i, w[i]);
    }
}

} // namespace belfry::crypto
