// SPDX-License-Identifier: Apache-2.0
#pragma once
// lthash.hpp: a hash of a set that is updated by what changes, in any order (LtHash, Bellare and
// Micciancio's AdHash over a lattice). Accounts are its elements.
// Rule     an element's bytes become 2,048: the ChaCha20 key stream (RFC 8439, nonce and counter
//          zero) under the key BLAKE2b-256(bytes). The hash of a set is the sum of its elements
//          over 1,024 lanes of 16 bits, little-endian, each modulo 2^16.
// Bounds   a multiset: an element added twice counts twice; what was never added can be removed.
//          Elements carry their own identity (address, lengths), or two could stand for one.

#include "base/bytes.hpp"

#include <array>
#include <cstdint>

namespace belfry::crypto {

class LtHash {
public:
    static constexpr std::size_t lane_count = 1024;
    static constexpr std::size_t size_bytes = lane_count * sizeof(std::uint16_t);

    /// The empty set: all lanes zero.
    LtHash() = default;
    /// The set whose view() was stored. Precondition: stored.size() == size_bytes.
    [[nodiscard]] static LtHash from(ByteView stored);

    void add(ByteView element);
    void remove(ByteView element);
    void add(const LtHash& other);
    void remove(const LtHash& other);

    /// size_bytes bytes, valid as long as this object.
    [[nodiscard]] ByteView view() const;
    /// SHA-256 of view().
    [[nodiscard]] Hash digest() const;

    friend bool operator==(const LtHash&, const LtHash&) = default;

private:
    std::array<std::uint16_t, lane_count> lanes_{};
};

} // namespace belfry::crypto
