// SPDX-License-Identifier: Apache-2.0
#include "node/chain_finality.hpp"

#include <gtest/gtest.h>

#include <array>

namespace belfry::node {
namespace {

ledger::BlockRef block(std::uint64_t slot, std::uint8_t fork = 0)
{
    ledger::BlockRef ref{Slot{slot}, {}};
    ref.id.bytes[0] = static_cast<std::uint8_t>(slot);
    ref.id.bytes[1] = fork;
    return ref;
}

ChainFinality three_equal_validators_and_a_chain_of(std::uint64_t slots)
{
    const std::array<Stake, 3> stakes{Stake{1}, Stake{1}, Stake{1}};
    ChainFinality finality(*consensus::StakeTable::make(stakes));
    for (std::uint64_t slot = 1; slot <= slots; ++slot) {
        finality.add_block(block(slot), block(slot - 1));
    }
    return finality;
}

void vote(ChainFinality& finality, std::uint16_t voter, ledger::BlockRef last, std::uint64_t root)
{
    finality.note_vote({.value = voter}, {.last = last, .root = Slot{root}});
}

TEST(ChainFinality, the_newest_block_that_more_than_two_thirds_have_rooted_is_final)
{
    ChainFinality finality = three_equal_validators_and_a_chain_of(100);
    vote(finality, 0, block(100), 68);
    vote(finality, 1, block(99), 67);
    EXPECT_EQ(finality.final_block(), std::nullopt) << "two of three are not more than two thirds";
    vote(finality, 2, block(95), 60);
    EXPECT_EQ(finality.final_block(), block(60));
}

TEST(ChainFinality, a_vote_for_a_block_that_was_not_replayed_says_nothing)
{
    ChainFinality finality = three_equal_validators_and_a_chain_of(50);
    vote(finality, 0, block(50), 18);
    vote(finality, 1, block(50), 18);
    vote(finality, 2, block(3000), 2968);
    EXPECT_EQ(finality.final_block(), std::nullopt);
}

TEST(ChainFinality, roots_on_different_forks_do_not_add_up)
{
    ChainFinality finality = three_equal_validators_and_a_chain_of(50);
    finality.add_block(block(41, 1), block(40));
    finality.add_block(block(80, 1), block(41, 1));
    vote(finality, 0, block(50), 45);
    vote(finality, 1, block(50), 45);
    vote(finality, 2, block(80, 1), 79);
    EXPECT_EQ(finality.final_block(), std::nullopt) << "two roots at 45, one at 41 of another fork";
    vote(finality, 2, block(80, 1), 79);
    ChainFinality agreed = three_equal_validators_and_a_chain_of(50);
    vote(agreed, 0, block(50), 45);
    vote(agreed, 1, block(50), 45);
    vote(agreed, 2, block(49), 40);
    EXPECT_EQ(agreed.final_block(), block(40));
}

TEST(ChainFinality, an_older_vote_does_not_replace_a_newer_one)
{
    ChainFinality finality = three_equal_validators_and_a_chain_of(50);
    for (std::uint16_t voter = 0; voter < 3; ++voter) {
        vote(finality, voter, block(50), 30);
        vote(finality, voter, block(20), 5);
    }
    EXPECT_EQ(finality.final_block(), block(30));
}

TEST(ChainFinality, what_was_pruned_is_forgotten)
{
    ChainFinality finality = three_equal_validators_and_a_chain_of(100);
    for (std::uint16_t voter = 0; voter < 3; ++voter) {
        vote(finality, voter, block(100), 40);
    }
    ASSERT_EQ(finality.final_block(), block(40));
    finality.prune(Slot{60});
    EXPECT_EQ(finality.final_block(), std::nullopt);
}

TEST(ChainFinality, more_blocks_than_the_bound_push_out_the_lowest)
{
    ChainFinality finality = three_equal_validators_and_a_chain_of(ChainFinality::blocks_max + 50);
    for (std::uint16_t voter = 0; voter < 3; ++voter) {
        vote(finality, voter, block(ChainFinality::blocks_max + 50), 20);
    }
    EXPECT_EQ(finality.final_block(), std::nullopt);
}

} // namespace
} // namespace belfry::node
