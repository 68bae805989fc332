// SPDX-License-Identifier: Apache-2.0
// Claim: a Tower engine among 100 validators takes a vote in about a microsecond, whichever way it
// finalises, also when a hundred engines take turns.
// Run: build/release/bench/tower --benchmark_repetitions=5
#include "base/check.hpp"
#include "consensus/tower/tower_engine.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace belfry::consensus {
namespace {

constexpr std::size_t validator_count = 100;
constexpr std::uint64_t slot_count = 400;

BlockName name(std::uint64_t slot)
{
    BlockName block{.slot = Slot{slot}, .id = {}};
    block.id.bytes[0] = static_cast<std::uint8_t>(slot);
    block.id.bytes[1] = slot == 0 ? 0 : 1;
    return block;
}

/// bodies[slot - 1][who - 1]: what validator 1.. votes for that slot, on one chain, without gaps.
std::vector<std::vector<Bytes>> make_bodies()
{
    std::vector<std::vector<Bytes>> bodies;
    Tower tower;
    for (std::uint64_t slot = 1; slot <= slot_count; ++slot) {
        (void)tower.push(Slot{slot});
        std::vector<Bytes>& of_slot = bodies.emplace_back();
        for (std::size_t who = 1; who < validator_count; ++who) {
            encode_tower_vote({.voter = ValidatorIndex{static_cast<std::uint16_t>(who)},
                               .tower = tower,
                               .block_id = name(slot).id,
                               .state_hash = {}},
                              of_slot.emplace_back());
        }
    }
    return bodies;
}

void begin_slot(const std::vector<std::unique_ptr<TowerEngine>>& engines, Effects& effects,
                std::uint64_t slot)
{
    for (const auto& engine : engines) {
        effects.clear();
        engine->step(Tick{},
                     Ready{.block = name(slot),
                           .parent = name(slot - 1),
                           .validity = Validity::valid,
                           .state_hash = {},
                           .author = ValidatorIndex{1}},
                     effects);
        BELFRY_CHECK(engine->status().last_vote == name(slot));
        effects.clear();
        engine->step(Tick{}, Persisted{.upto = *JournalSequence::from(slot)}, effects);
    }
}

/// So many engines in turn, as in a simulation: their state does not stay in the nearest cache.
void tower_votes(benchmark::State& state)
{
    const bool certificates = state.range(0) != 0;
    const auto engine_count = static_cast<std::size_t>(state.range(1));
    const std::vector<std::vector<Bytes>> bodies = make_bodies();
    const std::vector<Stake> stakes(validator_count, Stake{1});
    Effects effects;
    std::uint64_t votes = 0;
    for (auto _ : state) {
        std::vector<std::unique_ptr<TowerEngine>> engines;
        for (std::size_t i = 0; i < engine_count; ++i) {
            engines.push_back(std::make_unique<TowerEngine>(TowerConfig{
                .self = ValidatorIndex{0}, .may_sign = true, .certificates = certificates}));
            effects.clear();
            engines.back()->step(
                Tick{}, EpochInfo{.number = {}, .first_slot = {}, .stakes = stakes, .schedule = {}},
                effects);
        }
        for (std::uint64_t slot = 1; slot <= slot_count; ++slot) {
            begin_slot(engines, effects, slot);
            for (std::size_t i = 0; i < bodies[slot - 1].size(); ++i) {
                const ValidatorIndex from{static_cast<std::uint16_t>(i + 1)};
                for (const auto& engine : engines) {
                    effects.clear();
                    engine->step(Tick{}, VoteMessage{.from = from, .body = bodies[slot - 1][i]},
                                 effects);
                }
            }
            for (const auto& engine : engines) {
                if (certificates && slot > 2) { // two slots after it was built
                    effects.clear();
                    engine->finalize(name(slot - 2), effects);
                }
            }
        }
        for (const auto& engine : engines) {
            votes += engine->counters().votes_applied;
            BELFRY_CHECK(engine->status().confirmed == name(slot_count));
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(votes));
}
BENCHMARK(tower_votes)
    ->ArgNames({"certificates", "engines"})
    ->Args({0, 1})
    ->Args({1, 1})
    ->Args({0, 100})
    ->Args({1, 100})
    ->Unit(benchmark::kMillisecond);

} // namespace
} // namespace belfry::consensus

BENCHMARK_MAIN();
