// SPDX-License-Identifier: Apache-2.0
#pragma once
// rs_kernels.hpp: private to this room. What the islands of Reed-Solomon and their chooser share.

#include <cstddef>
#include <cstdint>

namespace belfry::crypto {

/// Products of one coefficient with every low nibble and every high nibble.
struct alignas(32) NibbleProducts {
    std::uint8_t low[16];
    std::uint8_t high[16];
};
/// 256 entries, by coefficient.
const NibbleProducts* rs_nibble_products();

/// Rows of one length to combine: out[i] = sum over j of coefficients[i * in_count + j] * in[j].
/// in_count and out_count are at least 1; out rows overlap no other row.
struct RsCombination {
    const std::uint8_t* coefficients;
    const std::uint8_t* const* in;
    std::size_t in_count;
    std::uint8_t* const* out;
    std::size_t out_count;
    std::size_t row_bytes;
};
void rs_combine_portable(const RsCombination& job);

} // namespace belfry::crypto
