// SPDX-License-Identifier: Apache-2.0
#pragma once
// silent_chain.hpp: the proof-of-history ticks after a block while nobody builds on it.
// Rule     a block contains the ticks of all slots since its parent. Whoever hashes them as the
// slots
//          pass has them at hand when its turn comes, and knows them when another's block brings
//          them; a leader that began to hash only then would miss its slot after a long silence,
//          and so would the next one.
// Bounds   ticks_max; silence beyond it is hashed by the leader.
// Threads  one owner, the bank's.

#include "base/bytes.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace belfry::exec {

class SilentChain {
public:
    static constexpr std::size_t ticks_max = std::size_t{1024} * 64;
    explicit SilentChain(std::uint64_t hashes_per_tick)
        : hashes_per_tick_(hashes_per_tick)
    {
    }

    /// Begins anew after a block, unless it already follows it.
    void follow(const Hash& block_id, const Hash& blockhash);
    /// Hashes on by at most tick_count ticks, up to ticks_wanted in all. False: nothing to do.
    bool advance(std::size_t ticks_wanted, std::size_t tick_count);
    /// The chain after each tick; empty when it follows another block. Valid until the next call.
    [[nodiscard]] std::span<const Hash> ticks_after(const Hash& block_id) const;

private:
    std::uint64_t hashes_per_tick_;
    Hash block_id_;
    Hash chain_;
    std::vector<Hash> ticks_;
};

} // namespace belfry::exec
