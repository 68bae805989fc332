// SPDX-License-Identifier: Apache-2.0
// The named situations of Tower BFT, each with what must come of it and, where one is named, the
// planted defect that must not pass.
#include "consensus/sim/simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace belfry::consensus::sim {
namespace {

std::string violations(const Simulation& run)
{
    std::string all;
    for (const std::string& what : run.checker().violations()) {
        all += what + "\n";
    }
    return all;
}

std::vector<std::size_t> range(std::size_t first, std::size_t end)
{
    std::vector<std::size_t> all;
    for (std::size_t i = first; i < end; ++i) {
        all.push_back(i);
    }
    return all;
}

Slot newest_final(const Simulation& run)
{
    Slot newest;
    for (std::size_t i = 0; i < run.count(); ++i) {
        newest = std::max(newest, run.alive(i) ? run.finalized(i) : Slot{0});
    }
    return newest;
}

Slot newest_confirmed(const Simulation& run)
{
    Slot newest;
    for (std::size_t i = 0; i < run.count(); ++i) {
        newest = std::max(newest, run.alive(i) ? run.confirmed(i) : Slot{0});
    }
    return newest;
}

/// Slots from here until each of the machines has finalised something above `above`.
std::uint64_t slots_until_final(Simulation& run, Slot above, std::uint64_t slots_max)
{
    for (std::uint64_t slots = 0; slots <= slots_max; ++slots) {
        bool all = true;
        for (std::size_t i = 0; i < run.count(); ++i) {
            all = all && run.finalized(i) > above;
        }
        if (all) {
            return slots;
        }
        run.run_to(run.slot().next());
    }
    return slots_max + 1;
}

void run_for(Simulation& run, std::uint64_t slots)
{
    run.run_to(Slot{run.slot().value + slots});
}

TEST(Scenario, without_faults_every_slot_is_confirmed_at_once_and_final_after_a_tower)
{
    Simulation run({.seed = 3, .stakes = equal_stakes(4)});
    for (std::uint64_t slot = 1; slot <= 150; ++slot) {
        run.run_to(Slot{slot});
        for (std::size_t i = 0; i < run.count() && slot > 40; ++i) {
            EXPECT_GE(run.confirmed(i).value + 3, slot);
            EXPECT_GE(run.finalized(i).value + 36, slot);
        }
    }
    EXPECT_EQ(violations(run), "");
    EXPECT_EQ(run.accusations(), 0U);
}

// T01: neither side of 60 and 40 confirms or finalises; all goes on once lockouts have expired.
TEST(Scenario, a_split_of_60_and_40_finalises_nothing_until_it_heals)
{
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Simulation run({.seed = seed, .stakes = equal_stakes(5)});
        run_for(run, 50);
        const std::vector<unsigned> groups{0, 0, 0, 1, 1};
        run.split(groups);
        run_for(run, 1); // what was under way arrives
        const Slot confirmed = newest_confirmed(run);
        run_for(run, 20);
        EXPECT_LE(newest_confirmed(run).value, confirmed.value + 1);
        const Slot before = newest_final(run);
        run.heal();
        EXPECT_LE(slots_until_final(run, std::max(before, confirmed), 320), 320U);
        EXPECT_EQ(violations(run), "");
    }
}

// T02: the side with more than two thirds goes on alone, and the other joins it.
TEST(Scenario, the_larger_side_of_75_and_25_goes_on)
{
    Simulation run({.seed = 5, .stakes = equal_stakes(4)});
    run_for(run, 40);
    const std::vector<unsigned> groups{0, 0, 0, 1};
    run.split(groups);
    run_for(run, 60);
    EXPECT_GT(run.finalized(0), Slot{44});
    EXPECT_LT(run.finalized(3), Slot{42});
    EXPECT_LE(run.engine(3).own().tower().depth(), 31U);
    run.heal();
    EXPECT_LE(slots_until_final(run, Slot{100}, 60), 60U);
    EXPECT_EQ(violations(run), "");
}

/// What is final after a split whose larger part holds exactly this much of 100 (or of 3).
Slot final_after_split(const std::vector<Stake>& stakes, const TowerDefects& defects)
{
    Simulation run({.seed = 11, .stakes = stakes, .defects = defects});
    const std::vector<unsigned> groups{0, 0, 1};
    run.split(groups);
    run_for(run, 80);
    EXPECT_EQ(violations(run), "");
    return std::max(newest_final(run), newest_confirmed(run));
}

// T03: 66 of 100 is no quorum, nor is 2 of 3; 67 of 100 is one.
TEST(Scenario, two_thirds_exactly_finalise_nothing)
{
    EXPECT_EQ(final_after_split({Stake{33}, Stake{33}, Stake{34}}, {}), Slot{0});
    EXPECT_EQ(final_after_split({Stake{1}, Stake{1}, Stake{1}}, {}), Slot{0});
    EXPECT_GT(final_after_split({Stake{33}, Stake{34}, Stake{33}}, {}), Slot{40});
}

