// SPDX-License-Identifier: Apache-2.0
#include "crypto/poh.hpp"
#include "exec/silent_chain.hpp"

#include <gtest/gtest.h>

namespace belfry::exec {
namespace {

Hash filled(std::uint8_t value)
{
    Hash hash;
    hash.bytes.fill(value);
    return hash;
}

TEST(SilentChain, has_the_same_ticks_as_hashing_one_by_one)
{
    SilentChain chain(7);
    chain.follow(filled(1), filled(2));
    EXPECT_TRUE(chain.advance(5, 2));
    EXPECT_TRUE(chain.advance(5, 9));
    EXPECT_FALSE(chain.advance(5, 9)) << "more than was wanted";
    const std::span<const Hash> ticks = chain.ticks_after(filled(1));
    ASSERT_EQ(ticks.size(), 5u);
    Hash state = filled(2);
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
    chain.follow(filled(1), filled(2));
    (void)chain.advance(4, 4);
    EXPECT_TRUE(chain.ticks_after(filled(9)).empty());
    chain.follow(filled(1), filled(2));
    EXPECT_EQ(chain.ticks_after(filled(1)).size(), 4u) << "the same block again changes nothing";
    chain.follow(filled(9), filled(8));
    EXPECT_TRUE(chain.ticks_after(filled(9)).empty());
    EXPECT_TRUE(chain.ticks_after(filled(1)).empty());
}

} // namespace
} // namespace belfry::exec
