// SPDX-License-Identifier: Apache-2.0
#pragma once
// tower.hpp: a validator's votes and how long each one binds it.
// Shapes   at most 31 entries, oldest first: slots rise, confirmations fall. An entry binds up to
//          and including slot + 2^confirmations. The 32nd vote makes the oldest entry the root.
// Source   Solana's Tower BFT, as Agave's vote state pushes.

#include "base/strong.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace belfry::consensus {

struct Lockout {
    Slot slot;
    std::uint8_t confirmations = 1;
    /// The last slot at which the entry still binds.
    [[nodiscard]] constexpr Slot expiry() const
    {
        const std::uint64_t length = std::uint64_t{1} << confirmations;
        return Slot{slot.value > UINT64_MAX - length ? UINT64_MAX : slot.value + length};
    }
    friend constexpr auto operator<=>(const Lockout&, const Lockout&) = default;
};

class Tower {
public:
    static constexpr std::size_t depth_max = 31;

    Tower() = default;
    /// Precondition: well_formed(root, entries).
    Tower(Slot root, std::span<const Lockout> entries);

    /// Oldest first; valid until the tower changes.
    [[nodiscard]] std::span<const Lockout> entries() const { return {entries_.data(), count_}; }
    [[nodiscard]] std::size_t depth() const { return count_; }
    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] Slot root() const { return root_; }
    /// Newest vote. Precondition: not empty().
    [[nodiscard]] const Lockout& top() const;
    /// The entry with `newer` newer ones above it, if the tower is that deep.
    [[nodiscard]] std::optional<Lockout> below_top(std::size_t newer) const;
    /// How many of the oldest entries expire(at) would leave.
    [[nodiscard]] std::size_t binding_count(Slot at) const;

    /// Takes entries off the top while the top no longer binds at slot; stops at the first that
    /// does, even if deeper ones are past their expiry.
    void expire(Slot at);
    /// Votes for slot: expire, root the oldest of 31, deepen, push. Gives what became the root.
    /// Precondition: slot is above the top (or the root, when empty).
    std::optional<Lockout> push(Slot slot);
    /// Forgets entries at or below slot, which the caller knows to be final; the root rises to it.
    void drop_through(Slot slot);

    /// The root goes down to slot. Precondition: slot is not above the root.
    void roll_back_root(Slot slot);

    friend bool operator==(const Tower&, const Tower&);

private:
    std::array<Lockout, depth_max> entries_{};
    std::size_t count_ = 0;
    Slot root_;
};

/// What every tower looks like: at most 31, slots above root and rising, confirmations falling,
/// each at least the entry's place from the top and at most 31.
[[nodiscard]] bool well_formed(Slot root, std::span<const Lockout> entries);

} // namespace belfry::consensus