TEST(PlantedDefect, a_quorum_of_two_thirds_exactly_is_found)
{
    EXPECT_GT(final_after_split({Stake{1}, Stake{1}, Stake{1}}, {.quorum_is_at_least = true}),
              Slot{0});
}

/// One of three validators runs twice, once on each side of a split: an equivocator with a third.
std::string twin_run(const TowerDefects& defects)
{
    Simulation run(
        {.seed = 2, .stakes = equal_stakes(3), .twins = {ValidatorIndex{2}}, .defects = defects});
    const std::vector<unsigned> groups{0, 1, 0, 1};
    run.split(groups);
    run_for(run, 120);
    return violations(run);
}

TEST(Scenario, an_equivocator_with_a_third_cannot_finalise_two_forks)
{
    EXPECT_EQ(twin_run({}), "");
}

TEST(PlantedDefect, a_quorum_of_two_thirds_exactly_finalises_two_forks)
{
    EXPECT_NE(twin_run({.quorum_is_at_least = true}).find("T-S5"), std::string::npos);
}

TEST(Scenario, an_equivocator_is_named_once_both_values_are_seen)
{
    Simulation run({.seed = 2, .stakes = equal_stakes(4), .twins = {ValidatorIndex{3}}});
    const std::vector<unsigned> groups{0, 0, 1, 0, 1};
    run.split(groups);
    run_for(run, 12);
    run.heal();
    run_for(run, 30);
    EXPECT_GT(run.accusations(), 0U);
    EXPECT_EQ(violations(run), "");
}

// T04: 65 of 100 build on and on, and no tower grows past depth 8; with 70 roots resume at once.
struct Wall {
    std::size_t deepest = 0;
    Slot best;
    std::uint64_t slots_to_final = 0;
    std::string violations;
};

Wall threshold_wall(const TowerDefects& defects)
{
    Simulation run({.seed = 4, .stakes = equal_stakes(20), .defects = defects});
    for (const std::size_t silent : range(13, 20)) {
        run.withhold_votes(silent, true);
    }
    Wall wall;
    for (int slot = 0; slot < 100; ++slot) {
        run_for(run, 1);
        for (const std::size_t i : range(0, 13)) {
            wall.deepest = std::max(wall.deepest, run.engine(i).own().tower().depth());
        }
    }
    wall.best = run.engine(0).status().best.slot;
    EXPECT_TRUE(defects.threshold_unchecked || newest_final(run) == Slot{0});
    run.withhold_votes(13, false);
    wall.slots_to_final = slots_until_final(run, Slot{0}, 60);
    wall.violations = violations(run);
    return wall;
}

TEST(Scenario, sixty_five_of_a_hundred_stop_at_the_threshold_and_seventy_go_on)
{
    const Wall wall = threshold_wall({});
    EXPECT_EQ(wall.deepest, 8U);
    EXPECT_GE(wall.best, Slot{97});
    EXPECT_LE(wall.slots_to_final, 40U);
    EXPECT_EQ(wall.violations, "");
}

TEST(PlantedDefect, a_skipped_threshold_check_climbs_the_wall)
{
    EXPECT_GT(threshold_wall({.threshold_unchecked = true}).deepest, 8U);
}

/// The least that any of the 65 moved its vote on in the last 60 of 100 slots in which 35 of 100,
/// who voted before, were silent.
std::uint64_t votes_moved_on(const TowerDefects& defects)
{
    Simulation run({.seed = 5, .stakes = equal_stakes(20), .defects = defects});
    for (const std::size_t slow : range(13, 20)) { // they vote in every third slot
        run.set_sync(slow, {.low = 1400, .high = 1600});
    }
    run_for(run, 60);
    for (const std::size_t silent : range(13, 20)) {
        run.withhold_votes(silent, true);
    }
    run_for(run, 40);
    std::vector<std::uint64_t> voted;
    for (const std::size_t i : range(0, 13)) {
        voted.push_back(run.engine(i).status().last_vote->slot.value);
    }
    run_for(run, 60);
    std::uint64_t least = UINT64_MAX;
    for (const std::size_t i : range(0, 13)) {
        least = std::min(least, run.engine(i).status().last_vote->slot.value - voted[i]);
    }
    EXPECT_EQ(violations(run), "");
    return least;
}

TEST(Scenario, voters_at_the_wall_go_on_voting_with_what_was_granted_before)
{
    EXPECT_GE(votes_moved_on({}), 50U);
}

// Expired votes of the silent roll off their towers faster than off those of the others, so the
// depth check, asked again, is never passed.
TEST(PlantedDefect, depth_checks_without_the_escape_silence_the_voters)
{
    EXPECT_EQ(votes_moved_on({.no_threshold_escape = true}), 0U);
}

// T07: two of three voted for a fork that looks lighter, because their votes are still under way.
struct Delayed {
    std::uint64_t slots_to_win = 0; // after the votes arrived
    std::string violations;
};

