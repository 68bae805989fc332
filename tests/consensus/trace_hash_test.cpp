// SPDX-License-Identifier: Apache-2.0
// The same seeds give the same trace hashes on every machine, compiler, optimisation and sanitizer:
// every build of this test compares with the same constants. Whoever changes what an engine does,
// or what a seed draws, changes them; whoever only makes something faster does not.
#include "consensus/sim/seed_run.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace belfry::consensus::sim {
namespace {

struct Known {
    std::string_view engine;
    std::size_t validators = 4;
    std::uint64_t slots = 40;
    std::uint64_t seed = 1;
    std::uint64_t hash = 0;
};

class TraceHash : public ::testing::TestWithParam<Known> {};

TEST_P(TraceHash, is_the_same_on_every_machine_and_build)
{
    const Known& known = GetParam();
    SeedOptions options;
    options.engine = engine_named(known.engine).value();
    options.validator_count = known.validators;
    options.slots = known.slots;
    options.seed = known.seed;
    const SeedResult result = run_seed(options);
    EXPECT_EQ(result.outcome, Outcome::pass);
    EXPECT_EQ(result.trace_hash, known.hash)
        << std::hex << "0x" << result.trace_hash << " after " << std::dec << result.steps
        << " steps, " << result.plan;
}

constexpr Known known_runs[] = {
    {"tower", 4, 60, 1, 0x8cc4e53dd9f658c4},      {"tower", 4, 60, 2, 0xd9cc89e9e808f58a},
    {"tower", 4, 60, 3, 0x05228de18d826776},      {"tower", 4, 60, 4, 0xe5c2e6c370522f14},
    {"tower", 7, 60, 1, 0x62f79b37b98ec8f3},      {"tower", 7, 60, 2, 0xf4501de34c18e557},
    {"tower", 16, 30, 1, 0x87fe4ba0be57e007},     {"tower", 16, 30, 2, 0x79de82db81dbfccd},
    {"tower", 100, 4, 3, 0x26a444120b4bec9b},     {"certified", 4, 60, 1, 0x617b7c945e771dfb},
    {"certified", 4, 60, 2, 0x5f869e8d49341590},  {"certified", 4, 60, 3, 0xc94ae7aea54ea72f},
    {"certified", 4, 60, 4, 0x84e09028943edb0a},  {"certified", 7, 60, 1, 0xb27b346252974881},
    {"certified", 7, 60, 2, 0xb8abab5b1f50cb12},  {"certified", 16, 30, 1, 0xd8ed14257499b5bf},
    {"certified", 16, 30, 2, 0x75d38ce97f4292f5}, {"certified", 100, 4, 3, 0x23a718074bd84b49},
};

INSTANTIATE_TEST_SUITE_P(Fixed, TraceHash, ::testing::ValuesIn(known_runs), [](const auto& one) {
    return std::string(one.param.engine) + "_" + std::to_string(one.param.validators) + "_seed_" +
           std::to_string(one.param.seed);
});

} // namespace
} // namespace belfry::consensus::sim
