// SPDX-License-Identifier: Apache-2.0
#include "base/result.hpp"
#include "base/strong.hpp"

#include <gtest/gtest.h>

namespace belfry {
namespace {

TEST(Strong, an_amount_that_overflows_is_nullopt)
{
    EXPECT_EQ(Lamports{2}.plus(Lamports{3}), Lamports{5});
    EXPECT_EQ(Lamports{UINT64_MAX}.plus(Lamports{1}), std::nullopt);
    EXPECT_EQ(Lamports{2}.minus(Lamports{3}), std::nullopt);
    EXPECT_EQ(Lamports{3}.minus(Lamports{3}), Lamports{0});
}

enum class ParseError : std::uint8_t { too_small };
[[nodiscard]] Result<Slot, ParseError> at_least(std::uint64_t value, std::uint64_t minimum)
{
    if (value < minimum) {
        return std::unexpected(ParseError::too_small);
    }
    return Slot{value};
}
[[nodiscard]] Result<Slot, ParseError> following(std::uint64_t value)
{
    BELFRY_TRY(slot, at_least(value, 10));
    return slot.next();
}

TEST(Result, passes_the_value_or_the_error_up)
{
    const Result<Slot, ParseError> good = following(10);
    ASSERT_TRUE(good.has_value());
    EXPECT_EQ(*good, Slot{11});
    const Result<Slot, ParseError> bad = following(9);
    ASSERT_FALSE(bad.has_value());
    EXPECT_EQ(bad.error(), ParseError::too_small);
}

} // namespace
} // namespace belfry
