// SPDX-License-Identifier: Apache-2.0
#pragma once
// account_table.hpp: accounts in memory, by key.
// Shapes   records stand close together and never move while none is erased; an index of 8 bytes a
//          slot finds them.
// Bounds   2^31 accounts; memory grows with their number.
// Threads  one writer; many may find() while nobody writes.

#include "base/bytes.hpp"
#include "exec/key_index.hpp"
#include "ledger/model/account.hpp"

#include <cstdint>
#include <deque>

namespace belfry::exec {

class AccountTable {
public:
    struct Record {
        Pubkey key;
        ledger::Account account;
    };

    /// nullptr when there is none. Lives until the next put or erase.
    [[nodiscard]] const ledger::Account* find(const Pubkey& key) const;
    /// Inserts or replaces.
    void put(const Pubkey& key, const ledger::Account& account);
    /// Nothing happens when there is none.
    void erase(const Pubkey& key);
    void clear();

    [[nodiscard]] std::size_t size() const { return records_.size(); }
    /// In an order that depends on the history: for sums that do not depend on the order.
    /// Precondition: index < size().
    [[nodiscard]] const Record& at(std::size_t index) const { return records_[index]; }

private:
    std::deque<Record> records_;
    PlaceIndex index_;
};

} // namespace belfry::exec
