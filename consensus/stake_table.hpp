// SPDX-License-Identifier: Apache-2.0
#pragma once
// stake_table.hpp: who has how much stake, and the only comparison of stake with a share of it.
// Shapes   shares are fractions of integers; every threshold is strict and exact: 38 of 100 is not
//          more than 38 %, 66 of 99 is not more than two thirds.
// Errors   StakeError; text at the edge.

#include "base/result.hpp"
#include "base/strong.hpp"
#include "consensus/validator_index.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace belfry::consensus {

struct Fraction {
    std::uint32_t numerator;
    std::uint32_t denominator;
    friend constexpr bool operator==(const Fraction&, const Fraction&) = default;
};
inline constexpr Fraction two_thirds{.numerator = 2, .denominator = 3};
inline constexpr Fraction one_half{.numerator = 1, .denominator = 2};
inline constexpr Fraction one_third{.numerator = 1, .denominator = 3};
inline constexpr Fraction switch_share{.numerator = 38, .denominator = 100};
/// 1 - 38 % - 10 %: so much on one version of a slot's block, and the others are out.
inline constexpr Fraction duplicate_share{.numerator = 52, .denominator = 100};

/// part > total * share, exactly, in 128 bits.
[[nodiscard]] bool is_more_than(Stake part, Stake total, Fraction share);

enum class StakeError : std::uint8_t { no_validator, too_many_validators, no_stake, overflow };

class StakeTable {
public:
    /// An empty table: nobody has stake, no share is ever exceeded.
    StakeTable() = default;
    [[nodiscard]] static Result<StakeTable, StakeError> make(std::span<const Stake> stakes);

    [[nodiscard]] std::size_t count() const { return stakes_.size(); }
    [[nodiscard]] bool contains(ValidatorIndex who) const { return who.value < stakes_.size(); }
    /// Zero for a validator that is not in the table.
    [[nodiscard]] Stake stake(ValidatorIndex who) const
    {
        return contains(who) ? stakes_[who.value] : Stake{};
    }
    [[nodiscard]] Stake total() const { return total_; }
    [[nodiscard]] Stake of(const ValidatorSet& who) const;
    [[nodiscard]] bool is_more_than(Stake part, Fraction share) const
    {
        return consensus::is_more_than(part, total_, share);
    }
    friend bool operator==(const StakeTable&, const StakeTable&) = default;

private:
    std::vector<Stake> stakes_;
    Stake total_;
};

/// The stakes of several epochs. Every block is judged with those of its own slot's epoch, whoever
/// asks and whenever.
class StakeBook {
public:
    static constexpr std::size_t epochs_max = 32; // when it is full the oldest is dropped

    /// From first_slot on, until the next epoch begins. Takes the place of what began there before.
    void set(Slot first_slot, const StakeTable& stakes);
    /// The oldest for a slot below all; an empty table when there is none at all.
    [[nodiscard]] const StakeTable& at(Slot slot) const;
    /// Drops what judges no slot from this one on.
    void forget_below(Slot slot);
    /// All epochs have the same stakes, so that sums over blocks of several have a meaning.
    [[nodiscard]] bool uniform() const { return uniform_; }
    /// Has stake in some epoch.
    [[nodiscard]] bool knows(ValidatorIndex who) const;

private:
    struct Entry {
        Slot first_slot;
        StakeTable stakes;
    };
    void compare();
    StakeTable none_;
    std::vector<Entry> entries_; // rising
    bool uniform_ = true;
};

} // namespace belfry::consensus
