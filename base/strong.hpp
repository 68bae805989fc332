// SPDX-License-Identifier: Apache-2.0
#pragma once
// strong.hpp: integers that cannot be mixed up. A Slot is not a Stake, and neither is a count.

#include "base/check.hpp"

#include <compare>
#include <concepts>
#include <cstdint>
#include <optional>

namespace belfry {

/// An ordered identifier: compares and steps. No arithmetic.
template <class Tag>
struct Ordinal {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const Ordinal&, const Ordinal&) = default;
    /// Next in order. Precondition: not the last representable one.
    [[nodiscard]] constexpr Ordinal next() const
    {
        BELFRY_CHECK(value != UINT64_MAX);
        return Ordinal{value + 1};
    }
};

/// An amount: adds and compares. Addition that would overflow gives nullopt, in every build.
template <class Tag>
struct Amount {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const Amount&, const Amount&) = default;
    [[nodiscard]] constexpr std::optional<Amount> plus(Amount other) const
    {
        std::uint64_t sum = 0;
        if (__builtin_add_overflow(value, other.value, &sum)) {
            return std::nullopt;
        }
        return Amount{sum};
    }
    /// nullopt when other is larger.
    [[nodiscard]] constexpr std::optional<Amount> minus(Amount other) const
    {
        if (other.value > value) {
            return std::nullopt;
        }
        return Amount{value - other.value};
    }
};

using Slot = Ordinal<struct SlotTag>;        // one leader's turn, 600 ms by default; 0 is genesis
using Height = Ordinal<struct HeightTag>;    // number of blocks since genesis on one fork
using Epoch = Ordinal<struct EpochTag>;      // a run of slots with one stake table
using Lamports = Amount<struct LamportsTag>; // smallest unit of the native token
using Stake = Amount<struct StakeTag>;       // lamports delegated to a validator

static_assert(Slot{1} < Slot{2});
static_assert(sizeof(Slot) == 8);
template <class A, class B>
concept Addable = requires(A a, B b) { a.plus(b); };
static_assert(!Addable<Lamports, Stake>);

} // namespace belfry
