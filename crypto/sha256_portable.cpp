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

void sha256_compress_portable(std::uint32_t* state, const std::uint8_t* blocks,
                              std::size_t block_count)
{
    for (; block_count != 0; --block_count, blocks += sha256_block_bytes) {
        std::uint32_t w[sha256_round_count];
        for (std::size_t t = 0; t < 16; ++t) {
            std::memcpy(&w[t], blocks + 4 * t, 4);
            w[t] = __builtin_bswap32(w[t]);
        }
        for (std::size_t t = 16; t < sha256_round_count; ++t) {
            const std::uint32_t x = w[t - 15];
            const std::uint32_t y = w[t - 2];
            w[t] = w[t - 16] + (std::rotr(x, 7) ^ std::rotr(x, 18) ^ x >> 3) + w[t - 7] +
                   (std::rotr(y, 17) ^ std::rotr(y, 19) ^ y >> 10);
        }
        std::uint32_t a = state[0];
        std::uint32_t b = state[1];
        std::uint32_t c = state[2];
        std::uint32_t d = state[3];
        std::uint32_t e = state[4];
        std::uint32_t f = state[5];
        std::uint32_t g = state[6];
        std::uint32_t h = state[7];
        for (std::size_t t = 0; t < sha256_round_count; ++t) {
            const std::uint32_t t1 = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                                     (g ^ (e & (f ^ g))) + sha256_constants[t] + w[t];
            const std::uint32_t t2 =
                (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) | (c & (a | b)));
            h = g;
            g = f;
            f = e;
            e = d + t1;
            d = c;
            c = b;
            b = a;
            a = t1 + t2;
        }
        const std::uint32_t sum[8] = {a, b, c, d, e, f, g, h};
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
