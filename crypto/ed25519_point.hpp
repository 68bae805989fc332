// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519_point.hpp: points of edwards25519 for the baseline CPU; the meaning of the lanes.
// Shapes   ExtendedPoint is (X : Y : Z : T), x = X/Z, y = Y/Z, T = XY/Z; limbs tight.
//          AffineNiels is (y + x, y - x, 2d x y), the form that additions take; limbs tight.
// Rule     decoding is ZIP-215's: y mod p, and x = -0 is 0.
// Source   Hisil, Wong, Carter, Dawson, "Twisted Edwards Curves Revisited" (2008): complete
// formulas.

#include "base/bytes.hpp"
#include "crypto/ed25519_scalar.hpp"
#include "crypto/field25519.hpp"

#include <optional>

namespace belfry::crypto {

struct ExtendedPoint {
    Field x = field_zero;
    Field y = field_one;
    Field z = field_one;
    Field t = field_zero;
};

struct AffineNiels {
    Field y_plus_x = field_one;
    Field y_minus_x = field_one;
    Field xy2d = field_zero;
};

/// As AffineNiels, with its own z.
struct ProjectiveNiels {
    Field y_plus_x = field_one;
    Field y_minus_x = field_one;
    Field z = field_one;
    Field xy2d = field_zero;
};

[[nodiscard]] ProjectiveNiels niels_of(const ExtendedPoint& point);
[[nodiscard]] ExtendedPoint point_of(const AffineNiels& point);
[[nodiscard]] ExtendedPoint point_double(const ExtendedPoint& point);
[[nodiscard]] ExtendedPoint point_add(const ExtendedPoint& a, const ProjectiveNiels& b);
[[nodiscard]] ExtendedPoint point_add(const ExtendedPoint& a, const AffineNiels& b);
[[nodiscard]] ExtendedPoint point_subtract(const ExtendedPoint& a, const ProjectiveNiels& b);
[[nodiscard]] ExtendedPoint point_subtract(const ExtendedPoint& a, const AffineNiels& b);
[[nodiscard]] ExtendedPoint point_negate(const ExtendedPoint& a);
[[nodiscard]] bool point_is_identity(const ExtendedPoint& point);
/// [8]point is the identity, by three doublings.
[[nodiscard]] bool point_is_small_order(const ExtendedPoint& point);
[[nodiscard]] std::array<std::uint8_t, 32> point_to_bytes(const ExtendedPoint& point);

/// nullopt when no point has this y. Precondition: bytes.size() == 32.
[[nodiscard]] std::optional<AffineNiels> point_decode(ByteView bytes);

/// [scalar]point for any 256-bit scalar, bit by bit: slow and plain, for admission and tables.
[[nodiscard]] ExtendedPoint point_multiply(const Scalar& scalar, const ExtendedPoint& point);

/// [a]A + [b]B, B the base point, both scalars below 2^253. Variable time.
[[nodiscard]] ExtendedPoint point_multiply_with_base(const Scalar& a, const AffineNiels& point,
                                                     const Scalar& b);

/// The base point.
[[nodiscard]] const AffineNiels& point_base();

} // namespace belfry::crypto
