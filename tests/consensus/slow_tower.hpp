// SPDX-License-Identifier: Apache-2.0
#pragma once
// slow_tower.hpp: the rules of a tower written the slow way.

#include "consensus/tower/tower.hpp"

#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace belfry::consensus {

using Pairs = std::vector<std::pair<std::uint64_t, unsigned>>;

inline Pairs shown(const Tower& tower)
{
    Pairs pairs;
    for (const Lockout& entry : tower.entries()) {
        pairs.emplace_back(entry.slot.value, entry.confirmations);
    }
    return pairs;
}

/// A map, rebuilt at every vote.
class SlowTower {
public:
    std::optional<std::uint64_t> push(std::uint64_t slot)
    {
        expire(slot);
        std::optional<std::uint64_t> rooted;
        if (votes_.size() == 31) {
            rooted = votes_.begin()->first;
            votes_.erase(votes_.begin());
        }
        unsigned place = 1;
        for (auto entry = votes_.rbegin(); entry != votes_.rend(); ++entry, ++place) {
            if (entry->second != place) {
                break;
            }
            entry->second = place + 1;
        }
        votes_[slot] = 1;
        return rooted;
    }
    void expire(std::uint64_t slot)
    {
        while (!votes_.empty()) {
            const auto newest = std::prev(votes_.end());
            if (newest->first + (std::uint64_t{1} << newest->second) >= slot) {
                break;
            }
            votes_.erase(newest);
        }
    }
    void drop_through(std::uint64_t slot)
    {
        votes_.erase(votes_.begin(), votes_.upper_bound(slot));
    }
    [[nodiscard]] Pairs shown() const { return {votes_.begin(), votes_.end()}; }

private:
    std::map<std::uint64_t, unsigned> votes_;
};

} // namespace belfry::consensus
