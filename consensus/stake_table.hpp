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

private:
    std::vector<Stake> stakes_;
    Stake total_;
};

} // namespace belfry::consensus
