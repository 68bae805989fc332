// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha512_kernels.hpp"

#include <immintrin.h>

// Four messages at a time, one in each 64-bit lane; the eight of a call are two such groups.
// Sixteen registers hold the state and what a round needs; the schedule is in memory, an operand
// away.

namespace belfry::crypto {
namespace {

using Vector = __m256i;

constexpr std::size_t group_lanes = 4;
constexpr std::size_t stride = 8; // words of one index lie side by side for all eight lanes

[[gnu::always_inline]] inline Vector add(Vector a, Vector b)
{
    return _mm256_add_epi64(a, b);
}

[[gnu::always_inline]] inline Vector xor3(Vector a, Vector b, Vector c)
{
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}

template <int bits>
[[gnu::always_inline]] inline Vector turn(Vector a)
{
    return _mm256_or_si256(_mm256_srli_epi64(a, bits), _mm256_slli_epi64(a, 64 - bits));
}

/// Round t of 80 and, if more follow, word t + 16 of the schedule. s and w are rings.
template <bool more>
[[gnu::always_inline]] inline void round(Vector* s, Vector* w, const std::uint64_t* constants,
                                         std::size_t t)
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
    const Vector input = add(*h, add(x, _mm256_set1_epi64x(static_cast<long long>(constants[t]))));
    const Vector choose = _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)));
    const Vector t1 = add(add(input, choose), xor3(turn<14>(e), turn<18>(e), turn<41>(e)));
    const Vector majority =
        _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
    *d = add(*d, t1);
    *h = add(add(t1, majority), xor3(turn<28>(a), turn<34>(a), turn<39>(a)));
    if constexpr (more) {
        const Vector y = w[(t + 1) % 16];
        const Vector z = w[(t + 14) % 16];
        const Vector small0 = xor3(turn<1>(y), turn<8>(y), _mm256_srli_epi64(y, 7));
        const Vector small1 = xor3(turn<19>(z), turn<61>(z), _mm256_srli_epi64(z, 6));
        w[t % 16] = add(add(x, w[(t + 9) % 16]), add(small0, small1));
    }
}

template <bool more>
[[gnu::always_inline]] inline void sixteen_rounds(Vector* s, Vector* w,
                                                  const std::uint64_t* constants)
{
#pragma GCC unroll 2
    for (std::size_t t = 0; t < 16; t += 8) { // the ring of the state turns once
        round<more>(s, w, constants, t);
        round<more>(s, w, constants, t + 1);
        round<more>(s, w, constants, t + 2);
        round<more>(s, w, constants, t + 3);
        round<more>(s, w, constants, t + 4);
        round<more>(s, w, constants, t + 5);
        round<more>(s, w, constants, t + 6);
        round<more>(s, w, constants, t + 7);
    }
}

/// The sixteen words of four messages, big-endian, to one vector per word.
[[gnu::always_inline]] inline void load_words(Vector* w, const std::uint8_t* const* blocks)
{
    const Vector swap = _mm256_broadcastsi128_si256(
        _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    for (std::size_t word = 0; word < 16; word += group_lanes) {
        Vector r[group_lanes];
        for (std::size_t l = 0; l < group_lanes; ++l) {
            const auto* at = reinterpret_cast<const Vector*>(blocks[l] + 8 * word);
            r[l] = _mm256_shuffle_epi8(_mm256_loadu_si256(at), swap);
        }
        const Vector even01 = _mm256_unpacklo_epi64(r[0], r[1]);
        const Vector odd01 = _mm256_unpackhi_epi64(r[0], r[1]);
        const Vector even23 = _mm256_unpacklo_epi64(r[2], r[3]);
        const Vector odd23 = _mm256_unpackhi_epi64(r[2], r[3]);
        w[word] = _mm256_permute2x128_si256(even01, even23, 0x20);
        w[word + 1] = _mm256_permute2x128_si256(odd01, odd23, 0x20);
        w[word + 2] = _mm256_permute2x128_si256(even01, even23, 0x31);
        w[word + 3] = _mm256_permute2x128_si256(odd01, odd23, 0x31);
    }
}

[[gnu::always_inline]] inline Vector load(const std::uint64_t* from)
{
    return _mm256_load_si256(reinterpret_cast<const Vector*>(from));
}

void compress_group(std::uint64_t* state, const std::uint8_t** blocks, const std::uint64_t* advance,
                    std::size_t block_count)
{
    Vector s[8];
    for (std::size_t i = 0; i < 8; ++i) {
        s[i] = load(state + stride * i);
    }
    for (; block_count != 0; --block_count) {
        Vector w[16];
        load_words(w, blocks);
        for (std::size_t l = 0; l < group_lanes; ++l) {
            blocks[l] += advance[l];
        }
        for (std::size_t t = 0; t < 64; t += 16) {
            sixteen_rounds<true>(s, w, sha512_constants + t);
        }
        sixteen_rounds<false>(s, w, sha512_constants + 64);
        for (std::size_t i = 0; i < 8; ++i) {
            s[i] = add(s[i], load(state + stride * i));
            _mm256_store_si256(reinterpret_cast<Vector*>(state + stride * i), s[i]);
        }
    }
}

} // namespace

void sha512_lanes8_avx2(std::uint64_t* state, const std::uint8_t** blocks,
                        const std::uint64_t* advance, std::size_t block_count)
{
    for (std::size_t first = 0; first < 8; first += group_lanes) {
        // A lane that stays on one block is idle; so may be a whole group.
        const bool idle =
            (advance[first] | advance[first + 1] | advance[first + 2] | advance[first + 3]) == 0;
        if (!idle) {
            compress_group(state + first, blocks + first, advance + first, block_count);
        }
    }
}

} // namespace belfry::crypto
