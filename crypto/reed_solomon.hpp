// SPDX-License-Identifier: Apache-2.0
#pragma once
// reed_solomon.hpp: erasure coding of rows of bytes over GF(2^8).
// Code     systematic evaluation code, polynomial 0x11D: byte column j of the k data rows are the
//          values at points 0..k-1 of the polynomial of degree < k; parity row i is its value at
//          point k + i. Same bytes from every kernel.
// Shapes   k in 1..128 data rows, m in 1..128 parity rows, k + m <= 256; rows of one length in
//          1..65536 bytes, any alignment.
// Errors   RsError for what the network can cause; wrong shapes from the caller are checked.
// Speed    bench/kernels: rs_encode/*, rs_recover/*.

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <span>

namespace belfry::crypto {

enum class RsError : std::uint8_t {
    too_few_rows,
    duplicate_row,
    short_row,        // empty, or not as long as the first one
    corrupt_row,      // rows lie on no codeword
    row_out_of_range, // its index is not under k + m
};

/// One row that is at hand. index < k: data, else parity k + i.
struct RsRow {
    std::size_t index = 0;
    ByteView bytes;
};

/// Fills parity from data.
void rs_encode(std::span<const ByteView> data, std::span<const std::span<std::uint8_t>> parity);

/// Rebuilds rows from any k rows at hand (surplus rows are ignored here). wanted_index[i] names the
/// row (data or parity) that out[i] receives.
[[nodiscard]] Result<void, RsError> rs_recover(std::size_t data_count, std::size_t parity_count,
                                               std::span<const RsRow> rows,
                                               std::span<const std::size_t> wanted_index,
                                               std::span<const std::span<std::uint8_t>> out);

/// ok if all rows at hand lie on one codeword; corrupt_row when a surplus row disagrees.
[[nodiscard]] Result<void, RsError> rs_check(std::size_t data_count, std::size_t parity_count,
                                             std::span<const RsRow> rows);

} // namespace belfry::crypto
