// SPDX-License-Identifier: Apache-2.0
#pragma once
// gf256.hpp: private to this room. Arithmetic in GF(2^8), polynomial x^8 + x^4 + x^3 + x^2 + 1
// (0x11D), generator 2. Elements are the integers 0..255; addition is exclusive or.

#include <array>
#include <cstddef>
#include <cstdint>

namespace belfry::crypto::gf256 {

inline constexpr unsigned polynomial = 0x11D;
inline constexpr unsigned order = 255; // of the multiplicative group

struct Tables {
    std::array<std::uint8_t, std::size_t{2} * order>
        power{};                         // power[i] = 2^i; twice, so that sums of two fit
    std::array<std::uint8_t, 256> log{}; // log[0] is no logarithm; stored as 0
};

consteval Tables make_tables()
{
    Tables tables;
    unsigned value = 1;
    for (unsigned i = 0; i < order; ++i) {
        tables.power[i] = static_cast<std::uint8_t>(value);
        tables.power[i + order] = static_cast<std::uint8_t>(value);
        tables.log[value] = static_cast<std::uint8_t>(i);
        value <<= 1;
        value ^= value > 255 ? polynomial : 0;
    }
    return tables;
}

inline constexpr Tables tables = make_tables();

constexpr std::uint8_t multiply(std::uint8_t a, std::uint8_t b)
{
    if (a == 0 || b == 0) {
        return 0;
    }
    return tables.power[std::size_t{tables.log[a]} + tables.log[b]];
}

/// Precondition: b is not zero.
constexpr std::uint8_t divide(std::uint8_t a, std::uint8_t b)
{
    if (a == 0) {
        return 0;
    }
    return tables.power[std::size_t{tables.log[a]} + order - tables.log[b]];
}

} // namespace belfry::crypto::gf256
