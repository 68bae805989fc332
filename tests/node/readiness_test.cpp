// SPDX-License-Identifier: Apache-2.0
#include "node/rpc_port.hpp"

#include <gtest/gtest.h>

namespace belfry::node {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;

/// The first of four validators, all of them well and at slot 1,000.
struct Well {
    Well()
    {
        for (std::size_t i = 0; i < 4; ++i) {
            RosterEntry& entry = roster.validators.emplace_back();
            entry.stake = Stake{100};
            consensus.peers[i].heard_ns = now - second_ns;
            consensus.peers[i].last_vote = Slot{1000};
        }
        roster.me = 0;
        consensus.peers[0] = {};
        consensus.silence = Silence::none;
        consensus.clock_slot = consensus.cluster = bank.processed = bank.finalized = Slot{1000};
        consensus.published_ns = now;
    }
    [[nodiscard]] ReadinessAnswer asked() const
    {
        return readiness_of(roster, consensus, bank, now);
    }
    /// What it says besides nothing.
    [[nodiscard]] std::string reason() const
    {
        const ReadinessAnswer answer = asked();
        return answer.reasons.size() == 1 ? answer.reasons.front()
                                          : std::to_string(answer.reasons.size()) + " reasons";
    }

    std::uint64_t now = 1'000 * second_ns;
    Roster roster;
    ConsensusSnapshot consensus;
    BankSnapshot bank;
};

TEST(Readiness, counts_peers_and_says_nothing_against_a_node_that_is_well)
{
    const ReadinessAnswer answer = Well().asked();
    EXPECT_TRUE(answer.reasons.empty());
    EXPECT_EQ(answer.peers_heard, 3U);
    EXPECT_EQ(answer.peers_total, 3U);
    EXPECT_EQ(answer.quorum_ms_ago, 1000U);
    EXPECT_EQ(answer.slots_behind, 0U);
    EXPECT_EQ(answer.slots_unfinal, 0U);
}

TEST(Readiness, a_quorum_is_of_those_who_have_said_where_they_are)
{
    // A node that starts again is answered before it has heard a vote; how far it is behind it
    // cannot know then.
    Well node;
    node.consensus.peers[1].last_vote = node.consensus.peers[2].last_vote = Slot{};
    EXPECT_EQ(node.asked().quorum_ms_ago, std::nullopt);
    EXPECT_EQ(node.reason(), "two thirds of the stake have not been heard since the start");
    EXPECT_EQ(node.asked().peers_heard, 3U);
    node.consensus.peers[1].last_vote = Slot{1};
    EXPECT_EQ(node.asked().reasons, std::vector<std::string>{}) << "three of four with its own";
}

TEST(Readiness, exactly_two_thirds_are_no_quorum)
{
    Well node;
    node.roster.validators.pop_back();
    node.consensus.peers[2] = {};
    EXPECT_EQ(node.asked().quorum_ms_ago, std::nullopt);
    node.roster.validators[1].stake = Stake{101};
    EXPECT_EQ(node.asked().quorum_ms_ago, 1000U);
}

TEST(Readiness, names_each_thing_that_is_wrong)
{
    {
        Well node;
        node.consensus.silence = Silence::listening;
        EXPECT_EQ(node.reason(), "signs nothing: " + std::string(to_string(Silence::listening)));
    }
    {
        Well node;
        node.consensus.behind = true;
        node.bank.processed = Slot{980};
        EXPECT_EQ(node.reason(), "behind the cluster by 20 slots");
    }
    {
        Well node;
        node.consensus.published_ns = node.now - 3 * second_ns;
        EXPECT_EQ(node.reason(), "consensus has waited for its disk for 3000 ms");
        node.consensus.published_ns += 1'000'000;
        EXPECT_TRUE(node.asked().reasons.empty());
    }
    {
        Well node;
        node.bank.quarantined = Slot{1001};
        EXPECT_EQ(node.reason(), "the block of slot 1001 is in quarantine: this node died of it "
                                 "more than once");
        node.bank.quarantined = node.bank.finalized;
        EXPECT_TRUE(node.asked().reasons.empty());
    }
    {
        Well node;
        node.consensus.peers[1].heard_ns = node.consensus.peers[2].heard_ns =
            node.now - 10 * second_ns;
        EXPECT_EQ(node.reason(), "two thirds of the stake were last heard 10000 ms ago");
        EXPECT_EQ(node.asked().peers_heard, 1U);
    }
    {
        Well node;
        node.bank.finalized = Slot{849};
        EXPECT_EQ(node.reason(), "nothing has become final for 151 slots");
        node.bank.finalized = Slot{850};
        EXPECT_TRUE(node.asked().reasons.empty());
    }
}

} // namespace
} // namespace belfry::node
