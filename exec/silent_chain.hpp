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

#include <array>
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

/// The silence after a few blocks at once: the fork that this node stands on is not always the one
/// that is built on, and what was hashed after a block must not be lost when another has a turn.
class SilentChains {
public:
    static constexpr std::size_t chains_max = 4;
    explicit SilentChains(std::uint64_t hashes_per_tick);

    /// Takes the place of the one followed longest ago, unless it is followed already.
    void follow(const Hash& block_id, const Hash& blockhash);
    /// As SilentChain::advance, after that block. False when it is not followed.
    bool advance(const Hash& block_id, std::size_t ticks_wanted, std::size_t tick_count);
    [[nodiscard]] std::span<const Hash> ticks_after(const Hash& block_id) const;
    /// The blocks followed, the newest first; those of places not yet used are zero.
    [[nodiscard]] std::array<Hash, chains_max> followed() const;

private:
    struct Place {
        Hash block_id;
        SilentChain chain;
    };
    std::vector<Place> places_; // the newest first
};

} // namespace belfry::exec
