// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519_digits.hpp: scalars and weights as signed digits of 4 to 8 bits for the bucket sums.
// Rule     value = sum of digit[i] 2^(bits i), |digit| <= 2^(bits - 1). Adding 2^(bits - 1) at
//          every window first makes all digits unsigned, so there is no carry from digit to digit.
// Weights  a weight is Z - 0x8080...80 for 128 random bits Z: 2^128 values, and at 8 bits exactly
//          sixteen digits.

#include "crypto/ed25519_scalar.hpp"

#include <cstddef>
#include <cstdint>

namespace belfry::crypto {

/// A signed weight: magnitude below 2^128.
struct BatchWeight {
    Weight128 random{}; // Z
    [[nodiscard]] bool is_zero() const { return random == Weight128{bias, bias}; }
    [[nodiscard]] bool is_negative() const;
    [[nodiscard]] Weight128 magnitude() const;
    static constexpr std::uint64_t bias = 0x8080808080808080;
};

/// Windows of a scalar below 2^253, and of a weight.
[[nodiscard]] constexpr std::size_t long_window_count(unsigned bits)
{
    return bits == 8 ? 32 : (254 + bits - 1) / bits;
}
[[nodiscard]] constexpr std::size_t short_window_count(unsigned bits)
{
    return bits == 8 ? 16 : bits == 4 ? 32 : (129 + bits - 1) / bits;
}

/// Fills 64 digits; those past long_window_count(bits) are zero. bits in 4..8.
void recode_long(const Scalar& scalar, unsigned bits, std::int8_t* digits);
/// Fills 32 digits.
void recode_short(const BatchWeight& weight, unsigned bits, std::int8_t* digits);
/// Fills 32 digits of 4 bits, negated if asked. value <= 2^126 + 1.
void recode_half(const Weight128& value, bool negative, std::int8_t* digits);

} // namespace belfry::crypto
