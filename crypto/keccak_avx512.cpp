// SPDX-License-Identifier: Apache-2.0
#include "crypto/keccak_kernels.hpp"

#include <immintrin.h>

// Eight messages, one in each 64-bit lane; the 25 words of the state stay in vector registers.

namespace belfry::crypto {
namespace {

using Vector = __m512i;

[[gnu::always_inline]] inline Vector xor3(Vector a, Vector b, Vector c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

/// Row y of steps rho, pi, chi: word x is the rotated source[x].
template <std::size_t s0, int r0, std::size_t s1, int r1, std::size_t s2, int r2, std::size_t s3,
          int r3, std::size_t s4, int r4>
[[gnu::always_inline]] inline void row(Vector* out, const Vector* a)
{
    const Vector b0 = _mm512_rol_epi64(a[s0], r0);
    const Vector b1 = _mm512_rol_epi64(a[s1], r1);
    const Vector b2 = _mm512_rol_epi64(a[s2], r2);
    const Vector b3 = _mm512_rol_epi64(a[s3], r3);
    const Vector b4 = _mm512_rol_epi64(a[s4], r4);
    out[0] = _mm512_ternarylogic_epi64(b0, b1, b2, 0xD2); // b0 ^ (~b1 & b2)
    out[1] = _mm512_ternarylogic_epi64(b1, b2, b3, 0xD2);
    out[2] = _mm512_ternarylogic_epi64(b2, b3, b4, 0xD2);
    out[3] = _mm512_ternarylogic_epi64(b3, b4, b0, 0xD2);
    out[4] = _mm512_ternarylogic_epi64(b4, b0, b1, 0xD2);
}

/// Theta is finished in place before the rows: 25 words and 5 columns are as many as there are
/// registers.
[[gnu::always_inline]] inline void permute(Vector* a)
{
    for (const std::uint64_t constant : keccak_round_constants) {
        Vector column[5];
        for (std::size_t x = 0; x < 5; ++x) {
            column[x] = xor3(xor3(a[x], a[x + 5], a[x + 10]), a[x + 15], a[x + 20]);
        }
        for (std::size_t x = 0; x < 5; ++x) {
            const Vector mix =
                _mm512_xor_si512(column[(x + 4) % 5], _mm512_rol_epi64(column[(x + 1) % 5], 1));
            for (std::size_t y = 0; y < keccak_words; y += 5) {
                a[x + y] = _mm512_xor_si512(a[x + y], mix);
            }
        }
        Vector b[keccak_words];
        row<0, 0, 6, 44, 12, 43, 18, 21, 24, 14>(b, a);
        row<3, 28, 9, 20, 10, 3, 16, 45, 22, 61>(b + 5, a);
        row<1, 1, 7, 6, 13, 25, 19, 8, 20, 18>(b + 10, a);
        row<4, 27, 5, 36, 11, 10, 17, 15, 23, 56>(b + 15, a);
        row<2, 62, 8, 55, 14, 39, 15, 41, 21, 2>(b + 20, a);
        b[0] = _mm512_xor_si512(b[0], _mm512_set1_epi64(static_cast<long long>(constant)));
        for (std::size_t i = 0; i < keccak_words; ++i) {
            a[i] = b[i];
        }
    }
}

/// Eight words at offset of eight messages are added to a[0..7].
[[gnu::always_inline]] inline void absorb_words(Vector* a, const std::uint8_t* const* blocks,
                                                std::size_t offset)
{
    Vector p[8]; // pairs of lanes: even words in p[2i], odd ones in p[2i + 1]
    for (std::size_t i = 0; i < 4; ++i) {
        const Vector even = _mm512_loadu_si512(blocks[2 * i] + offset);
        const Vector odd = _mm512_loadu_si512(blocks[2 * i + 1] + offset);
        p[2 * i] = _mm512_unpacklo_epi64(even, odd);
        p[2 * i + 1] = _mm512_unpackhi_epi64(even, odd);
    }
    for (std::size_t odd = 0; odd < 2; ++odd) {
        const Vector low01 = _mm512_shuffle_i64x2(p[odd], p[2 + odd], 0x88);
        const Vector high01 = _mm512_shuffle_i64x2(p[odd], p[2 + odd], 0xDD);
        const Vector low23 = _mm512_shuffle_i64x2(p[4 + odd], p[6 + odd], 0x88);
        const Vector high23 = _mm512_shuffle_i64x2(p[4 + odd], p[6 + odd], 0xDD);
        const auto add = [a](std::size_t word, Vector value) {
            a[word] = _mm512_xor_si512(a[word], value);
        };
        add(odd, _mm512_shuffle_i64x2(low01, low23, 0x88));
        add(odd + 4, _mm512_shuffle_i64x2(low01, low23, 0xDD));
        add(odd + 2, _mm512_shuffle_i64x2(high01, high23, 0x88));
        add(odd + 6, _mm512_shuffle_i64x2(high01, high23, 0xDD));
    }
}

/// The last word of a block.
[[gnu::always_inline]] inline long long word(const std::uint8_t* block)
{
    long long value = 0;
    __builtin_memcpy(&value, block + keccak_block_bytes - 8, 8);
    return value;
}

} // namespace

void keccak_lanes8_avx512(std::uint64_t* state, const std::uint8_t** blocks,
                          const std::uint64_t* advance, std::size_t block_count)
{
    Vector a[keccak_words];
    for (std::size_t i = 0; i < keccak_words; ++i) {
        a[i] = _mm512_load_si512(state + 8 * i);
    }
    for (; block_count != 0; --block_count) {
        absorb_words(a, blocks, 0);
        absorb_words(a + 8, blocks, 64);
        a[16] = _mm512_xor_si512(a[16],
                                 _mm512_set_epi64(word(blocks[7]), word(blocks[6]), word(blocks[5]),
                                                  word(blocks[4]), word(blocks[3]), word(blocks[2]),
                                                  word(blocks[1]), word(blocks[0])));
        _mm512_store_si512(static_cast<void*>(blocks),
                           _mm512_add_epi64(_mm512_load_si512(static_cast<const void*>(blocks)),
                                            _mm512_load_si512(advance)));
        permute(a);
    }
    for (std::size_t i = 0; i < keccak_words; ++i) {
        _mm512_store_si512(state + 8 * i, a[i]);
    }
}

} // namespace belfry::crypto
