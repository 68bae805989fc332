// SPDX-License-Identifier: Apache-2.0
#pragma once
// filled.hpp: keys, hashes and signatures of a test that must only differ: one byte, repeated.

#include <cstdint>

namespace belfry {

template <class Fixed>
[[nodiscard]] Fixed filled(std::uint8_t byte)
{
    Fixed out;
    out.bytes.fill(byte);
    return out;
}

} // namespace belfry
