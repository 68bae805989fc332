// SPDX-License-Identifier: Apache-2.0
#pragma once
// key_index.hpp: an open-addressing index from a 32-bit fingerprint to small values, such as the
//          place of a record in a table that the caller keeps. Values may share a fingerprint.
// Rule     the caller compares the real key; fingerprints come from FixedBytesHasher, whose secret
//          keeps a peer from choosing keys that collide.
// Bounds   2^30 values; at most five slots of eight are in use, then it doubles.
// Threads  one writer; many may find() while nobody writes.

#include "base/bytes.hpp"
#include "base/check.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace belfry::exec {

template <class Fixed>
[[nodiscard]] std::uint32_t fingerprint_of(const Fixed& key)
{
    const std::size_t mixed = FixedBytesHasher{}(key);
    return static_cast<std::uint32_t>(mixed ^ (mixed >> 32));
}

/// Value: small, copied, with ==; Value::none() (or UINT32_MAX for a plain integer) is never put.
template <class Value, Value none>
class KeyIndex {
public:
    /// The first value with this fingerprint for which matches(value) holds. A visitor that wants
    /// them all answers false.
    template <class Matches>
    [[nodiscard]] std::optional<Value> find(std::uint32_t fingerprint, Matches&& matches) const
    {
        if (slots_.empty()) {
            return std::nullopt;
        }
        for (std::size_t i = fingerprint & mask();; i = (i + 1) & mask()) {
            const Slot& slot = slots_[i];
            if (slot.value == none) {
                return std::nullopt;
            }
            if (slot.fingerprint == fingerprint && matches(slot.value)) {
                return slot.value;
            }
        }
    }

    /// Precondition: this very pair is not in the index; value is not none.
    void insert(std::uint32_t fingerprint, Value value)
    {
        if (8 * (size_ + 1) > 5 * slots_.size()) {
            grow();
        }
        put(slots_, Slot{fingerprint, value});
        ++size_;
    }

    /// Precondition: the pair is in the index.
    void erase(std::uint32_t fingerprint, Value value)
    {
        std::size_t hole = slot_of(fingerprint, value);
        for (std::size_t i = (hole + 1) & mask(); slots_[i].value != none; i = (i + 1) & mask()) {
            const std::size_t home = slots_[i].fingerprint & mask();
            if (((i - home) & mask()) >= ((i - hole) & mask())) { // its way passes over the hole
                slots_[hole] = slots_[i];
                hole = i;
            }
        }
        slots_[hole].value = none;
        --size_;
    }

    /// The pair's value becomes another. Precondition: the pair is in the index.
    void replace(std::uint32_t fingerprint, Value old_value, Value new_value)
    {
        slots_[slot_of(fingerprint, old_value)].value = new_value;
    }

    /// Keeps its memory.
    void clear()
    {
        slots_.assign(slots_.size(), Slot{});
        size_ = 0;
    }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    struct Slot {
        std::uint32_t fingerprint = 0;
        Value value = none;
    };
    [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }
    [[nodiscard]] std::size_t slot_of(std::uint32_t fingerprint, Value value) const
    {
        for (std::size_t i = fingerprint & mask();; i = (i + 1) & mask()) {
            BELFRY_CHECK(slots_[i].value != none);
            if (slots_[i].fingerprint == fingerprint && slots_[i].value == value) {
                return i;
            }
        }
    }
    static void put(std::vector<Slot>& slots, const Slot& slot)
    {
        const std::size_t mask = slots.size() - 1;
        std::size_t i = slot.fingerprint & mask;
        while (slots[i].value != none) {
            i = (i + 1) & mask;
        }
        slots[i] = slot;
    }
    void grow()
    {
        std::vector<Slot> larger(slots_.empty() ? 16 : 2 * slots_.size());
        BELFRY_CHECK(larger.size() <= std::size_t{1} << 31);
        for (const Slot& slot : slots_) {
            if (slot.value != none) {
                put(larger, slot);
            }
        }
        slots_ = std::move(larger);
    }

    std::vector<Slot> slots_; // a power of two of them
    std::size_t size_ = 0;
};

/// Places in a table.
using PlaceIndex = KeyIndex<std::uint32_t, UINT32_MAX>;

} // namespace belfry::exec
