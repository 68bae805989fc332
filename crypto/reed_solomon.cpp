// SPDX-License-Identifier: Apache-2.0
#include "crypto/reed_solomon.hpp"

#include "base/check.hpp"
#include "crypto/gf256.hpp"
#include "crypto/rs_choice.hpp"
#include "crypto/rs_locator.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <bitset>
#include <cstring>
#include <vector>

namespace belfry::crypto {
namespace {

constexpr std::size_t side_rows_max = 128; // of data, and of parity
constexpr std::size_t row_bytes_max = 65536;
static_assert(2 * side_rows_max == rs_points_max);

/// Points of a polynomial and the rows that hold its values there.
template <class Byte>
struct Rows {
    std::array<std::uint8_t, rs_points_max> point;
    std::array<Byte*, rs_points_max> bytes;
    std::size_t count = 0;

    void push(std::size_t at_point, Byte* row)
    {
        point[count] = static_cast<std::uint8_t>(at_point);
        bytes[count] = row;
        ++count;
    }
    [[nodiscard]] std::span<const std::uint8_t> points() const { return {point.data(), count}; }
};
using Known = Rows<const std::uint8_t>;
using Wanted = Rows<std::uint8_t>;

/// Stands in for rows shorter than a kernel takes: copies of them, padded with zeros.
class PaddedRows {
public:
    static constexpr std::size_t row_bytes = rs_vector_bytes_max;

