// SPDX-License-Identifier: Apache-2.0
#pragma once
// quarantine.hpp: blocks and transactions that this node does not touch, for they have killed it.
// Rule     it says nothing about their validity, to nobody: such a block is one that this node
//          cannot judge, and so is every block that holds such a transaction.
// Bounds   as many as it was made of. It does not change while a node runs.
// Threads  a value; may be read by all.

#include "base/bytes.hpp"

#include <algorithm>
#include <vector>

namespace belfry::exec {

class Quarantine {
public:
    Quarantine() = default;
    struct Names {
        std::vector<Hash> blocks;   // their ids
        std::vector<Hash> messages; // hashes of the transactions' messages
    };
    explicit Quarantine(Names names)
        : names_(std::move(names))
    {
        std::ranges::sort(names_.blocks);
        std::ranges::sort(names_.messages);
    }
    [[nodiscard]] bool holds_block(const Hash& id) const
    {
        return std::ranges::binary_search(names_.blocks, id);
    }
    [[nodiscard]] bool holds_message(const Hash& message_hash) const
    {
        return std::ranges::binary_search(names_.messages, message_hash);
    }
    [[nodiscard]] const Names& names() const { return names_; }

private:
    Names names_; // each sorted
};

} // namespace belfry::exec
