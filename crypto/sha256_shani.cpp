// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256_kernels.hpp"

#include <immintrin.h>

// One message with the SHA instructions. They keep the state as two vectors, high word first:
// ABEF and CDGH. The chain of sha256rnds2 (4 cycles each, 32 a block) is the limit of the core;
// everything else is kept out of its way.

namespace belfry::crypto {
namespace {

using Vector = __m128i;

[[gnu::always_inline]] inline Vector load(const void* from)
{
    return _mm_loadu_si128(static_cast<const Vector*>(from));
}

struct State {
    Vector abef;
    Vector cdgh;
};

[[gnu::always_inline]] inline State load_state(const std::uint32_t* state)
{
    const Vector badc = _mm_shuffle_epi32(load(state), 0xB1); // names are high word first: CDAB
    const Vector efgh = _mm_shuffle_epi32(load(state + 4), 0x1B);
    return {_mm_alignr_epi8(badc, efgh, 8), _mm_blend_epi16(efgh, badc, 0xF0)};
}

[[gnu::always_inline]] inline void store_state(std::uint32_t* state, const State& s)
{
    const Vector feba = _mm_shuffle_epi32(s.abef, 0x1B);
    const Vector dchg = _mm_shuffle_epi32(s.cdgh, 0xB1);
    _mm_storeu_si128(reinterpret_cast<Vector*>(state), _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128(reinterpret_cast<Vector*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/// Rounds 4i..4i+3 over words with their constants added.
[[gnu::always_inline]] inline void four_rounds(State& s, Vector keyed)
{
    s.cdgh = _mm_sha256rnds2_epu32(s.cdgh, s.abef, keyed);
    s.abef = _mm_sha256rnds2_epu32(s.abef, s.cdgh, _mm_shuffle_epi32(keyed, 0x0E));
}

/// The four words of the schedule after w3, given the sixteen before.
[[gnu::always_inline]] inline Vector next_words(Vector w0, Vector w1, Vector w2, Vector w3)
{
    const Vector partial = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
    return _mm_sha256msg2_epu32(partial, w3);
}

/// Rounds 16t..16t+15, and the sixteen words after.
[[gnu::always_inline]] inline void sixteen_rounds(State& s, Vector* w, const std::uint32_t* k)
{
    four_rounds(s, _mm_add_epi32(w[0], load(k)));
    w[0] = next_words(w[0], w[1], w[2], w[3]);
    four_rounds(s, _mm_add_epi32(w[1], load(k + 4)));
    w[1] = next_words(w[1], w[2], w[3], w[0]);
    four_rounds(s, _mm_add_epi32(w[2], load(k + 8)));
    w[2] = next_words(w[2], w[3], w[0], w[1]);
    four_rounds(s, _mm_add_epi32(w[3], load(k + 12)));
    w[3] = next_words(w[3], w[0], w[1], w[2]);
}

[[gnu::always_inline]] inline void last_rounds(State& s, const Vector* w)
{
    for (std::size_t i = 0; i < 4; ++i) {
        four_rounds(s, _mm_add_epi32(w[i], load(sha256_constants + 48 + 4 * i)));
    }
}

/// Rounds 4i..4i+3 of some independent messages side by side; k as from the table.
template <std::size_t streams>
[[gnu::always_inline]] inline void four_rounds_of_all(State* s, const Vector* w,
                                                      const std::uint32_t* k)
{
    const Vector constants = load(k);
    Vector keyed[streams];
    for (std::size_t i = 0; i < streams; ++i) {
        keyed[i] = _mm_add_epi32(w[i], constants);
    }
    for (std::size_t i = 0; i < streams; ++i) {
        s[i].cdgh = _mm_sha256rnds2_epu32(s[i].cdgh, s[i].abef, keyed[i]);
    }
    for (std::size_t i = 0; i < streams; ++i) {
        const Vector upper = _mm_shuffle_epi32(keyed[i], 0x0E);
        s[i].abef = _mm_sha256rnds2_epu32(s[i].abef, s[i].cdgh, upper);
    }
}

template <std::size_t streams>
[[gnu::always_inline]] inline void next_words_of_all(Vector (*w)[streams], std::size_t at)
{
    for (std::size_t i = 0; i < streams; ++i) {
        w[at][i] = next_words(w[at][i], w[(at + 1) % 4][i], w[(at + 2) % 4][i], w[(at + 3) % 4][i]);
    }
}

/// All 64 rounds, from words in place, and the state before them is added to.
template <std::size_t streams>
[[gnu::always_inline]] inline void all_rounds(State* sum, Vector (*w)[streams])
{
    State s[streams];
    for (std::size_t i = 0; i < streams; ++i) {
        s[i] = sum[i];
    }
    const std::uint32_t* k = sha256_constants;
#pragma GCC unroll 3
    for (std::size_t t = 0; t < 3; ++t, k += 16) {
        four_rounds_of_all<streams>(s, w[0], k);
        next_words_of_all<streams>(w, 0);
        four_rounds_of_all<streams>(s, w[1], k + 4);
        next_words_of_all<streams>(w, 1);
        four_rounds_of_all<streams>(s, w[2], k + 8);
        next_words_of_all<streams>(w, 2);
        four_rounds_of_all<streams>(s, w[3], k + 12);
        next_words_of_all<streams>(w, 3);
    }
    for (std::size_t i = 0; i < 4; ++i) {
        four_rounds_of_all<streams>(s, w[i], k + 4 * i);
    }
    for (std::size_t i = 0; i < streams; ++i) {
        sum[i].abef = _mm_add_epi32(sum[i].abef, s[i].abef);
        sum[i].cdgh = _mm_add_epi32(sum[i].cdgh, s[i].cdgh);
    }
}

/// Consecutive blocks of each stream; from is left behind the last.
template <std::size_t streams>
[[gnu::always_inline]] inline void compress(State* sum, const std::uint8_t** from,
                                            std::size_t block_count)
{
    const Vector swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    for (; block_count != 0; --block_count) {
        Vector w[4][streams];
        for (std::size_t i = 0; i < streams; ++i) {
            for (std::size_t quarter = 0; quarter < 4; ++quarter) {
                w[quarter][i] = _mm_shuffle_epi8(load(from[i] + 16 * quarter), swap);
            }
            from[i] += sha256_block_bytes;
        }
        all_rounds<streams>(sum, w);
    }
}

} // namespace

void sha256_compress_shani(std::uint32_t* state, const std::uint8_t* blocks,
                           std::size_t block_count)
{
    State sum = load_state(state);
    compress<1>(&sum, &blocks, block_count);
    store_state(state, sum);
}

// A link of the chain hashes 32 bytes: words 0..7 are the state before, words 8..15 the padding.
// The words of the padding, their keyed form and their share of the schedule stay outside of the
// loop. From the last round of one link to the first of the next stand one shuffle and one
// addition: the initial state and the round constants are added together.
void sha256_chain_shani(std::uint32_t* state, std::uint64_t hash_count)
{
    const std::uint32_t* const k = sha256_constants;
    const Vector pad2 = _mm_set_epi32(0, 0, 0, static_cast<int>(0x80000000));
    const Vector pad3 = _mm_set_epi32(256, 0, 0, 0);
    const Vector keyed2 = _mm_add_epi32(pad2, load(k + 8));
    const Vector keyed3 = _mm_add_epi32(pad3, load(k + 12));
    const Vector pad_tail = _mm_alignr_epi8(pad3, pad2, 4);
    const Vector pad_head = _mm_sha256msg1_epu32(pad2, pad3);
    const State initial = load_state(sha256_initial_state);
    const Vector initial_low = load(sha256_initial_state);
    const Vector initial_high = load(sha256_initial_state + 4);
    const Vector keyed_low = _mm_add_epi32(initial_low, load(k));
    const Vector keyed_high = _mm_add_epi32(initial_high, load(k + 4));
    const Vector keyed_mid = _mm_shuffle_epi32(keyed_low, 0x0E);
    // Inside the loop a state lacks the initial one that ends each hash.
    State s = load_state(state);
    s.abef = _mm_sub_epi32(s.abef, initial.abef);
    s.cdgh = _mm_sub_epi32(s.cdgh, initial.cdgh);
    for (; hash_count != 0; --hash_count) {
        const Vector ab = _mm_shuffle_epi32(s.abef, 0x1B); // low word first: a b e f
        const Vector cd = _mm_shuffle_epi32(s.cdgh, 0x1B);
        const Vector low = _mm_unpacklo_epi64(ab, cd);
        const Vector high = _mm_unpackhi_epi64(ab, cd);
        s.cdgh = _mm_sha256rnds2_epu32(initial.cdgh, initial.abef, _mm_add_epi32(ab, keyed_low));
        s.abef = _mm_sha256rnds2_epu32(initial.abef, s.cdgh, _mm_add_epi32(cd, keyed_mid));
        four_rounds(s, _mm_add_epi32(high, keyed_high));
        Vector w[4] = {_mm_add_epi32(low, initial_low), _mm_add_epi32(high, initial_high), pad2,
                       pad3};
        w[0] =
            _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w[0], w[1]), pad_tail), pad3);
        four_rounds(s, keyed2);
        w[1] = next_words(w[1], pad2, pad3, w[0]);
        four_rounds(s, keyed3);
        w[2] = _mm_sha256msg2_epu32(_mm_add_epi32(pad_head, _mm_alignr_epi8(w[1], w[0], 4)), w[1]);
        w[3] = next_words(pad3, w[0], w[1], w[2]);
        sixteen_rounds(s, w, k + 16);
        sixteen_rounds(s, w, k + 32);
        last_rounds(s, w);
    }
    s.abef = _mm_add_epi32(s.abef, initial.abef);
    s.cdgh = _mm_add_epi32(s.cdgh, initial.cdgh);
    store_state(state, s);
}

// Lanes: two messages side by side, since the rounds of one only wait for each other (measured:
// bench/kernels, sha256/belfry_x16 with BELFRY_KERNEL=avx2). The sixteen of a call go in pairs.
namespace {

constexpr std::size_t lane_count = 16;
constexpr std::size_t pair = 2;

[[gnu::always_inline]] inline State load_lane(const std::uint32_t* state, std::size_t lane)
{
    std::uint32_t word[8];
    for (std::size_t i = 0; i < 8; ++i) {
        word[i] = state[lane_count * i + lane];
    }
    return load_state(word);
}

[[gnu::always_inline]] inline void store_lane(std::uint32_t* state, std::size_t lane,
                                              const State& s)
{
    std::uint32_t word[8];
    store_state(word, s);
    for (std::size_t i = 0; i < 8; ++i) {
        state[lane_count * i + lane] = word[i];
    }
}

} // namespace

void sha256_lanes16_shani(std::uint32_t* state, const std::uint8_t** blocks,
                          const std::uint64_t* advance, std::size_t block_count)
{
    std::size_t busy[lane_count];
    std::size_t busy_count = 0;
    for (std::size_t l = 0; l < lane_count; ++l) {
        busy[busy_count] = l;
        busy_count += advance[l] != 0 ? 1 : 0; // who stays on one block is idle
    }
    for (std::size_t at = 0; at < busy_count; at += pair) {
        // An odd last one is done twice, side by side with itself.
        const std::size_t lane[pair] = {busy[at], busy[at + 1 < busy_count ? at + 1 : at]};
        State sum[pair] = {load_lane(state, lane[0]), load_lane(state, lane[1])};
        const std::uint8_t* from[pair] = {blocks[lane[0]], blocks[lane[1]]};
        compress<pair>(sum, from, block_count);
        for (std::size_t i = 0; i < pair; ++i) {
            store_lane(state, lane[i], sum[i]);
            blocks[lane[i]] = from[i];
        }
    }
}

void sha256_chain_lanes16_shani(std::uint32_t* state, std::uint64_t hash_count)
{
    const Vector pad2 = _mm_set_epi32(0, 0, 0, static_cast<int>(0x80000000));
    const Vector pad3 = _mm_set_epi32(256, 0, 0, 0);
    const State initial = load_state(sha256_initial_state);
    for (std::size_t l = 0; l < lane_count; l += pair) {
        State sum[pair] = {load_lane(state, l), load_lane(state, l + 1)};
        for (std::uint64_t hash = 0; hash < hash_count; ++hash) {
            Vector w[4][pair];
            for (std::size_t i = 0; i < pair; ++i) {
                const Vector ab = _mm_shuffle_epi32(sum[i].abef, 0x1B); // low word first
                const Vector cd = _mm_shuffle_epi32(sum[i].cdgh, 0x1B);
                w[0][i] = _mm_unpacklo_epi64(ab, cd);
                w[1][i] = _mm_unpackhi_epi64(ab, cd);
                w[2][i] = pad2;
                w[3][i] = pad3;
                sum[i] = initial;
            }
            all_rounds<pair>(sum, w);
        }
        store_lane(state, l, sum[0]);
        store_lane(state, l + 1, sum[1]);
    }
}

} // namespace belfry::crypto
