// SPDX-License-Identifier: Apache-2.0
#include "crypto/gf256.hpp"
#include "crypto/rs_kernels.hpp"

#include <cstring>

namespace belfry::crypto {
namespace {

struct NibbleTable {
    NibbleProducts entry[256];
};

consteval NibbleTable make_nibble_products()
{
    NibbleTable table{};
    for (unsigned c = 0; c < 256; ++c) {
        for (unsigned n = 0; n < 16; ++n) {
            const auto coefficient = static_cast<std::uint8_t>(c);
            table.entry[c].low[n] = gf256::multiply(coefficient, static_cast<std::uint8_t>(n));
            table.entry[c].high[n] =
                gf256::multiply(coefficient, static_cast<std::uint8_t>(n << 4));
        }
    }
    return table;
}

constexpr NibbleTable nibble_table = make_nibble_products();

} // namespace

const NibbleProducts* rs_nibble_products()
{
    return nibble_table.entry;
}

void rs_combine_portable(const RsCombination& job)
{
    for (std::size_t i = 0; i < job.out_count; ++i) {
        std::memset(job.out[i], 0, job.row_bytes);
        for (std::size_t j = 0; j < job.in_count; ++j) {
            const NibbleProducts& products =
                nibble_table.entry[job.coefficients[i * job.in_count + j]];
            for (std::size_t at = 0; at < job.row_bytes; ++at) {
                const std::uint8_t byte = job.in[j][at];
                job.out[i][at] ^=
                    static_cast<std::uint8_t>(products.low[byte & 15] ^ products.high[byte >> 4]);
            }
        }
    }
}

} // namespace belfry::crypto
