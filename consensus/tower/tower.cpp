// SPDX-License-Identifier: Apache-2.0
#include "consensus/tower/tower.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace belfry::consensus {

Tower::Tower(Slot root, std::span<const Lockout> entries)
    : count_(entries.size())
    , root_(root)
{
    BELFRY_CHECK(well_formed(root, entries));
    std::ranges::copy(entries, entries_.begin());
}

const Lockout& Tower::top() const
{
    BELFRY_CHECK(count_ > 0);
    return entries_[count_ - 1];
}

std::optional<Lockout> Tower::below_top(std::size_t newer) const
{
    return newer < count_ ? std::optional{entries_[count_ - 1 - newer]} : std::nullopt;
}

std::size_t Tower::binding_count(Slot at) const
{
    std::size_t binding = count_;
    while (binding > 0 && entries_[binding - 1].expiry() < at) {
        --binding;
    }
    return binding;
}

void Tower::expire(Slot at)
{
    count_ = binding_count(at);
}

std::optional<Lockout> Tower::push(Slot slot)
{
    BELFRY_CHECK(slot > (empty() ? root_ : top().slot));
    expire(slot);
    std::optional<Lockout> rooted;
    if (count_ == depth_max) {
        rooted = entries_[0];
        root_ = rooted->slot;
        std::shift_left(entries_.begin(), entries_.end(), 1);
        --count_;
    }
    // The k-th from the top deepens while nothing is missing above it: after an expiry the old
    // votes stay as they are until the stack has grown back to where it was.
    for (std::size_t k = 1; k <= count_ && entries_[count_ - k].confirmations == k; ++k) {
        ++entries_[count_ - k].confirmations;
    }
    entries_[count_] = {.slot = slot, .confirmations = 1};
    ++count_;
    return rooted;
}

void Tower::drop_through(Slot slot)
{
    std::size_t dropped = 0;
    while (dropped < count_ && entries_[dropped].slot <= slot) {
        ++dropped;
    }
    std::shift_left(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count_),
                    static_cast<std::ptrdiff_t>(dropped));
    count_ -= dropped;
    root_ = std::max(root_, slot);
}

void Tower::roll_back_root(Slot slot)
{
    BELFRY_CHECK(slot <= root_);
    root_ = slot;
}

bool operator==(const Tower& a, const Tower& b)
{
    return a.root_ == b.root_ && std::ranges::equal(a.entries(), b.entries());
}

bool well_formed(Slot root, std::span<const Lockout> entries)
{
    if (entries.size() > Tower::depth_max) {
        return false;
    }
    Slot below = root;
    unsigned confirmations_below = Tower::depth_max + 1;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const Lockout& entry = entries[i];
        if (entry.slot <= below || entry.confirmations >= confirmations_below ||
            entry.confirmations < entries.size() - i) {
            return false;
        }
        below = entry.slot;
        confirmations_below = entry.confirmations;
    }
    return true;
}

} // namespace belfry::consensus
