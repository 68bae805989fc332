// SPDX-License-Identifier: Apache-2.0
#pragma once
// working_set.hpp: the accounts that a block touches while it executes. Nothing reaches the account
//          table before the block is known to be good.
// Rule     no program here writes into an account's data: data either stays what it was before the
//          block, or is zeros of a new length. So an account in work is a few words and no copy.
// Threads  load() by the owner; then workers write distinct accounts in parallel.

#include "base/bytes.hpp"
#include "exec/key_index.hpp"
#include "exec/state_delta.hpp"
#include "ledger/model/account.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace belfry::exec {

/// The account before the block, or nullptr when it does not exist.
using AccountLookup = std::function<const ledger::Account*(const Pubkey&)>;

struct WorkingAccount {
    std::uint64_t lamports = 0;
    std::uint64_t data_bytes = 0;
    Pubkey owner = ledger::system_program;
    bool executable = false;
    bool data_is_new = false;  // zeros made in this block; else the data from before it
    bool data_is_zeros = true; // known only while the System program owns the account
    friend bool operator==(const WorkingAccount&, const WorkingAccount&) = default;
};

class WorkingSet {
public:
    /// The place of the account, looked up when it is new here. Places do not change.
    [[nodiscard]] std::uint32_t load(const Pubkey& key, const AccountLookup& lookup);
    [[nodiscard]] WorkingAccount& at(std::uint32_t place) { return accounts_[place]; }
    [[nodiscard]] const WorkingAccount& at(std::uint32_t place) const { return accounts_[place]; }
    [[nodiscard]] const Pubkey& key_of(std::uint32_t place) const { return keys_[place]; }
    [[nodiscard]] std::size_t size() const { return accounts_.size(); }

    /// What differs from before the block. lookup must answer as it did for load().
    [[nodiscard]] StateDelta delta(const AccountLookup& lookup) const;

private:
    std::vector<WorkingAccount> accounts_;
    std::vector<Pubkey> keys_;
    PlaceIndex index_;
};

} // namespace belfry::exec
