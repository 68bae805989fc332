// SPDX-License-Identifier: Apache-2.0
#pragma once
// merkle.hpp: binary Merkle trees over rows of bytes, with proofs of 20-byte nodes.
// Rule     leaf = SHA-256(0x00 "BELFRY_MERKLE_LEAF" | row);
//          node = SHA-256(0x01 "BELFRY_MERKLE_NODE" | left[0..20] | right[0..20]);
//          an odd last node is paired with itself. The root keeps all 32 bytes; nodes on the way
//          are cut to 20 (as Solana's shreds do, so that 64 leaves prove in 120 bytes).
// Shapes   1..256 leaves; a proof has ceil(log2(leaf_count)) nodes.
// Speed    bench/kernels: merkle64x1k/*.

#include "base/bytes.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace belfry::crypto {

inline constexpr std::size_t merkle_node_bytes = 20;
inline constexpr std::size_t merkle_leaves_max = 256;

/// Number of proof nodes for a tree of leaf_count leaves (1..256).
[[nodiscard]] std::size_t merkle_proof_nodes(std::size_t leaf_count);

class MerkleTree {
public:
    /// Precondition: 1 <= rows.size() <= merkle_leaves_max.
    explicit MerkleTree(std::span<const ByteView> rows);
    [[nodiscard]] const Hash& root() const { return nodes_.back(); }
    /// Writes merkle_proof_nodes(leaf_count) * 20 bytes. Precondition: sizes and index fit.
    void proof(std::size_t leaf_index, std::span<std::uint8_t> out) const;

private:
    std::size_t leaf_count_ = 0;
    std::vector<Hash> nodes_; // level after level, leaves first, the root last
};

/// The root that row at leaf_index with this proof belongs to; nullopt when the proof's length does
/// not fit leaf_count or the index is out of range. The position is part of what is proven.
[[nodiscard]] std::optional<Hash> merkle_root_from_proof(ByteView row, std::size_t leaf_index,
                                                         std::size_t leaf_count, ByteView proof);

} // namespace belfry::crypto
