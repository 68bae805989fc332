// SPDX-License-Identifier: Apache-2.0
#pragma once
// equivocating_leader.hpp: a leader that signs two blocks for each of its slots. For tests.
// Rule     the second version is the first one's stream with one thing changed before its footer:
//          in even pairs of slots a certificate more, of no meaning, so that both versions replay
//          and end in the same state; in odd pairs another state hash, so that the second is
//          invalid. Both are cut and signed as any block is; neither shows by itself that the
//          other exists.
// Rule     who gets which goes by slot and validator: every second validator the second version,
//          the others the first, changing with the slot.
// Bounds   one block at a time. A stream that has no room left has no second version.
// Threads  one owner, the shred tile.

#include "crypto/keypair.hpp"
#include "dataplane/shred/shredder.hpp"
#include "node/messages.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace belfry::node {

class EquivocatingLeader {
public:
    /// The key must outlive this object.
    EquivocatingLeader(const Hash& genesis, const crypto::Keypair& key)
        : genesis_(genesis)
        , key_(key)
    {
    }

    /// The sets of the second version that this piece of the first one's stream fills; with its
    /// last piece, the last one.
    [[nodiscard]] std::vector<dataplane::SetOut> push(const OwnStream& own);
    [[nodiscard]] static bool gets_second(Slot slot, std::uint16_t validator)
    {
        return (slot.value + validator) % 2 == 1;
    }
    [[nodiscard]] static bool second_is_valid(Slot slot) { return slot.value / 2 % 2 == 0; }

private:
    Hash genesis_;
    const crypto::Keypair& key_;
    Slot slot_;
    std::unique_ptr<dataplane::Shredder> shredder_; // of the second version under way
};

} // namespace belfry::node
