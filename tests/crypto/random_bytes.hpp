// SPDX-License-Identifier: Apache-2.0
#pragma once
// random_bytes.hpp: repeatable bytes for the tests of this room.

#include "base/bytes.hpp"

#include <random>

namespace belfry::crypto {

inline Bytes random_bytes(std::size_t count, std::uint64_t seed)
{
    std::mt19937_64 random(seed);
    Bytes out(count);
    for (std::uint8_t& byte : out) {
        byte = static_cast<std::uint8_t>(random());
    }
    return out;
}

} // namespace belfry::crypto
