// SPDX-License-Identifier: Apache-2.0
#include "node/chain_pace.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace belfry::node {
namespace {

ledger::Genesis genesis_of(std::uint32_t hashes_per_tick, std::uint32_t slot_ms)
{
    ledger::Genesis genesis;
    genesis.ticks_per_slot = 64;
    genesis.hashes_per_tick = hashes_per_tick;
    genesis.slot_ms = slot_ms;
    return genesis;
}

TEST(ChainPace, is_the_part_of_a_slot_that_its_hashes_take)
{
    // 128,000 hashes at 6.4 M/s: 20 ms of 200.
    const ChainPace pace = chain_pace(genesis_of(2'000, 200), 6.4e6);
    EXPECT_NEAR(pace.share, 0.1, 1e-12);
    EXPECT_NO_THROW(require_chain_pace(pace));
    EXPECT_EQ(in_words(pace), "proof of history: 6.4 M hashes/s, 10.0 % of a slot");
}

TEST(ChainPace, a_large_part_is_said_and_a_whole_slot_is_refused)
{
    const ChainPace large = chain_pace(genesis_of(10'000, 200), 6.4e6); // 100 ms of 200
    EXPECT_NO_THROW(require_chain_pace(large));
    EXPECT_NE(in_words(large).find("too slow for this cluster's"), std::string::npos);

    EXPECT_NO_THROW(require_chain_pace(chain_pace(genesis_of(19'999, 200), 6.4e6)));
    EXPECT_THROW(require_chain_pace(chain_pace(genesis_of(20'000, 200), 6.4e6)),
                 std::runtime_error);
}

TEST(ChainPace, what_is_measured_is_what_the_chain_does)
{
    // Between what no CPU does in one thread and what the slowest build under a sanitizer does.
    const double measured = measure_chain_hashes_per_second();
    EXPECT_GT(measured, 1e4);
    EXPECT_LT(measured, 1e9);
}

} // namespace
} // namespace belfry::node
