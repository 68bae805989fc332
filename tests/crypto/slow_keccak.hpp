// SPDX-License-Identifier: Apache-2.0
#pragma once
// slow_keccak.hpp: Keccak-256 by its definition, one bit-serial permutation: shares no table with
// what it judges.

#include "base/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace belfry::crypto {

class SlowKeccak {
public:
    static Hash hash(ByteView message)
    {
        Bytes padded(message.begin(), message.end());
        padded.push_back(0x01);
        padded.resize((padded.size() + 135) / 136 * 136);
        padded.back() |= 0x80;
        Lanes a{};
        for (std::size_t block = 0; block < padded.size(); block += 136) {
            for (std::size_t i = 0; i < 136; ++i) {
                a[i / 8 % 5][i / 40] ^= std::uint64_t{padded[block + i]} << (i % 8 * 8);
            }
            permute(a);
        }
        Hash out;
        for (std::size_t i = 0; i < 32; ++i) {
            out.bytes[i] = static_cast<std::uint8_t>(a[i / 8][0] >> (i % 8 * 8));
        }
        return out;
    }

private:
    using Lanes = std::array<std::array<std::uint64_t, 5>, 5>; // [x][y]

    static std::uint64_t rotate(std::uint64_t value, unsigned count)
    {
        for (; count != 0; --count) {
            value = value << 1 | value >> 63;
        }
        return value;
    }

    static void permute(Lanes& a)
    {
        unsigned lfsr = 1;
        for (unsigned round = 0; round < 24; ++round) {
            const Lanes before = a;
            for (unsigned x = 0; x < 5; ++x) {
                for (unsigned y = 0; y < 5; ++y) {
                    for (unsigned t = 0; t < 5; ++t) {
                        a[x][y] ^= before[(x + 4) % 5][t] ^ rotate(before[(x + 1) % 5][t], 1);
                    }
                }
            }
            Lanes moved = a;
            unsigned x = 1;
            unsigned y = 0;
            for (unsigned t = 0; t < 24; ++t) {
                const unsigned next_y = (2 * x + 3 * y) % 5;
                moved[y][next_y] = rotate(a[x][y], (t + 1) * (t + 2) / 2 % 64);
                x = y;
                y = next_y;
            }
            for (x = 0; x < 5; ++x) {
                for (y = 0; y < 5; ++y) {
                    a[x][y] = moved[x][y] ^ (~moved[(x + 1) % 5][y] & moved[(x + 2) % 5][y]);
                }
            }
            for (unsigned j = 0; j < 7; ++j) {
                a[0][0] ^= std::uint64_t{lfsr & 1U} << ((1U << j) - 1);
                lfsr = lfsr << 1 ^ ((lfsr & 0x80) != 0 ? 0x171U : 0U);
            }
        }
    }
};

} // namespace belfry::crypto
