// SPDX-License-Identifier: Apache-2.0
#include "node/retention.hpp"
#include "tests/ledger/data_directory.hpp"
#include "tests/ledger/sample_block.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace belfry::node {
namespace {

constexpr RetentionLimits limits{.keep_slots = 10'000, .map_bytes = 1'000'000};

std::optional<Slot> below_of(std::uint64_t lowest, std::uint64_t newest, std::uint64_t held_bytes)
{
    return prune_below(
        limits, {.lowest = Slot{lowest}, .newest_final = Slot{newest}, .held_bytes = held_bytes});
}

TEST(Retention, keeps_the_slots_that_were_asked_for_while_there_is_space)
{
    EXPECT_EQ(below_of(1, 9'999, 0), std::nullopt);
    EXPECT_EQ(below_of(1, 10'000, 0), std::nullopt);
    EXPECT_EQ(below_of(1, 10'001, 500'000), Slot{1});
    EXPECT_EQ(below_of(900, 12'000, 500'000), Slot{2'000});
}

TEST(Retention, gives_up_the_oldest_step_by_step_while_short_of_space)
{
    EXPECT_EQ(below_of(1, 9'000, 500'001), Slot{1 + space_step_slots});
    EXPECT_EQ(below_of(5'000, 9'000, 990'000), Slot{5'000 + space_step_slots});
    // What is too old goes first, at once.
    EXPECT_EQ(below_of(500, 12'000, 990'000), Slot{2'000});
}

TEST(Retention, never_goes_below_what_a_restart_and_peers_need)
{
    EXPECT_EQ(below_of(1, kept_slots_min, 990'000), std::nullopt);
    EXPECT_EQ(below_of(8'970, 10'000, 990'000), Slot{10'000 - kept_slots_min});
    EXPECT_EQ(below_of(9'500, 10'000, 990'000), Slot{10'000 - kept_slots_min});
}

TEST(Retention, lets_a_ledger_take_many_times_its_map)
{
    // Blocks are 16 slots apart, so that few of them are the slots that always stay.
    constexpr std::uint64_t slots_apart = 16;
    constexpr std::uint64_t map_bytes = std::uint64_t{48} << 20;
    const ledger::ScratchDirectory scratch;
    ledger::LmdbEnv env({.directory = scratch.path() / "data",
                         .genesis_hash = ledger::store_genesis,
                         .map_bytes = map_bytes});
    ledger::BlockStore store(env);
    std::minstd_rand random(1129);
    ledger::BlockRef parent{.slot = {}, .id = ledger::store_genesis};
    std::uint64_t written = 0;
    std::size_t records_pruned = 0;
    for (std::uint64_t slot = slots_apart; written < 6 * map_bytes; slot += slots_apart) {
        ledger::SampleBlock block = ledger::sample_block(Slot{slot}, parent, 4);
        for (ledger::ShredSet& set : block.sets) {
            set.payload.resize(1 + random() % 32'768);
            written += set.payload.size();
        }
        std::vector<ledger::SignatureRecord> signatures(200);
        for (ledger::SignatureRecord& record : signatures) {
            for (std::uint8_t& byte : record.signature.bytes) {
                byte = static_cast<std::uint8_t>(random());
            }
            record.block = block.record.ref;
            record.outcome.resize(60);
            written += 200;
        }
        const auto committed = store.commit({.sets = block.sets,
                                             .blocks = std::span(&block.record, 1),
                                             .finalized = std::span(&block.record.ref, 1),
                                             .signatures = signatures});
        ASSERT_TRUE(committed) << to_string(committed.error()) << " after " << written << " bytes";
        const auto below = prune_below({.keep_slots = 1'000'000, .map_bytes = map_bytes},
                                       {.lowest = store.lowest_block().value()->slot,
                                        .newest_final = Slot{slot},
                                        .held_bytes = env.held_bytes()});
        if (below) {
            records_pruned += store.prune(*below, 4096).value();
        }
        parent = block.record.ref;
    }
    EXPECT_GT(records_pruned, 0U);
    EXPECT_LE(env.used_bytes(), map_bytes);
}

} // namespace
} // namespace belfry::node
