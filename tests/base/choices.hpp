// SPDX-License-Identifier: Apache-2.0
#pragma once
// choices.hpp: what a test that tries random things draws from: a seed, or a fuzzer's bytes.
// Shapes   of bytes each draw takes one, so that a mutation of one byte changes one choice; when
//          they are used up every draw is zero. A seed gives all 64 bits.

#include "base/bytes.hpp"

#include <cstdint>
#include <optional>
#include <random>

namespace belfry {

class Choices {
public:
    explicit Choices(std::uint64_t seed)
        : random_(seed)
    {
    }
    /// The bytes must outlive this.
    explicit Choices(ByteView bytes)
        : bytes_(bytes)
    {
    }
    std::uint64_t operator()() { return random_ ? (*random_)() : bytes_.u8(); }
    /// Up to `most`, from as many bytes as that takes.
    std::uint64_t up_to(std::uint64_t most)
    {
        std::uint64_t value = (*this)();
        for (std::uint64_t reach = 256; !random_ && reach <= most && reach != 0; reach <<= 8) {
            value = value << 8 | (*this)();
        }
        return most == UINT64_MAX ? value : value % (most + 1);
    }
    /// False once the bytes are used up; a seed never is.
    [[nodiscard]] bool more() const { return random_ || bytes_.left() > 0; }

private:
    std::optional<std::mt19937_64> random_;
    ByteReader bytes_{ByteView{}};
};

} // namespace belfry
