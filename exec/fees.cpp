// SPDX-License-Identifier: Apache-2.0
#include "exec/fees.hpp"

#include "base/check.hpp"

namespace belfry::exec {
namespace {

__extension__ using Wide = unsigned __int128;

/// All lamports together fit into 64 bits, and fees were among them.
[[nodiscard]] Lamports sum(Lamports a, Lamports b)
{
    const std::optional<Lamports> total = a.plus(b);
    BELFRY_CHECK(total);
    return *total;
}

} // namespace

void BlockFees::add(const ExecutionOutcome& outcome)
{
    BELFRY_CHECK(outcome.charged && outcome.base_fee <= outcome.fee);
    base = sum(base, outcome.base_fee);
    priority = sum(priority, Lamports{outcome.fee.value - outcome.base_fee.value});
}

Lamports BlockFees::all() const
{
    return sum(base, priority);
}

void BlockFees::pay(const Pubkey& leader, WorkingSet& working, const AccountLookup& lookup,
                    const ExecutionRules& rules)
{
    burnt.value = static_cast<std::uint64_t>(Wide{base.value} * rules.burn_percent / 100);
    BELFRY_CHECK(burnt <= base);
    const Lamports reward{all().value - burnt.value};
    if (reward.value == 0) {
        return;
    }
    WorkingAccount& account = working.at(working.load(leader, lookup));
    const std::optional<Lamports> after = Lamports{account.lamports}.plus(reward);
    if (account.owner == ledger::system_program && account.data_bytes == 0 && after &&
        *after >= rules.rent.exempt_minimum(0)) {
        account.lamports = after->value;
    } else {
        burnt = sum(burnt, reward);
    }
}

} // namespace belfry::exec
