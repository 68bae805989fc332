// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519_scalar.hpp: integers modulo L = 2^252 + 27742317777372353535851937790883648493, the order
// of Ed25519's base point.
// Shapes   Scalar is four little-endian words, always below L unless a comment says otherwise.
// Threads  free functions of values.
// Source   RFC 8032, section 5.1; reduction folds 2^252 = -(L - 2^252).

#include "base/bytes.hpp"

#include <array>
#include <cstdint>

namespace belfry::crypto {

struct Scalar {
    std::array<std::uint64_t, 4> word{};
};
using Scalar512 = std::array<std::uint64_t, 8>;
using Weight128 = std::array<std::uint64_t, 2>;

/// nullopt unless the value is below L. Precondition: bytes.size() == 32.
[[nodiscard]] std::optional<Scalar> scalar_from_canonical_bytes(ByteView bytes);
/// Any 32 bytes, little-endian, not reduced. Precondition: bytes.size() == 32.
[[nodiscard]] Scalar scalar_from_bytes_unreduced(ByteView bytes);
/// Precondition: bytes.size() == 64.
[[nodiscard]] Scalar512 scalar512_from_bytes(ByteView bytes);
[[nodiscard]] std::array<std::uint8_t, 32> scalar_to_bytes(const Scalar& a);

[[nodiscard]] Scalar scalar_reduce(const Scalar512& wide);
/// weight * a mod L. a may be any value below 2^253.
[[nodiscard]] Scalar scalar_weigh(const Weight128& weight, const Scalar& a);
/// sum += weight * a, not reduced.
void scalar_accumulate(Scalar512& sum, const Weight128& weight, const Scalar& a);
[[nodiscard]] Scalar scalar_add(const Scalar& a, const Scalar& b);
[[nodiscard]] Scalar scalar_negate(const Scalar& a);
/// a * b + c mod L; a and b may be any 256-bit values whose product stays below 2^511.
[[nodiscard]] Scalar scalar_mul_add(const Scalar& a, const Scalar& b, const Scalar& c);

} // namespace belfry::crypto
