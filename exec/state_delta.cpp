// SPDX-License-Identifier: Apache-2.0
#include "exec/state_delta.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <utility>

namespace belfry::exec {

StateDelta::StateDelta(std::vector<AccountChange> changes)
    : changes_(std::move(changes))
{
    std::ranges::sort(changes_, {}, &AccountChange::key);
    for (std::size_t i = 0; i < changes_.size(); ++i) {
        BELFRY_CHECK(i == 0 || changes_[i - 1].key < changes_[i].key);
        BELFRY_DCHECK(changes_[i].before != changes_[i].after);
    }
}

const AccountChange* StateDelta::find(const Pubkey& key) const
{
    const auto found = std::lower_bound(
        changes_.begin(), changes_.end(), key,
        [](const AccountChange& change, const Pubkey& wanted) { return change.key < wanted; });
    return found != changes_.end() && found->key == key ? &*found : nullptr;
}

} // namespace belfry::exec
