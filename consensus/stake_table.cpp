// SPDX-License-Identifier: Apache-2.0
#include "consensus/stake_table.hpp"

#include "base/check.hpp"

#include <optional>

namespace belfry::consensus {

namespace {
__extension__ using Uint128 = unsigned __int128;
} // namespace

bool is_more_than(Stake part, Stake total, Fraction share)
{
    BELFRY_CHECK(share.denominator != 0);
    return Uint128{part.value} * share.denominator > Uint128{total.value} * share.numerator;
}

Result<StakeTable, StakeError> StakeTable::make(std::span<const Stake> stakes)
{
    if (stakes.empty()) {
        return std::unexpected(StakeError::no_validator);
    }
    if (stakes.size() > validator_count_max) {
        return std::unexpected(StakeError::too_many_validators);
    }
    StakeTable table;
    for (const Stake stake : stakes) {
        const std::optional<Stake> sum = table.total_.plus(stake);
        if (!sum) {
            return std::unexpected(StakeError::overflow);
        }
        table.total_ = *sum;
    }
    if (table.total_ == Stake{}) {
        return std::unexpected(StakeError::no_stake);
    }
    table.stakes_.assign(stakes.begin(), stakes.end());
    return table;
}

Stake StakeTable::of(const ValidatorSet& who) const
{
    std::uint64_t sum = 0; // cannot overflow: total_ did not
    for (std::size_t i = 0; i < stakes_.size(); ++i) {
        if (who.contains(ValidatorIndex{static_cast<std::uint16_t>(i)})) {
            sum += stakes_[i].value;
        }
    }
    return Stake{sum};
}

} // namespace belfry::consensus
