// SPDX-License-Identifier: Apache-2.0
#include "consensus/stake_table.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cstddef>
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
    who.for_each([&](ValidatorIndex one) { sum += stake(one).value; });
    return Stake{sum};
}

void StakeBook::set(Slot first_slot, const StakeTable& stakes)
{
    const auto place = std::ranges::lower_bound(entries_, first_slot, {}, &Entry::first_slot);
    if (place != entries_.end() && place->first_slot == first_slot) {
        place->stakes = stakes;
    } else {
        entries_.insert(place, {.first_slot = first_slot, .stakes = stakes});
    }
    if (entries_.size() > epochs_max) {
        entries_.erase(entries_.begin());
    }
    compare();
}

const StakeTable& StakeBook::at(Slot slot) const
{
    if (entries_.empty()) {
        return none_;
    }
    std::size_t i = entries_.size() - 1;
    while (!uniform_ && i > 0 && entries_[i].first_slot > slot) {
        --i;
    }
    return entries_[i].stakes;
}

void StakeBook::forget_below(Slot slot)
{
    std::size_t ended = 0;
    while (ended + 1 < entries_.size() && entries_[ended + 1].first_slot <= slot) {
        ++ended;
    }
    if (ended > 0) {
        entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(ended));
        compare();
    }
}

bool StakeBook::knows(ValidatorIndex who) const
{
    if (uniform_) {
        return !entries_.empty() && entries_.back().stakes.stake(who) > Stake{};
    }
    return std::ranges::any_of(
        entries_, [&](const Entry& entry) { return entry.stakes.stake(who) > Stake{}; });
}

void StakeBook::compare()
{
    uniform_ = std::ranges::all_of(
        entries_, [&](const Entry& entry) { return entry.stakes == entries_.front().stakes; });
}

} // namespace belfry::consensus
