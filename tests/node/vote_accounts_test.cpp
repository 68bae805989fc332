// SPDX-License-Identifier: Apache-2.0
#include "node/rpc_port.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace belfry::node {
namespace {

Roster staked_roster(std::size_t count)
{
    Roster roster;
    for (std::size_t i = 0; i < count; ++i) {
        RosterEntry& entry = roster.validators.emplace_back();
        entry.key.bytes.fill(static_cast<std::uint8_t>(i + 1));
        entry.stake = Stake{100 + i};
    }
    return roster;
}

TEST(VoteAccounts, count_as_delinquent_beyond_the_distance_that_was_asked_for)
{
    const Roster roster = staked_roster(4); // this node, two that vote and one that was never heard
    ConsensusSnapshot consensus;
    consensus.has_voted = true;
    consensus.last_vote = Slot{1000};
    consensus.rooted = Slot{960};
    consensus.peers[1].heard_ns = 1;
    consensus.peers[1].last_vote = Slot{900};
    consensus.peers[2].heard_ns = 1;
    consensus.peers[2].last_vote = Slot{1005}; // ahead of the own fork
    const auto late = [&](std::uint64_t distance) {
        GetVoteAccounts question;
        question.delinquent_distance = distance;
        std::vector<bool> delinquent;
        for (const auto& voter : vote_accounts(roster, consensus, Slot{1001}, question).voters) {
            delinquent.push_back(voter.delinquent);
        }
        return delinquent;
    };
    using Each = std::vector<bool>;
    EXPECT_EQ(late(delinquent_slots), (Each{false, false, false, true}));
    EXPECT_EQ(late(101), (Each{false, false, false, true}));
    EXPECT_EQ(late(100), (Each{false, true, false, true}));
    EXPECT_EQ(late(1), (Each{false, true, false, true}));
    EXPECT_EQ(late(0), (Each{true, true, false, true}));
    EXPECT_EQ(late(UINT64_MAX), (Each{false, false, false, true}));
}

TEST(VoteAccounts, count_what_this_node_notarized_while_its_tower_is_bound)
{
    const Roster roster = staked_roster(1);
    ConsensusSnapshot consensus;
    const auto own = [&] {
        return vote_accounts(roster, consensus, Slot{1001}, {}).voters[0];
    };
    EXPECT_TRUE(own().delinquent);
    EXPECT_FALSE(own().last_vote);
    consensus.notarized = Slot{1000};
    EXPECT_FALSE(own().delinquent);
    EXPECT_EQ(own().last_vote, Slot{1000});
    consensus.has_voted = true;
    consensus.last_vote = Slot{600};
    EXPECT_EQ(own().last_vote, Slot{1000});
    consensus.last_vote = Slot{1001};
    EXPECT_EQ(own().last_vote, Slot{1001});
}

} // namespace
} // namespace belfry::node
