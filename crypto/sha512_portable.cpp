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

void sha512_compress_portable(std::uint64_t* state, const std::uint8_t* blocks,
                              std::size_t block_count)
{
    for (; block_count != 0; --block_count, blocks += sha512_block_bytes) {
        std::uint64_t w[sha512_round_count];
        for (std::size_t t = 0; t < 16; ++t) {
            std::memcpy(&w[t], blocks + 8 * t, 8);
            w[t] = __builtin_bswap64(w[t]);
        }
        for (std::size_t t = 16; t < sha512_round_count; ++t) {
            const std::uint64_t x = w[t - 15];
            const std::uint64_t y = w[t - 2];
            w[t] = w[t - 16] + (std::rotr(x, 1) ^ std::rotr(x, 8) ^ x >> 7) + w[t - 7] +
                   (std::rotr(y, 19) ^ std::rotr(y, 61) ^ y >> 6);
        }
        std::uint64_t a = state[0];
        std::uint64_t b = state[1];
        std::uint64_t c = state[2];
        std::uint64_t d = state[3];
        std::uint64_t e = state[4];
        std::uint64_t f = state[5];
        std::uint64_t g = state[6];
        std::uint64_t h = state[7];
        for (std::size_t t = 0; t < sha512_round_count; ++t) {
            const std::uint64_t t1 = h + (std::rotr(e, 14) ^ std::rotr(e, 18) ^ std::rotr(e, 41)) +
                                     (g ^ (e & (f ^ g))) + sha512_constants[t] + w[t];
            const std::uint64_t t2 = (std::rotr(a, 28) ^ std::rotr(a, 34) ^ std::rotr(a, 39)) +
                                     ((a & b) | (c & (a | b)));
            h = g;
            g = f;
            f = e;
            e = d + t1;
            d = c;
            c = b;
            b = a;
            a = t1 + t2;
        }
        const std::uint64_t sum[8] = {a, b, c, d, e, f, g, h};
        for (std::size_t i = 0; i < 8; ++i) {
            state[i] += sum[i];
        }
    }
}

} // namespace belfry::crypto
