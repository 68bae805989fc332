// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519_key_cache.hpp: decoded public keys of hot senders, in a bounded number of bytes.
// Bounds   sets of ways_count entries; a new key replaces a pseudo-random one of its set. A set is
//          chosen by a keyed hash, so a sender cannot aim at another's entry.
// Threads  one owner.

#include "base/bytes.hpp"
#include "crypto/ed25519_kernels.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace belfry::crypto {

/// Hash of whole keys with a secret: collisions cannot be made without it.
struct KeyedKeyHash {
    std::array<std::uint64_t, 4> secret{};
    [[nodiscard]] std::uint64_t operator()(const Pubkey& key) const;
};

class Ed25519KeyCache {
public:
    Ed25519KeyCache(std::size_t bytes_max, const KeyedKeyHash& hash);
    /// nullptr if absent. Valid until the next insert.
    [[nodiscard]] const Ed25519Row* find(const Pubkey& key, std::uint64_t hash) const;
    void insert(const Pubkey& key, std::uint64_t hash, const Ed25519Row& row);
    [[nodiscard]] bool enabled() const { return set_count_ != 0; }
    void prefetch(std::uint64_t hash) const;

private:
    static constexpr std::size_t ways_count = 8;
    struct Set {
        std::array<Ed25519Row, ways_count> rows;
        std::array<Pubkey, ways_count> keys;
        std::array<std::uint32_t, ways_count> tags{}; // 0 is empty
    };
    [[nodiscard]] std::size_t set_of(std::uint64_t hash) const;

    std::size_t set_count_ = 0;
    std::uint64_t turn_ = 0;
    std::vector<Set> sets_;
};

} // namespace belfry::crypto