    PaddedRows(const Known& known, const Wanted& wanted, std::size_t short_bytes)
        : known_(known)
        , wanted_(wanted)
        , short_bytes_(short_bytes)
        , storage_((known.count + wanted.count) * row_bytes)
    {
        std::uint8_t* row = storage_.data();
        for (std::size_t i = 0; i < known.count; ++i, row += row_bytes) {
            std::memcpy(row, known.bytes[i], short_bytes);
            known_.bytes[i] = row;
        }
        for (std::size_t i = 0; i < wanted.count; ++i, row += row_bytes) {
            wanted_.bytes[i] = row;
        }
    }
    [[nodiscard]] const Known& known() const { return known_; }
    [[nodiscard]] const Wanted& wanted() const { return wanted_; }
    void copy_to(const Wanted& target) const
    {
        for (std::size_t i = 0; i < target.count; ++i) {
            std::memcpy(target.bytes[i], wanted_.bytes[i], short_bytes_);
        }
    }

private:
    Known known_;
    Wanted wanted_;
    std::size_t short_bytes_;
    Bytes storage_;
};

/// Coefficients that take the values at points from to those at points to of the polynomial of
/// degree < from.size() through them (Lagrange): row i, column j is
///   product over t != j of (to[i] - from[t]) / (from[j] - from[t]).
/// Preconditions: the points of from differ, and none is in to.
void lagrange_matrix(std::span<const std::uint8_t> from, std::span<const std::uint8_t> to,
                     std::uint8_t* matrix)
{
    // Sums of logarithms stand for products; no factor is zero.
    const auto log_distance = [](std::uint8_t a, std::uint8_t b) -> unsigned {
        return gf256::tables.log[a ^ b];
    };
    std::array<unsigned, rs_points_max> log_inverse_weight;
    for (std::size_t j = 0; j < from.size(); ++j) {
        unsigned sum = 0;
        for (std::size_t t = 0; t < from.size(); ++t) {
            sum += log_distance(from[j], from[t]); // log 0 is stored as 0: t == j adds nothing
        }
        log_inverse_weight[j] = gf256::order - sum % gf256::order;
    }
    for (const std::uint8_t point : to) {
        unsigned log_product = 0;
        for (const std::uint8_t known : from) {
            log_product += log_distance(point, known);
        }
        log_product %= gf256::order;
        for (std::size_t j = 0; j < from.size(); ++j) {
            const unsigned log =
                log_product + log_inverse_weight[j] + gf256::order - log_distance(point, from[j]);
            *matrix++ = gf256::tables.power[log % gf256::order];
        }
    }
}

void combine(const RsKernelSet& kernel, const Known& known, const Wanted& wanted,
             std::size_t row_bytes)
{
    std::array<std::uint8_t, side_rows_max * rs_points_max> matrix;
    lagrange_matrix(known.points(), wanted.points(), matrix.data());
    kernel.combine({.coefficients = matrix.data(),
                    .in = known.bytes.data(),
                    .in_count = known.count,
                    .out = wanted.bytes.data(),
                    .out_count = wanted.count,
                    .row_bytes = row_bytes});
}

/// The smallest domain of the transform that holds all points.
std::size_t domain_of(const Known& known, const Wanted& wanted)
{
    constexpr std::size_t domain_min = 32;
    const unsigned highest =
        std::max(std::ranges::max(known.points()), std::ranges::max(wanted.points()));
    return std::max(domain_min, std::bit_ceil(std::size_t{highest} + 1));
}

void transform(const RsKernelSet& kernel, const Known& known, const Wanted& wanted,
               std::size_t row_bytes, std::size_t point_count)
{
    std::bitset<rs_points_max> erased;
    erased.set();
    for (const std::uint8_t point : known.points()) {
        erased.reset(point);
    }
    const auto locator = rs_locator(erased, point_count);
    constexpr std::size_t moves_on = ~std::size_t{0};
    alignas(64) static constexpr std::array<std::uint8_t, rs_vector_bytes_max> zeros{};
    alignas(64) std::array<std::uint8_t, rs_vector_bytes_max> unwanted;
    RsRecovery job; // filled as far as point_count
    job.point_count = point_count;
    job.row_bytes = row_bytes;
    std::ranges::fill(job.block_wanted, false);
    for (std::size_t point = 0; point < point_count; ++point) {
        job.in[point] = zeros.data();
        job.in_mask[point] = 0;
        job.in_factor[point] = 0;
        job.out[point] = unwanted.data();
        job.out_mask[point] = 0;
        job.out_factor[point] = 0;
    }
    for (std::size_t i = 0; i < known.count; ++i) {
        const std::size_t point = known.point[i];
        job.in[point] = known.bytes[i];
        job.in_mask[point] = moves_on;
        job.in_factor[point] = locator[point];
    }
    for (std::size_t i = 0; i < wanted.count; ++i) {
        const std::size_t point = wanted.point[i];
        job.out[point] = wanted.bytes[i];
        job.out_mask[point] = moves_on;
        job.out_factor[point] = gf256::divide(1, locator[point]);
        job.block_wanted[point / 32] = true;
    }
    kernel.recover(job);
}

/// Fills wanted rows from exactly k known ones; none is both.
void interpolate(const RsKernelSet& kernel, const Known& known, const Wanted& wanted,
                 std::size_t row_bytes)
{
    if (wanted.count == 0) {
        return;
    }
    if (row_bytes < kernel.row_bytes_min) {
        const PaddedRows padded(known, wanted, row_bytes);
        interpolate(kernel, padded.known(), padded.wanted(), PaddedRows::row_bytes);
        padded.copy_to(wanted);
        return;
    }
    // A combination costs known x wanted products a column, the transforms about this many a point.
    constexpr std::size_t transform_products = 7;
    const std::size_t point_count = domain_of(known, wanted);
    if (kernel.recover != nullptr &&
        known.count * wanted.count > transform_products * point_count) {
        transform(kernel, known, wanted, row_bytes, point_count);
    } else {
        combine(kernel, known, wanted, row_bytes);
    }
}

void encode(const RsKernelSet& kernel, const Known& data, const Wanted& parity,
            std::size_t row_bytes)
{
    if (row_bytes < kernel.row_bytes_min) {
        const PaddedRows padded(data, parity, row_bytes);
        encode(kernel, padded.known(), padded.wanted(), PaddedRows::row_bytes);
        padded.copy_to(parity);
        return;
    }
    if (kernel.encode_shapes != nullptr) {
        for (const RsEncodeShape& shape : std::span(kernel.encode_shapes, rs_encode_shape_count)) {
            if (shape.data_count == data.count && shape.parity_count == parity.count) {
                shape.encode(data.bytes.data(), parity.bytes.data(), row_bytes);
                return;
            }
        }
    }
    interpolate(kernel, data, parity, row_bytes);
}

void check_shape(std::size_t data_count, std::size_t parity_count)
{
    BELFRY_CHECK(data_count >= 1 && data_count <= side_rows_max);
    BELFRY_CHECK(parity_count >= 1 && parity_count <= side_rows_max);
}

/// What the network can get wrong about a set of rows; whether they agree is not asked.
Result<void, RsError> check_rows(std::size_t data_count, std::size_t parity_count,
                                 std::span<const RsRow> rows)
{
    std::bitset<rs_points_max> seen;
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

} // namespace

bool rs_self_test(const RsKernelSet& kernel)
{
    constexpr std::size_t row_bytes = 67;
    constexpr RsKernelSet portable{.combine = rs_combine_portable};
    for (const auto& [k, m] : {std::pair{32UL, 32UL},
                               {64UL, 64UL},
                               {64UL, 32UL},
                               {32UL, 96UL},
                               {16UL, 16UL},
                               {5UL, 3UL}}) {
        std::vector<Bytes> rows(k + m, Bytes(row_bytes));
        std::vector<Bytes> again = rows;
        for (std::size_t i = 0; i < k * row_bytes; ++i) {
            rows[i / row_bytes][i % row_bytes] = static_cast<std::uint8_t>(i * i + 3 * i);
        }
        const auto middle = static_cast<std::ptrdiff_t>(k);
        const std::vector<ByteView> data(rows.begin(), rows.begin() + middle);
        rs_encode_with(portable, data,
                       std::vector<std::span<std::uint8_t>>(rows.begin() + middle, rows.end()));
        rs_encode_with(kernel, data,
                       std::vector<std::span<std::uint8_t>>(again.begin() + middle, again.end()));
        std::vector<RsRow> at_hand;
        std::vector<std::size_t> wanted;
        std::vector<std::span<std::uint8_t>> out;
        at_hand.reserve(k + m);
        wanted.reserve(k);
        out.reserve(k);
        for (std::size_t i = 0; i < m; ++i) {
            at_hand.push_back({k + i, rows[k + i]});
        }
        for (std::size_t i = 0; i < k; ++i) {
            if (i + m < k) {
                at_hand.push_back({i, rows[i]});
                again[i] = rows[i];
            } else {
                wanted.push_back(i);
                out.emplace_back(again[i]);
            }
        }
        if (!rs_recover_with(kernel, k, m, at_hand, wanted, out) || again != rows) {
            return false;
        }
    }
    return true;
}

std::span<const Kernel<RsKernelSet>> rs_kernels()
{
    static constexpr std::array<Kernel<RsKernelSet>, 3> kernels{{
        {"gfni_avx512",
         KernelTier::avx512,
         [](const CpuFeatures& cpu) { return cpu.avx512f && cpu.avx512bw && cpu.gfni; },
         {rs_combine_gfni_avx512, rs_encode_shapes_gfni_avx512, rs_recover_gfni_avx512, 64}},
        {"avx2",
         KernelTier::avx2,
         [](const CpuFeatures& cpu) { return cpu.avx2; },
         {rs_combine_avx2, rs_encode_shapes_avx2, rs_recover_avx2, 32}},
        {"portable",
         KernelTier::portable,
         [](const CpuFeatures&) { return true; },
         {rs_combine_portable, nullptr, nullptr, 1}},
    }};
    return kernels;
}

const Kernel<RsKernelSet>& rs_kernel()
{
    static const Kernel<RsKernelSet>& kernel =
        choose_kernel<RsKernelSet>(rs_kernels(), rs_self_test);
    return kernel;
}

void rs_encode_with(const RsKernelSet& kernel, std::span<const ByteView> data,
                    std::span<const std::span<std::uint8_t>> parity)
{
    check_shape(data.size(), parity.size());
    const std::size_t row_bytes = data.front().size();
    BELFRY_CHECK(row_bytes >= 1 && row_bytes <= row_bytes_max);
    Known known;
    for (const ByteView row : data) {
        BELFRY_CHECK(row.size() == row_bytes);
        known.push(known.count, row.data());
    }
    Wanted wanted;
    for (const std::span<std::uint8_t> row : parity) {
        BELFRY_CHECK(row.size() == row_bytes);
        wanted.push(data.size() + wanted.count, row.data());
    }
    encode(kernel, known, wanted, row_bytes);
}

void rs_encode(std::span<const ByteView> data, std::span<const std::span<std::uint8_t>> parity)
{
    rs_encode_with(rs_kernel().run, data, parity);
}

Result<void, RsError> rs_recover_with(const RsKernelSet& kernel, std::size_t data_count,
                                      std::size_t parity_count, std::span<const RsRow> rows,
                                      std::span<const std::size_t> wanted_index,
                                      std::span<const std::span<std::uint8_t>> out)
{
    check_shape(data_count, parity_count);
    BELFRY_CHECK(wanted_index.size() == out.size());
    if (const auto checked = check_rows(data_count, parity_count, rows); !checked) {
        return checked;
    }
    const std::size_t row_bytes = rows.front().bytes.size();
    // The k rows of lowest index: data as it is, and the smallest domain for the transform.
    std::array<const RsRow*, rs_points_max> at_point{};
    for (const RsRow& row : rows) {
        at_point[row.index] = &row;
    }
    Known known;
    for (std::size_t i = 0; known.count < data_count; ++i) {
        if (at_point[i] != nullptr) {
            known.push(i, at_point[i]->bytes.data());
        }
    }
    const std::size_t known_end = known.point[known.count - 1] + std::size_t{1};
    Wanted wanted;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::size_t index = wanted_index[i];
        BELFRY_CHECK(index < data_count + parity_count);
        BELFRY_CHECK(out[i].size() == row_bytes);
        if (index < known_end && at_point[index] != nullptr) {
            std::ranges::copy(at_point[index]->bytes, out[i].begin());
        } else {
            wanted.push(index, out[i].data());
        }
    }
    interpolate(kernel, known, wanted, row_bytes);
    return {};
}

Result<void, RsError> rs_recover(std::size_t data_count, std::size_t parity_count,
                                 std::span<const RsRow> rows,
                                 std::span<const std::size_t> wanted_index,
                                 std::span<const std::span<std::uint8_t>> out)
{
    return rs_recover_with(rs_kernel().run, data_count, parity_count, rows, wanted_index, out);
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
    Bytes expected(surplus.size() * row_bytes);
    std::vector<std::size_t> index;
    std::vector<std::span<std::uint8_t>> out;
    index.reserve(surplus.size());
    out.reserve(surplus.size());
    for (std::size_t i = 0; i < surplus.size(); ++i) {
        index.push_back(surplus[i].index);
        out.push_back(std::span(expected).subspan(i * row_bytes, row_bytes));
    }
    if (const auto recovered =
            rs_recover(data_count, parity_count, rows.first(data_count), index, out);
        !recovered) {
        return recovered;
    }
    for (std::size_t i = 0; i < surplus.size(); ++i) {
        if (!std::ranges::equal(surplus[i].bytes, out[i])) {
            return std::unexpected(RsError::corrupt_row);
        }
    }
    return {};
}

} // namespace belfry::crypto
