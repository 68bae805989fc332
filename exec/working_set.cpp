// SPDX-License-Identifier: Apache-2.0
#include "exec/working_set.hpp"

#include <algorithm>
#include <utility>

namespace belfry::exec {
namespace {

[[nodiscard]] WorkingAccount work_on(const ledger::Account* account)
{
    WorkingAccount working;
    if (account != nullptr) {
        working.lamports = account->lamports.value;
        working.data_bytes = account->data.size();
        working.owner = account->owner;
        working.executable = account->executable;
        // Only its owner may give an account away, and only the System program does, so nobody
        // asks this of other accounts; they can be megabytes long.
        working.data_is_zeros =
            account->data.empty() || (account->owner == ledger::system_program &&
                                      std::all_of(account->data.begin(), account->data.end(),
                                                  [](std::uint8_t byte) { return byte == 0; }));
    }
    return working;
}

} // namespace

std::uint32_t WorkingSet::load(const Pubkey& key, const AccountLookup& lookup)
{
    const std::uint32_t fingerprint = fingerprint_of(key);
    const auto known =
        index_.find(fingerprint, [&](std::uint32_t place) { return keys_[place] == key; });
    if (known) {
        return *known;
    }
    const auto place = static_cast<std::uint32_t>(accounts_.size());
    accounts_.push_back(work_on(lookup(key)));
    keys_.push_back(key);
    index_.insert(fingerprint, place);
    return place;
}

StateDelta WorkingSet::delta(const AccountLookup& lookup) const
{
    std::vector<AccountChange> changes;
    for (std::size_t place = 0; place < accounts_.size(); ++place) {
        const WorkingAccount& working = accounts_[place];
        const ledger::Account* found = lookup(keys_[place]);
        if (working == work_on(found)) {
            continue;
        }
        AccountChange change{keys_[place], found != nullptr ? *found : ledger::Account{}, {}};
        change.after.lamports = Lamports{working.lamports};
        change.after.owner = working.owner;
        change.after.executable = working.executable;
        if (working.data_is_new) {
            change.after.data.assign(working.data_bytes, 0);
        } else {
            change.after.data = change.before.data;
        }
        if (change.before != change.after) {
            changes.push_back(std::move(change));
        }
    }
    return StateDelta(std::move(changes));
}

} // namespace belfry::exec
