// SPDX-License-Identifier: Apache-2.0
#pragma once
// retention.hpp: how far down the ledger keeps blocks: as many slots as the operator asked for, and
// fewer while its map is nearly full, so that a busy cluster ends no node by its past.

#include "base/strong.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace belfry::node {

struct RetentionLimits {
    std::uint64_t keep_slots = 0; // at least kept_slots_min
    std::uint64_t map_bytes = 0;
};

struct StoredRange {
    Slot lowest; // the oldest complete block
    Slot newest_final;
    std::uint64_t held_bytes = 0;
};

inline constexpr std::uint64_t kept_slots_min = 1024; // for restarts and for peers that catch up
/// While short of space so many go at once; what that frees is seen before more go.
inline constexpr std::uint64_t space_step_slots = 32;

/// Half stays free: LMDB wants the pages of a set in a row, and of those it has back ever fewer
/// are.
[[nodiscard]] constexpr bool is_short_of_space(const RetentionLimits& limits,
                                               std::uint64_t held_bytes)
{
    return held_bytes > limits.map_bytes / 2;
}

/// What lies below this slot goes now; nullopt: all stays.
[[nodiscard]] constexpr std::optional<Slot> prune_below(const RetentionLimits& limits,
                                                        const StoredRange& stored)
{
    const auto back = [&stored](std::uint64_t slots) {
        return stored.newest_final.value - std::min(stored.newest_final.value, slots);
    };
    std::uint64_t below = back(limits.keep_slots);
    if (is_short_of_space(limits, stored.held_bytes)) {
        below =
            std::max(below, std::min(stored.lowest.value + space_step_slots, back(kept_slots_min)));
    }
    return below == 0 ? std::nullopt : std::optional(Slot{below});
}

} // namespace belfry::node
