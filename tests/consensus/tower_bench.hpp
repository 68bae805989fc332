// SPDX-License-Identifier: Apache-2.0
#pragma once
// tower_bench.hpp: one Tower engine in a test's hands: gives it inputs, keeps what it asks for.

#include "consensus/leader_schedule.hpp"
#include "consensus/tower/tower_engine.hpp"
#include "tests/consensus/block_names.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace belfry::consensus {

using testing::genesis;
using testing::name;
inline constexpr std::array<std::uint16_t, 3> others{1, 2, 3};
inline constexpr std::array<std::uint16_t, 3> first_three{0, 1, 2};

/// count validators with one unit of stake each.
inline std::vector<Stake> units(std::size_t count)
{
    return std::vector<Stake>(count, Stake{1});
}

inline TowerConfig signer(const TowerDefects& defects = {})
{
    return {.self = ValidatorIndex{0}, .may_sign = true, .defects = defects};
}

/// One engine, of four validators with equal stakes unless told otherwise, and hands that do what
/// it asks. All invariants are checked after every step.
class TowerBench {
public:
    explicit TowerBench(TowerConfig config = signer(), std::vector<Stake> stakes = units(4))
        : TowerBench(std::move(config), {}, std::move(stakes))
    {
    }
    /// Restarts from what this engine wrote.
    TowerBench(TowerConfig config, const std::vector<JournalRecord>& records,
               std::vector<Stake> stakes = units(4))
        : owned(std::make_unique<TowerEngine>(config))
        , engine(*owned)
    {
        restored = engine.restore(records);
        const std::array leaders{ValidatorIndex{0}, ValidatorIndex{1}, ValidatorIndex{0}};
        step(EpochInfo{.number = {}, .first_slot = {}, .stakes = stakes, .schedule = leaders});
    }

    void step(const Input& input)
    {
        effects.clear();
        engine.step(Tick{}, input, effects);
        look();
    }
    void finalize(const BlockName& block)
    {
        effects.clear();
        engine.finalize(block, effects);
        look();
    }
    void look()
    {
        if (const auto broken = engine.check()) {
            ADD_FAILURE() << *broken;
        }
        for (const Effect& effect : effects.list()) {
            if (const auto* persist = std::get_if<Persist>(&effect)) {
                kept.push_back({persist->record.begin(), persist->record.end()});
                last_sequence = persist->sequence;
            }
            if (const auto* commit = std::get_if<Commit>(&effect)) {
                history.push_back(*commit);
            }
        }
    }
    /// A replayed block, by another leader unless told otherwise.
    void block(const BlockName& block, const BlockName& parent, std::uint16_t author = 1)
    {
        step(Ready{.block = block,
                   .parent = parent,
                   .validity = Validity::valid,
                   .state_hash = {},
                   .author = ValidatorIndex{author}});
    }
    void persisted()
    {
        if (last_sequence) {
            step(Persisted{.upto = *last_sequence});
        }
    }
    void tick() { step(Timer{.kind = TimerKind::slot_tick, .slot = {}}); }
    void build(std::uint64_t slot) { step(Timer{.kind = TimerKind::build, .slot = Slot{slot}}); }

    /// A vote of another validator for block, with nothing but the slots given before it.
    void vote(std::uint16_t who, const BlockName& block, std::vector<std::uint64_t> before = {})
    {
        Tower tower;
        for (const std::uint64_t slot : before) {
            (void)tower.push(Slot{slot});
        }
        (void)tower.push(block.slot);
        Bytes body;
        encode_tower_vote(
            {.voter = ValidatorIndex{who}, .tower = tower, .block_id = block.id, .state_hash = {}},
            body);
        step(VoteMessage{.from = ValidatorIndex{who}, .body = body});
    }

    /// The same vote by each of first..last.
    void votes(std::uint16_t first, std::uint16_t last, const BlockName& block,
               const std::vector<std::uint64_t>& before = {})
    {
        for (std::uint16_t who = first; who <= last; ++who) {
            vote(who, block, before);
        }
    }
    void duplicate(std::uint64_t slot)
    {
        step(Duplicate{.slot = Slot{slot}, .first = name(slot, 1).id, .second = name(slot, 2).id});
    }
    void epoch(std::uint64_t number, std::uint64_t first_slot, const std::vector<Stake>& stakes)
    {
        step(EpochInfo{.number = Epoch{number},
                       .first_slot = Slot{first_slot},
                       .stakes = stakes,
                       .schedule = {}});
    }

    template <class T>
    [[nodiscard]] std::vector<T> all() const
    {
        std::vector<T> found;
        for (const Effect& effect : effects.list()) {
            if (const auto* one = std::get_if<T>(&effect)) {
                found.push_back(*one);
            }
        }
        return found;
    }
    [[nodiscard]] std::vector<BlockName> commits(Level level) const
    {
        std::vector<BlockName> blocks;
        for (const Commit& commit : all<Commit>()) {
            if (commit.level == level) {
                blocks.push_back(commit.block);
            }
        }
        return blocks;
    }
    /// All that ever reached the level, in order.
    [[nodiscard]] std::vector<BlockName> ever(Level level) const
    {
        std::vector<BlockName> blocks;
        for (const Commit& commit : history) {
            if (commit.level == level) {
                blocks.push_back(commit.block);
            }
        }
        return blocks;
    }
    [[nodiscard]] std::optional<BlockName> voted() const
    {
        const std::vector<Send> sends = all<Send>();
        if (sends.empty()) {
            return std::nullopt;
        }
        return decode_tower_vote(sends.front().body)->block();
    }
    [[nodiscard]] std::vector<JournalRecord> journal() const
    {
        std::vector<JournalRecord> records;
        for (std::size_t i = 0; i < kept.size(); ++i) {
            records.push_back({.sequence = *JournalSequence::from(i + 1), .bytes = kept[i]});
        }
        return records;
    }

    std::unique_ptr<TowerEngine> owned;
    TowerEngine& engine;
    Effects effects;
    std::vector<Bytes> kept;
    std::vector<Commit> history;
    std::optional<JournalSequence> last_sequence;
    Result<void, RestoreError> restored;
};

} // namespace belfry::consensus
