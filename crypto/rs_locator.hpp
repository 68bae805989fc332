// SPDX-License-Identifier: Apache-2.0
#pragma once
// rs_locator.hpp: private to this room. The polynomial that vanishes on the erased points.

#include "crypto/rs_kernels.hpp"

#include <array>
#include <bitset>

namespace belfry::crypto {

/// For every point x under point_count (a power of two in 2..256): the product of x - e over the
/// erased points e other than x. At a known point that is the value of the locator, at an erased
/// one its derivative; never zero.
[[nodiscard]] std::array<std::uint8_t, rs_points_max>
rs_locator(const std::bitset<rs_points_max>& erased, std::size_t point_count);

} // namespace belfry::crypto
