// SPDX-License-Identifier: Apache-2.0
#include "crypto/rs_locator.hpp"

#include "base/check.hpp"
#include "crypto/gf256.hpp"

#include <bit>

namespace belfry::crypto {
namespace {

// The logarithm of the product at x is the sum of log(x ^ e): a convolution over exclusive or of
// the erased set with the logarithms, which a Walsh-Hadamard transform turns into a product.

using Sums = std::array<std::int32_t, rs_points_max>;

constexpr void walsh_hadamard(Sums& values, std::size_t point_count)
{
    for (std::size_t distance = 1; distance < point_count; distance *= 2) {
        for (std::size_t start = 0; start < point_count; start += 2 * distance) {
            for (std::size_t i = start; i < start + distance; ++i) {
                const std::int32_t a = values[i];
                const std::int32_t b = values[i + distance];
                values[i] = a + b;
                values[i + distance] = a - b;
            }
        }
    }
}

constexpr auto order = static_cast<std::int32_t>(gf256::order);
constexpr std::size_t sizes = 9; // point counts 2^0..2^8

consteval std::array<Sums, sizes> transformed_logs()
{
    std::array<Sums, sizes> out{};
    for (std::size_t log_count = 0; log_count < sizes; ++log_count) {
        const std::size_t point_count = std::size_t{1} << log_count;
        for (std::size_t i = 1; i < point_count; ++i) { // log 0 counts as 0: x itself is left out
            out[log_count][i] = gf256::tables.log[i];
        }
        walsh_hadamard(out[log_count], point_count);
        for (std::size_t i = 0; i < point_count; ++i) {
            out[log_count][i] %= order;
        }
    }
    return out;
}

constinit const std::array<Sums, sizes> logs = transformed_logs();

} // namespace

std::array<std::uint8_t, rs_points_max> rs_locator(const std::bitset<rs_points_max>& erased,
                                                   std::size_t point_count)
{
    BELFRY_CHECK(std::has_single_bit(point_count) && point_count <= rs_points_max);
    const auto log_count = static_cast<std::size_t>(std::countr_zero(point_count));
    Sums sums{};
    for (std::size_t i = 0; i < point_count; ++i) {
        sums[i] = erased[i] ? 1 : 0;
    }
    walsh_hadamard(sums, point_count);
    for (std::size_t i = 0; i < point_count; ++i) {
        sums[i] *= logs[log_count][i]; // under 2^8 * 2^8, and 2^24 once summed again
    }
    walsh_hadamard(sums, point_count);
    std::array<std::uint8_t, rs_points_max> out{};
    for (std::size_t i = 0; i < point_count; ++i) {
        // Applied twice, the transform multiplies by 2^log_count; modulo 255, 2^8 is 1.
        const std::int32_t log = sums[i] % order * (256 >> log_count) % order;
        out[i] = gf256::tables.power[static_cast<std::size_t>(log + order)];
    }
    return out;
}

} // namespace belfry::crypto
