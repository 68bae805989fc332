// SPDX-License-Identifier: Apache-2.0
#pragma once
// state_delta.hpp: what one block changed: for every account the value before and the value after.
//          It is the undo log and the redo log of the block in one.
// Rule     an account that does not exist is one with zero lamports, no data, owned by the System
//          program; before != after in every change; sorted by key, each key once.

#include "base/bytes.hpp"
#include "ledger/model/account.hpp"

#include <span>
#include <vector>

namespace belfry::exec {

struct AccountChange {
    Pubkey key;
    ledger::Account before;
    ledger::Account after;
};

class StateDelta {
public:
    StateDelta() = default;
    /// Sorts by key. Precondition: no key twice, no change that changes nothing.
    explicit StateDelta(std::vector<AccountChange> changes);

    [[nodiscard]] std::span<const AccountChange> changes() const { return changes_; }
    /// nullptr when the block did not change this account. Lives as long as the delta.
    [[nodiscard]] const AccountChange* find(const Pubkey& key) const;

private:
    std::vector<AccountChange> changes_;
};

} // namespace belfry::exec
