// SPDX-License-Identifier: Apache-2.0
// Random trouble over many seeds. Every failure names its seed; `belfry sim --validators N
// --slots N --seed N` repeats it.
#include "consensus/sim/seed_run.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace belfry::consensus::sim {
namespace {

std::string first_of(const SeedResult& result)
{
    return result.violations.empty() ? "no progress" : result.violations.front();
}

void expect_no_harm(SeedOptions options, std::uint64_t seed_count)
{
    for (options.seed = 1; options.seed <= seed_count; ++options.seed) {
        const SeedResult result = run_seed(options);
        ASSERT_EQ(result.outcome, Outcome::pass)
            << "seed " << options.seed << ", " << options.validator_count
            << " validators: " << first_of(result);
    }
}

TEST(Seeds, four_validators_stay_safe_and_recover)
{
    expect_no_harm({.validator_count = 4}, 12);
}

TEST(Seeds, seven_validators_stay_safe_and_recover)
{
    expect_no_harm({.validator_count = 7}, 5);
}

TEST(Seeds, ten_validators_stay_safe_and_recover)
{
    expect_no_harm({.validator_count = 10}, 5);
}

TEST(Seeds, a_lone_validator_finalises_through_its_own_crashes)
{
    expect_no_harm({.validator_count = 1, .engine = EngineChoice{}}, 20);
}

// Its slow disk loses a vote that was never sent; what it says then it had said before.
TEST(Seeds, a_vote_said_again_after_a_crash_needs_no_support_anew)
{
    const SeedResult result =
        run_seed({.seed = 1078,
                  .validator_count = 6,
                  .slots = 38,
                  .faults = FaultSet::parse("clog,crash,skew,disk,stake,byzantine").value()});
    EXPECT_EQ(result.outcome, Outcome::pass) << first_of(result);
}

TEST(Seeds, the_same_seed_gives_the_same_run)
{
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const SeedResult once = run_seed({.seed = seed});
        const SeedResult again = run_seed({.seed = seed});
        EXPECT_EQ(once.trace_hash, again.trace_hash);
        EXPECT_EQ(once.steps, again.steps);
        EXPECT_NE(once.trace_hash, run_seed({.seed = seed + 100}).trace_hash);
    }
}

TEST(Seeds, leaving_one_kind_of_fault_out_changes_no_other_draw)
{
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const TroublePlan whole = draw_plan({.seed = seed, .validator_count = 9});
        const TroublePlan less = draw_plan({.seed = seed,
                                            .validator_count = 9,
                                            .allowed = FaultSet::all().without(FaultKind::loss)});
        EXPECT_EQ(less.active, whole.active.without(FaultKind::loss));
        EXPECT_EQ(less.tail_ms, whole.tail_ms);
        EXPECT_EQ(less.crash_per_mille, whole.crash_per_mille);
        EXPECT_EQ(less.twins, whole.twins);
    }
}

TEST(Seeds, liars_are_always_less_than_a_third_of_stake)
{
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        const TroublePlan plan = draw_plan({.seed = seed, .validator_count = 3 + seed % 20});
        std::uint64_t total = 0;
        std::uint64_t lying = 0;
        for (std::size_t i = 0; i < plan.stakes.size(); ++i) {
            const bool twin =
                std::ranges::count(plan.twins, ValidatorIndex{static_cast<std::uint16_t>(i)}) != 0;
            total += plan.stakes[i].value;
            lying += twin || plan.roles[i].any() ? plan.stakes[i].value : 0;
        }
        EXPECT_LT(3 * lying, total) << "seed " << seed;
    }
}

TEST(Seeds, names_of_faults_read_back)
{
    EXPECT_EQ(FaultSet::parse("all"), FaultSet::all());
    EXPECT_EQ(FaultSet::parse("none"), FaultSet{});
    const FaultSet two = FaultSet{}.with(FaultKind::loss).with(FaultKind::byzantine);
    EXPECT_EQ(two.text(), "loss,byzantine");
    EXPECT_EQ(FaultSet::parse(two.text()), two);
    EXPECT_EQ(FaultSet::parse("loss,rain"), std::nullopt);
}

} // namespace
} // namespace belfry::consensus::sim
