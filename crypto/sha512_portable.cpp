// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha512_kernels.hpp"

#include <bit>
#include <cstring>

namespace belfry::crypto {

const std::uint64_t sha512_constants[sha512_round_count] = {
#include "crypto/sha512_constants.inc"
};

const std::uint64_t sha512_initial_state[8] = {
    0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
    0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179};

namespace {

using Word = std::uint64_t;

/// Round t; the caller renames the eight words instead of moving them. keyed = word + constant.
[[gnu::always_inline]] inline void round(Word a, Word b, Word c, Word& d, Word e, Word f, Word g,
                                         Word& h, Word keyed)
{
    const Word t1 =
        h + (std::rotr(e, 14) ^ std::rotr(e, 18) ^ std::rotr(e, 41)) + (g ^ (e & (f ^ g))) + keyed;
    d += t1;
    h = t1 + (std::rotr(a, 28) ^ std::rotr(a, 34) ^ std::rotr(a, 39)) + ((a & b) | (c & (a | b)));
}

/// The word of the schedule sixteen after w[t]; w is a ring.
[[gnu::always_inline]] inline Word next_word(const Word* w, std::size_t t)
{
    const Word x = w[(t + 1) % 16];
    const Word y = w[(t + 14) % 16];
    return w[t % 16] + (std::rotr(x, 1) ^ std::rotr(x, 8) ^ x >> 7) + w[(t + 9) % 16] +
           (std::rotr(y, 19) ^ std::rotr(y, 61) ^ y >> 6);
}

} // namespace

void sha512_compress_portable(std::uint64_t* state, const std::uint8_t* blocks,
                              std::size_t block_count)
{
    for (; block_count != 0; --block_count, blocks += sha512_block_bytes) {
        Word w[16];
        for (std::size_t t = 0; t < 16; ++t) {
            std::memcpy(&w[t], blocks + 8 * t, 8);
            w[t] = __builtin_bswap64(w[t]);
        }
        Word a = state[0];
        Word b = state[1];
        Word c = state[2];
        Word d = state[3];
        Word e = state[4];
        Word f = state[5];
        Word g = state[6];
        Word h = state[7];
        const auto keyed = [&w](std::size_t t) {
            const Word word = w[t % 16];
            w[t % 16] = next_word(w, t);
            return word + sha512_constants[t];
        };
        for (std::size_t t = 0; t < sha512_round_count; t += 8) {
            round(a, b, c, d, e, f, g, h, keyed(t));
            round(h, a, b, c, d, e, f, g, keyed(t + 1));
            round(g, h, a, b, c, d, e, f, keyed(t + 2));
            round(f, g, h, a, b, c, d, e, keyed(t + 3));
            round(e, f, g, h, a, b, c, d, keyed(t + 4));
            round(d, e, f, g, h, a, b, c, keyed(t + 5));
            round(c, d, e, f, g, h, a, b, keyed(t + 6));
            round(b, c, d, e, f, g, h, a, keyed(t + 7));
        }
        const Word sum[8] = {a, b, c, d, e, f, g, h};
        for (std::size_t i = 0; i < 8; ++i) {
            state[i] += sum[i];
        }
    }
}

} // namespace belfry::crypto
