// SPDX-License-Identifier: Apache-2.0
#pragma once
// tree.hpp: who passes which shred on to whom.
// Rule     per shred the roster without the leader is shuffled by stake: ChaCha20 keyed with
//          SHA-256("belfry.turbine.1" | genesis hash | slot | set index | shred index | leader key)
//          draws the next position's validator with a probability of its share of the stake that is
//          left; those without stake follow in roster order. The leader sends to position 0;
//          position p sends to p * fanout + 1 .. p * fanout + fanout. Fanout 1 is a chain.
// Shapes   up to validators_max; every validator but the leader is reached exactly once.
// Speed    bench/shred_bench.cpp: turbine_children
// Threads  one owner (scratch memory is kept).

#include "base/bytes.hpp"
#include "base/strong.hpp"
#include "dataplane/shred/shred.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace belfry::dataplane {

inline constexpr std::size_t validators_max = 1024;

struct TurbineValidator {
    Pubkey key;
    Stake stake;
};

/// The shred that a tree is for.
struct ShredName {
    Slot slot;
    std::uint32_t set_index = 0;
    std::uint8_t shred_index = 0;
};

class TurbineTree {
public:
    struct Options {
        Hash genesis;
        std::vector<TurbineValidator> roster; // 1..validators_max, total stake < 2^64
        std::size_t fanout = 8;               // at least 1
    };
    explicit TurbineTree(Options options);

    /// Validator indices in the order of their positions. Valid until the next call.
    [[nodiscard]] std::span<const std::uint16_t> order(const ShredName& shred,
                                                       std::uint16_t leader);
    /// Whom the leader sends a shred to; nullopt when it is alone.
    [[nodiscard]] std::optional<std::uint16_t> first(const ShredName& shred, std::uint16_t leader);
    /// Whom `me` passes a shred on to. Empty for the leader itself. Valid until the next call.
    [[nodiscard]] std::span<const std::uint16_t>
    children_of(std::uint16_t me, const ShredName& shred, std::uint16_t leader);

private:
    Options options_;
    std::vector<std::uint64_t> stake_sums_; // Fenwick tree over the roster
    std::vector<std::uint64_t> stake_sums_full_;
    std::vector<std::uint16_t> order_;
    Bytes keystream_;
    std::uint64_t stake_total_ = 0;
};

} // namespace belfry::dataplane
