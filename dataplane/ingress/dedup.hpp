// SPDX-License-Identifier: Apache-2.0
#pragma once
// dedup.hpp: which messages have been seen lately, so that a copy costs no signature check.
// Shapes   the key is the SHA-256 of the signed message, never a signature. The filter is ASKED
//          before the signature is checked and FILLED only after it passed: a forged copy that
//          arrives first must not keep the real transaction out.
// Bounds   fixed memory, one cache line per eight entries; a fill forgets the oldest of the eight
//          in its line. An entry also expires when its generation is generations_kept old, so that
//          a client's repeat gets through again after a while (its first copy may have been lost
//          further on; the pool behind has its own exact record).
// Errors   none. A wrong "seen" needs a collision of 48 bits keyed by a secret of this process.
// Threads  one owner.

#include "base/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace belfry::dataplane {

class DuplicateFilter {
public:
    struct Options {
        std::size_t entries_max = std::size_t{1} << 18; // rounded up to a power of two
        std::uint16_t generations_kept = 4;
        std::array<std::uint64_t, 2> seed{}; // zeros: drawn from the system
    };
    DuplicateFilter();
    explicit DuplicateFilter(const Options& options);

    /// Ask: was this message filled in lately?
    [[nodiscard]] bool seen(const Hash& message_hash) const noexcept;
    /// Fill: only for a message whose signatures all passed.
    void fill(const Hash& message_hash) noexcept;
    /// Begins the next generation (the owner does it by time).
    void next_generation() noexcept;
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    static constexpr std::size_t ways = 8;
    /// 48 bits of fingerprint, 16 of generation; 0 is an empty entry.
    struct alignas(64) Line {
        std::array<std::uint64_t, ways> entries{};
    };
    struct Place {
        std::size_t line;
        std::uint64_t fingerprint;
    };
    [[nodiscard]] Place place_of(const Hash& message_hash) const noexcept;
    [[nodiscard]] bool is_live(std::uint64_t entry) const noexcept;

    std::vector<Line> lines_;
    std::array<std::uint64_t, 2> seed_;
    std::uint16_t generations_kept_;
    std::uint16_t generation_ = 0;
};

} // namespace belfry::dataplane