Delayed delayed_votes(std::uint64_t seed, const TowerDefects& defects)
{
    Simulation run({.seed = seed, .stakes = equal_stakes(3), .defects = defects});
    run_for(run, 40);
    const std::vector<unsigned> groups{0, 0, 1}; // a third is no switch proof
    run.split(groups);
    run_for(run, 2);
    for (const std::size_t late : range(0, 2)) {
        run.withhold_votes(late, true);
    }
    run_for(run, 8);
    run.heal();
    run_for(run, 8);
    const BlockName heavy = *run.engine(0).status().last_vote; // two of three, seen by nobody
    for (const std::size_t late : range(0, 2)) {
        run.withhold_votes(late, false);
    }
    Delayed delayed;
    while (delayed.slots_to_win < 60) {
        run_for(run, 1);
        ++delayed.slots_to_win;
        bool won = true;
        for (const std::size_t i : range(0, 2)) {
            won = won && run.world().descends(run.engine(i).status().best, heavy);
        }
        if (won) {
            break;
        }
    }
    EXPECT_TRUE(defects.resets_to_heaviest ||
                slots_until_final(run, newest_final(run), 320) <= 320);
    delayed.violations = violations(run);
    return delayed;
}

TEST(Scenario, a_fork_whose_votes_are_late_is_built_on_by_its_voters_and_wins)
{
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Delayed delayed = delayed_votes(seed, {});
        EXPECT_LE(delayed.slots_to_win, 4U);
        EXPECT_EQ(delayed.violations, "");
    }
}

TEST(PlantedDefect, resetting_to_the_heaviest_fork_abandons_late_votes)
{
    bool found = false;
    for (std::uint64_t seed = 1; seed <= 10 && !found; ++seed) {
        found = delayed_votes(seed, {.resets_to_heaviest = true}).violations.find("T-L1") !=
                std::string::npos;
    }
    EXPECT_TRUE(found);
}

// T11: sixteen slots without a block; the next leader builds on the last block.
TEST(Scenario, four_failed_leader_windows_cost_only_their_slots)
{
    Simulation run({.seed = 6, .stakes = equal_stakes(5)});
    run_for(run, 48);
    for (const std::size_t i : range(0, 5)) {
        run.stop_building(i, true);
    }
    run_for(run, 2); // the block that was begun before arrives
    const BlockName last = run.engine(0).status().best;
    const std::size_t depth = run.engine(0).own().tower().depth();
    run_for(run, 14);
    EXPECT_EQ(run.engine(0).status().best, last);
    for (const std::size_t i : range(0, 5)) {
        run.stop_building(i, false);
    }
    run_for(run, 3);
    const BlockName next = run.engine(0).status().best;
    EXPECT_GE(next.slot.value, last.slot.value + 15);
    EXPECT_TRUE(run.world().descends(next, last));
    EXPECT_LT(run.engine(0).own().tower().depth(), depth) << "lockouts count slots, not votes";
    EXPECT_LE(slots_until_final(run, last.slot, 60), 60U);
    EXPECT_EQ(violations(run), "");
}

// T17: the votes of 40 of 100 reach nobody for eight windows.
TEST(Scenario, withheld_votes_of_forty_stop_finality_until_they_arrive)
{
    Simulation run({.seed = 8, .stakes = equal_stakes(5)});
    run_for(run, 45);
    for (const std::size_t i : {3U, 4U}) {
        run.withhold_votes(i, true);
    }
    run_for(run, 1);
    const Slot confirmed = run.confirmed(0);
    const BlockName best = run.engine(0).status().best;
    run_for(run, 32);
    EXPECT_LE(run.confirmed(0).value, confirmed.value + 1);
    EXPECT_GE(run.engine(0).status().best.slot.value, best.slot.value + 30);
    const Slot before = newest_final(run);
    for (const std::size_t i : {3U, 4U}) {
        run.withhold_votes(i, false);
    }
    EXPECT_LE(slots_until_final(run, before, 60), 60U);
    EXPECT_GT(run.confirmed(0), confirmed);
    EXPECT_EQ(violations(run), "");
}

TEST(Scenario, all_restart_at_once_and_go_on)
{
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Simulation run({.seed = seed, .stakes = equal_stakes(4)});
        run_for(run, 60);
        for (const std::size_t i : range(0, 4)) {
            run.crash(i);
        }
        run_for(run, seed % 5);
        for (const std::size_t i : range(0, 4)) {
            run.restart(i);
        }
        EXPECT_LE(slots_until_final(run, Slot{60}, 100), 100U);
        EXPECT_EQ(violations(run), "");
    }
}

TEST(Scenario, a_late_joiner_with_only_genesis_catches_up_and_votes)
{
    Simulation run({.seed = 9, .stakes = equal_stakes(4)});
    run.crash(3);
    run_for(run, 300);
    EXPECT_GT(run.finalized(0), Slot{200});
    run.restart(3);
    const std::uint64_t sent = run.votes_sent(3);
    run_for(run, 20);
    EXPECT_GT(run.votes_sent(3), sent);
    EXPECT_GT(run.finalized(3), Slot{200});
    EXPECT_GT(run.engine(3).status().last_vote->slot, Slot{310});
    EXPECT_EQ(violations(run), "");
}

} // namespace
} // namespace belfry::consensus::sim
