// SPDX-License-Identifier: Apache-2.0
#pragma once
// poh.hpp: the proof-of-history chain, a SHA-256 of a SHA-256 of ...
// Rule     append: state = SHA-256(state), count times. mix: state = SHA-256(state | mixin), which
//          counts as one hash.
// Speed    bench/kernels: poh_chain/*, poh_verify/*.

#include "base/bytes.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace belfry::crypto {

[[nodiscard]] Hash poh_append(const Hash& state, std::uint64_t hash_count);
[[nodiscard]] Hash poh_mix(const Hash& state, const Hash& mixin);

/// hash_count hashes from start to end; when mixin is set the last of them mixes it in.
struct PohSegment {
    Hash start;
    Hash end;
    std::uint64_t hash_count = 0; // with a mixin at least 1
    std::optional<Hash> mixin;
};

/// True if every segment is right. Segments are independent; many are worked on at once.
[[nodiscard]] bool poh_verify(std::span<const PohSegment> segments);

} // namespace belfry::crypto
