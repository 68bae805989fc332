// SPDX-License-Identifier: Apache-2.0
#include "base/nearest_name.hpp"

#include <gtest/gtest.h>

#include <array>

namespace belfry {
namespace {

constexpr std::array<std::string_view, 3> names{"slot_ms", "stake", "validators"};

TEST(NearestName, counts_inserts_deletes_replacements_and_swaps)
{
    EXPECT_EQ(edit_distance("", ""), 0U);
    EXPECT_EQ(edit_distance("", "abc"), 3U);
    EXPECT_EQ(edit_distance("abc", ""), 3U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
    EXPECT_EQ(edit_distance("slot_sm", "slot_ms"), 1U);
    EXPECT_EQ(edit_distance("abcd", "badc"), 2U);
    EXPECT_EQ(edit_distance("same", "same"), 0U);
}

TEST(NearestName, finds_what_was_meant)
{
    EXPECT_EQ(nearest_name("slotms", names), "slot_ms");
    EXPECT_EQ(nearest_name("validator", names), "validators");
    EXPECT_EQ(nearest_name("steak", names), "stake");
    EXPECT_EQ(nearest_name("x", {}), "");
}

TEST(NearestName, ties_go_to_the_first)
{
    constexpr std::array<std::string_view, 2> pair{"ab", "ac"};
    EXPECT_EQ(nearest_name("ad", pair), "ab");
}

TEST(NearestName, the_text_says_both_words)
{
    EXPECT_EQ(unknown_name_text("key", "stack", names),
              "unknown key 'stack'; the nearest known one is 'stake'");
    EXPECT_EQ(unknown_name_text("key", "stack", {}), "unknown key 'stack'");
}

} // namespace
} // namespace belfry
