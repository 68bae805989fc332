// SPDX-License-Identifier: Apache-2.0
#include "crypto/rs_kernels.hpp"

#include <cstring>

namespace belfry::crypto {

void rs_combine_portable(const RsCombination& job)
{
    for (std::size_t i = 0; i < job.out_count; ++i) {
        std::memset(job.out[i], 0, job.row_bytes);
        for (std::size_t j = 0; j < job.in_count; ++j) {
            const NibbleProducts& products =
                rs_tables.products[job.coefficients[i * job.in_count + j]];
            for (std::size_t at = 0; at < job.row_bytes; ++at) {
                const std::uint8_t byte = job.in[j][at];
                job.out[i][at] ^=
                    static_cast<std::uint8_t>(products.low[byte & 15] ^ products.high[byte >> 4]);
            }
        }
    }
}

} // namespace belfry::crypto
