// SPDX-License-Identifier: Apache-2.0
#pragma once
// address_follower.hpp: keeps the index of addresses a moment behind the final chain on disk.
// Bounds   blocks_per_step and transactions_per_step for one durable write.
// Errors   a write that fails stops the index, not the node; it says so once.
// Threads  one owner, the history tile.

#include "ledger/store/address_index.hpp"
#include "ledger/store/block_store.hpp"

#include <cstdint>
#include <optional>

namespace belfry::node {

class AddressFollower {
public:
    static constexpr std::size_t blocks_per_step = 64;
    static constexpr std::size_t transactions_per_step = 20'000;
    static constexpr std::size_t prune_records_min = 1'000; // that a step may remove

    /// All must outlive the follower.
    AddressFollower(const ledger::LmdbEnv& ledger_env, ledger::AddressIndex& index);

    /// Takes in the next final blocks. True when there were any.
    bool step();
    [[nodiscard]] Slot up_to() const { return up_to_; }
    /// The last step was cut short by a bound: there is more.
    [[nodiscard]] bool has_more() const { return has_more_; }
    [[nodiscard]] std::optional<ledger::StoreError> failed() const { return failed_; }

private:
    [[nodiscard]] Result<std::optional<ledger::BlockRef>, ledger::StoreError> collect();

    ledger::BlockReader blocks_;
    ledger::AddressIndex& index_;
    std::vector<ledger::AddressEntry> entries_;
    Slot up_to_;
    bool has_more_ = false;
    std::optional<ledger::StoreError> failed_;
};

} // namespace belfry::node
