// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256_kernels.hpp"

#include <bit>
#include <cstring>

namespace belfry::crypto {

const std::uint32_t sha256_constants[sha256_round_count] = {
#include "crypto/sha256_constants.inc"
};

const std::uint32_t sha256_initial_state[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                               0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

namespace {

using Word = std::uint32_t;

/// Round t; the caller renames the eight words instead of moving them. keyed = word + constant.
[[gnu::always_inline]] inline void round(Word a, Word b, Word c, Word& d, Word e, Word f, Word g,
                                         Word& h, Word keyed)
{
    const Word t1 =
        h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + (g ^ (e & (f ^ g))) + keyed;
    d += t1;
    h = t1 + (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) | (c & (a | b)));
}

/// The word of the schedule sixteen after w[t]; w is a ring.
[[gnu::always_inline]] inline Word next_word(const Word* w, std::size_t t)
{
    const Word x = w[(t + 1) % 16];
    const Word y = w[(t + 14) % 16];
    return w[t % 16] + (std::rotr(x, 7) ^ std::rotr(x, 18) ^ x >> 3) + w[(t + 9) % 16] +
           (std::rotr(y, 17) ^ std::rotr(y, 19) ^ y >> 10);
}

} // namespace

void sha256_compress_portable(std::uint32_t* state, const std::uint8_t* blocks,
                              std::size_t block_count)
{
    for (; block_count != 0; --block_count, blocks += sha256_block_bytes) {
        Word w[16];
        for (std::size_t t = 0; t < 16; ++t) {
            std::memcpy(&w[t], blocks + 4 * t, 4);
            w[t] = __builtin_bswap32(w[t]);
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
            return word + sha256_constants[t];
        };
        for (std::size_t t = 0; t < sha256_round_count; t += 8) {
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

void sha256_chain_portable(std::uint32_t* state, std::uint64_t hash_count)
{
    for (; hash_count != 0; --hash_count) {
        std::uint8_t block[sha256_block_bytes] = {};
        for (std::size_t i = 0; i < 8; ++i) {
            const std::uint32_t word = __builtin_bswap32(state[i]);
            std::memcpy(block + 4 * i, &word, 4);
            state[i] = sha256_initial_state[i];
        }
        block[32] = 0x80;
        block[62] = 0x01; // 256 bits
        sha256_compress_portable(state, block, 1);
    }
}

} // namespace belfry::crypto
