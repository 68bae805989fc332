// SPDX-License-Identifier: Apache-2.0
#pragma once
// validator_index.hpp: a validator's place in the roster, and a set of such places.
// Shapes   the roster's order is that of genesis; index 0 is the first validator there.
// Bounds   at most validator_count_max validators.

#include "base/check.hpp"

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>

namespace belfry::consensus {

inline constexpr std::size_t validator_count_max = 256;

struct ValidatorIndex {
    std::uint16_t value = 0;
    friend constexpr auto operator<=>(const ValidatorIndex&, const ValidatorIndex&) = default;
};

/// A set of validators: one bit each.
class ValidatorSet {
public:
    [[nodiscard]] bool contains(ValidatorIndex who) const { return (word(who) & bit(who)) != 0; }
    /// False when it was there already. Precondition: who.value < validator_count_max.
    bool insert(ValidatorIndex who)
    {
        if (contains(who)) {
            return false;
        }
        words_[who.value / 64U] |= bit(who);
        return true;
    }
    /// Precondition: who.value < validator_count_max.
    void remove(ValidatorIndex who)
    {
        if (contains(who)) {
            words_[who.value / 64U] ^= bit(who);
        }
    }
    void insert_all(const ValidatorSet& others)
    {
        for (std::size_t i = 0; i < words_.size(); ++i) {
            words_[i] |= others.words_[i];
        }
    }
    [[nodiscard]] std::size_t count() const
    {
        std::size_t sum = 0;
        for (const std::uint64_t bits : words_) {
            sum += static_cast<std::size_t>(std::popcount(bits));
        }
        return sum;
    }
    [[nodiscard]] bool empty() const { return *this == ValidatorSet{}; }
    /// Calls visit(ValidatorIndex) for each, rising.
    template <class Visit>
    void for_each(Visit&& visit) const
    {
        for (std::size_t i = 0; i < words_.size(); ++i) {
            for (std::uint64_t left = words_[i]; left != 0; left &= left - 1) {
                const auto bit = static_cast<std::size_t>(std::countr_zero(left));
                visit(ValidatorIndex{static_cast<std::uint16_t>(i * 64 + bit)});
            }
        }
    }
    void clear() { words_ = {}; }
    friend bool operator==(const ValidatorSet&, const ValidatorSet&) = default;

private:
    [[nodiscard]] std::uint64_t word(ValidatorIndex who) const
    {
        BELFRY_CHECK(who.value < validator_count_max);
        return words_[who.value / 64U];
    }
    [[nodiscard]] static std::uint64_t bit(ValidatorIndex who)
    {
        return std::uint64_t{1} << (who.value % 64U);
    }
    std::array<std::uint64_t, validator_count_max / 64> words_{};
};

} // namespace belfry::consensus
