// SPDX-License-Identifier: Apache-2.0
#include "crypto/rs_locator.hpp"

#include "base/check.hpp"
#include "crypto/gf256.hpp"

#include <bit>

namespace belfry::crypto {
namespace {

// The logarithm of the product at x is the sum of log(x ^ e) over the erased e. Eight neighbouring
// x are added at once: x ^ e keeps them together but for the order within eight, for which there
// are eight copies of the logarithms. For these sizes that is faster than a Walsh-Hadamard
// transform, whose first levels do not fill a vector.

constexpr std::size_t together = 8;

struct LogCopies {
    std::uint16_t log[together][rs_points_max]; // log[c][x] = log(x ^ c), and 0 for log 0
};

consteval LogCopies make_log_copies()
{
    LogCopies out{};
    for (std::size_t c = 0; c < together; ++c) {
        for (std::size_t x = 0; x < rs_points_max; ++x) {
            out.log[c][x] = gf256::tables.log[x ^ c];
        }
    }
    return out;
}

constexpr LogCopies copies = make_log_copies();
static_assert(255 * 254 <= UINT16_MAX); // a sum over all points

} // namespace

std::array<std::uint8_t, rs_points_max> rs_locator(const std::bitset<rs_points_max>& erased,
                                                   std::size_t point_count)
{
    BELFRY_CHECK(std::has_single_bit(point_count) && point_count <= rs_points_max);
    BELFRY_CHECK(point_count >= together);
    std::array<std::uint16_t, rs_points_max> sums{};
    for (std::size_t e = 0; e < point_count; ++e) {
        if (!erased[e]) {
            continue;
        }
        const std::uint16_t* const logs = copies.log[e % together];
        for (std::size_t x = 0; x < point_count; x += together) {
            const std::size_t from = x ^ (e - e % together);
            for (std::size_t i = 0; i < together; ++i) {
                sums[x + i] = static_cast<std::uint16_t>(sums[x + i] + logs[from + i]);
            }
        }
    }
    std::array<std::uint8_t, rs_points_max> out{};
    for (std::size_t x = 0; x < point_count; ++x) {
        out[x] = gf256::tables.power[sums[x] % gf256::order];
    }
    return out;
}

} // namespace belfry::crypto
