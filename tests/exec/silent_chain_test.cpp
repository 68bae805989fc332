// SPDX-License-Identifier: Apache-2.0
#include "crypto/poh.hpp"
#include "exec/silent_chain.hpp"
#include "tests/filled.hpp"

#include <gtest/gtest.h>

namespace belfry::exec {
namespace {

TEST(SilentChain, has_the_same_ticks_as_hashing_one_by_one)
{
    SilentChain chain(7);
    chain.follow(filled<Hash>(1), filled<Hash>(2));
    EXPECT_TRUE(chain.advance(5, 2));
    EXPECT_TRUE(chain.advance(5, 9));
    EXPECT_FALSE(chain.advance(5, 9)) << "more than was wanted";
    const std::span<const Hash> ticks = chain.ticks_after(filled<Hash>(1));
    ASSERT_EQ(ticks.size(), 5u);
    Hash state = filled<Hash>(2);
    for (const Hash& tick : ticks) {
        for (int i = 0; i < 7; ++i) {
            state = crypto::poh_append(state, 1);
        }
        EXPECT_EQ(tick, state);
    }
}

TEST(SilentChain, knows_nothing_of_another_block_and_begins_anew_after_it)
{
    SilentChain chain(3);
    chain.follow(filled<Hash>(1), filled<Hash>(2));
    (void)chain.advance(4, 4);
    EXPECT_TRUE(chain.ticks_after(filled<Hash>(9)).empty());
    chain.follow(filled<Hash>(1), filled<Hash>(2));
    EXPECT_EQ(chain.ticks_after(filled<Hash>(1)).size(), 4u)
        << "the same block again changes nothing";
    chain.follow(filled<Hash>(9), filled<Hash>(8));
    EXPECT_TRUE(chain.ticks_after(filled<Hash>(9)).empty());
    EXPECT_TRUE(chain.ticks_after(filled<Hash>(1)).empty());
}

TEST(SilentChains, follow_a_few_blocks_and_lose_the_one_followed_longest_ago)
{
    SilentChains chains(3);
    for (std::uint8_t i = 1; i <= 4; ++i) {
        chains.follow(filled<Hash>(i), filled<Hash>(i));
        EXPECT_TRUE(chains.advance(filled<Hash>(i), i, 9));
    }
    chains.follow(filled<Hash>(1), filled<Hash>(1)); // the oldest so far, and so the newest again
    chains.follow(filled<Hash>(5), filled<Hash>(5));
    EXPECT_FALSE(chains.advance(filled<Hash>(2), 9, 9));
    EXPECT_TRUE(chains.ticks_after(filled<Hash>(2)).empty());
    EXPECT_TRUE(chains.ticks_after(filled<Hash>(5)).empty());
    EXPECT_EQ(chains.followed(),
              (std::array{filled<Hash>(5), filled<Hash>(1), filled<Hash>(4), filled<Hash>(3)}));
    for (const std::uint8_t kept : std::array<std::uint8_t, 3>{1, 3, 4}) {
        SilentChain alone(3);
        alone.follow(filled<Hash>(kept), filled<Hash>(kept));
        (void)alone.advance(kept, 9);
        EXPECT_TRUE(std::ranges::equal(chains.ticks_after(filled<Hash>(kept)),
                                       alone.ticks_after(filled<Hash>(kept))));
    }
}

} // namespace
} // namespace belfry::exec
