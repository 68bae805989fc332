// SPDX-License-Identifier: Apache-2.0
#include "crypto/reed_solomon.hpp"

#include "base/check.hpp"
#include "crypto/gf256.hpp"
#include "crypto/rs_kernels.hpp"

#include <algorithm>
#include <bitset>
#include <vector>

namespace belfry::crypto {
namespace {

constexpr std::size_t side_rows_max = 128; // of data, and of parity
constexpr std::size_t rows_max = 256;
constexpr std::size_t row_bytes_max = 65536;

using Points = std::vector<std::uint8_t>;

/// Coefficients that take the values at points from to those at points to of the polynomial of
/// degree < from.size() through them (Lagrange): row i, column j is
///   product over t != j of (to[i] - from[t]) / (from[j] - from[t]).
/// Precondition: the points of from differ.
std::vector<std::uint8_t> lagrange_matrix(const Points& from, const Points& to)
{
    const std::size_t k = from.size();
    // Sums of logarithms stand for products; no factor is zero where they are used.
    const auto log_distance = [](std::uint8_t a, std::uint8_t b) -> unsigned {
        return gf256::tables.log[a ^ b];
    };
    std::vector<unsigned> log_weight(k);
    for (std::size_t j = 0; j < k; ++j) {
        for (std::size_t t = 0; t < k; ++t) {
            log_weight[j] += t != j ? log_distance(from[j], from[t]) : 0;
        }
    }
    std::vector<std::uint8_t> matrix(to.size() * k);
    for (std::size_t i = 0; i < to.size(); ++i) {
        const auto same = std::ranges::find(from, to[i]);
        if (same != from.end()) { // the value is at hand
            matrix[i * k + static_cast<std::size_t>(same - from.begin())] = 1;
            continue;
        }
        unsigned log_product = 0;
        for (const std::uint8_t point : from) {
            log_product += log_distance(to[i], point);
        }
        for (std::size_t j = 0; j < k; ++j) {
            const unsigned top = log_product - log_distance(to[i], from[j]);
            const unsigned log_value =
                top % gf256::order + gf256::order - log_weight[j] % gf256::order;
            matrix[i * k + j] = gf256::tables.power[log_value];
        }
    }
    return matrix;
}

void check_shape(std::size_t data_count, std::size_t parity_count)
{
    BELFRY_CHECK(data_count >= 1 && data_count <= side_rows_max);
    BELFRY_CHECK(parity_count >= 1 && parity_count <= side_rows_max);
    BELFRY_CHECK(data_count + parity_count <= rows_max);
}

/// What the network can get wrong about a set of rows; whether they agree is not asked.
Result<void, RsError> check_rows(std::size_t data_count, std::size_t parity_count,
                                 std::span<const RsRow> rows)
{
    std::bitset<rows_max> seen;
    for (const RsRow& row : rows) {
        if (row.index >= data_count + parity_count) {
            return std::unexpected(RsError::row_out_of_range);
        }
        if (seen[row.index]) {
            return std::unexpected(RsError::duplicate_row);
        }
        seen.set(row.index);
        if (row.bytes.empty() || row.bytes.size() != rows.front().bytes.size()) {
            return std::unexpected(RsError::short_row);
        }
    }
    if (rows.size() < data_count) {
        return std::unexpected(RsError::too_few_rows);
    }
    BELFRY_CHECK(rows.front().bytes.size() <= row_bytes_max);
    return {};
}

void combine(const std::vector<std::uint8_t>& matrix, const std::vector<const std::uint8_t*>& in,
             const std::vector<std::uint8_t*>& out, std::size_t row_bytes)
{
    if (out.empty()) {
        return;
    }
    rs_combine_portable({.coefficients = matrix.data(),
                         .in = in.data(),
                         .in_count = in.size(),
                         .out = out.data(),
                         .out_count = out.size(),
                         .row_bytes = row_bytes});
}

} // namespace

void rs_encode(std::span<const ByteView> data, std::span<const std::span<std::uint8_t>> parity)
{
    check_shape(data.size(), parity.size());
    const std::size_t row_bytes = data.front().size();
    BELFRY_CHECK(row_bytes >= 1 && row_bytes <= row_bytes_max);
    Points from;
    std::vector<const std::uint8_t*> in;
    for (const ByteView row : data) {
        BELFRY_CHECK(row.size() == row_bytes);
        from.push_back(static_cast<std::uint8_t>(from.size()));
        in.push_back(row.data());
    }
    Points to;
    std::vector<std::uint8_t*> out;
    for (const std::span<std::uint8_t> row : parity) {
        BELFRY_CHECK(row.size() == row_bytes);
        to.push_back(static_cast<std::uint8_t>(data.size() + to.size()));
        out.push_back(row.data());
    }
    combine(lagrange_matrix(from, to), in, out, row_bytes);
}

Result<void, RsError> rs_recover(std::size_t data_count, std::size_t parity_count,
                                 std::span<const RsRow> rows,
                                 std::span<const std::size_t> wanted_index,
                                 std::span<const std::span<std::uint8_t>> out)
{
    check_shape(data_count, parity_count);
    BELFRY_CHECK(wanted_index.size() == out.size());
    if (const auto checked = check_rows(data_count, parity_count, rows); !checked) {
        return checked;
    }
    const std::size_t row_bytes = rows.front().bytes.size();
    Points from;
    std::vector<const std::uint8_t*> in;
    for (const RsRow& row : rows.first(data_count)) {
        from.push_back(static_cast<std::uint8_t>(row.index));
        in.push_back(row.bytes.data());
    }
    Points to;
    std::vector<std::uint8_t*> targets;
    for (std::size_t i = 0; i < out.size(); ++i) {
        BELFRY_CHECK(wanted_index[i] < data_count + parity_count);
        BELFRY_CHECK(out[i].size() == row_bytes);
        to.push_back(static_cast<std::uint8_t>(wanted_index[i]));
        targets.push_back(out[i].data());
    }
    combine(lagrange_matrix(from, to), in, targets, row_bytes);
    return {};
}

Result<void, RsError> rs_check(std::size_t data_count, std::size_t parity_count,
                               std::span<const RsRow> rows)
{
    check_shape(data_count, parity_count);
    if (const auto checked = check_rows(data_count, parity_count, rows); !checked) {
        return checked;
    }
    const std::span<const RsRow> surplus = rows.subspan(data_count);
    const std::size_t row_bytes = rows.front().bytes.size();
    std::vector<Bytes> expected(surplus.size(), Bytes(row_bytes));
    std::vector<std::size_t> index;
    std::vector<std::span<std::uint8_t>> out;
    for (std::size_t i = 0; i < surplus.size(); ++i) {
        index.push_back(surplus[i].index);
        out.emplace_back(expected[i]);
    }
    if (const auto got = rs_recover(data_count, parity_count, rows.first(data_count), index, out);
        !got) {
        return got;
    }
    for (std::size_t i = 0; i < surplus.size(); ++i) {
        if (!std::ranges::equal(surplus[i].bytes, expected[i])) {
            return std::unexpected(RsError::corrupt_row);
        }
    }
    return {};
}

} // namespace belfry::crypto
