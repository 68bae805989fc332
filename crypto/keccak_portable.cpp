// SPDX-License-Identifier: Apache-2.0
#include "crypto/keccak_kernels.hpp"

#include <bit>
#include <cstring>

namespace belfry::crypto {

const std::uint64_t keccak_round_constants[keccak_round_count] = {
#include "crypto/keccak_constants.inc"
};

namespace {

// Steps rho and pi together: word i of the result is word from[i], rotated left by by[i].
constexpr unsigned from[keccak_words] = {0,  6,  12, 18, 24, 3,  9,  10, 16, 22, 1,  7, 13,
                                         19, 20, 4,  5,  11, 17, 23, 2,  8,  14, 15, 21};
constexpr int by[keccak_words] = {0, 44, 43, 21, 14, 28, 20, 3,  45, 61, 1,  6, 25,
                                  8, 18, 27, 36, 10, 15, 56, 62, 55, 39, 41, 2};

void permute(std::uint64_t* state)
{
    std::uint64_t a[keccak_words];
    std::memcpy(a, state, sizeof a);
    for (const std::uint64_t constant : keccak_round_constants) {
        // Unrolled, the tables and remainders are constants and the words stay in registers.
        std::uint64_t column[5];
#pragma GCC unroll 5
        for (std::size_t x = 0; x < 5; ++x) {
            column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        }
        std::uint64_t mix[5];
#pragma GCC unroll 5
        for (std::size_t x = 0; x < 5; ++x) {
            mix[x] = column[(x + 4) % 5] ^ std::rotl(column[(x + 1) % 5], 1);
        }
        std::uint64_t b[keccak_words];
#pragma GCC unroll 25
        for (std::size_t i = 0; i < keccak_words; ++i) {
            b[i] = std::rotl(a[from[i]] ^ mix[from[i] % 5], by[i]);
        }
#pragma GCC unroll 5
        for (std::size_t y = 0; y < keccak_words; y += 5) {
#pragma GCC unroll 5
            for (std::size_t x = 0; x < 5; ++x) {
                a[y + x] = b[y + x] ^ (~b[y + (x + 1) % 5] & b[y + (x + 2) % 5]);
            }
        }
        a[0] ^= constant;
    }
    std::memcpy(state, a, sizeof a);
}

} // namespace

void keccak_absorb_portable(std::uint64_t* state, const std::uint8_t* blocks,
                            std::size_t block_count)
{
    for (; block_count != 0; --block_count, blocks += keccak_block_bytes) {
        for (std::size_t i = 0; i < keccak_rate_words; ++i) {
            std::uint64_t word = 0;
            std::memcpy(&word, blocks + 8 * i, 8);
            state[i] ^= word;
        }
        permute(state);
    }
}

} // namespace belfry::crypto
