// SPDX-License-Identifier: Apache-2.0
#pragma once
// shred_set.hpp: one set of a block as the store keeps it: the entry bytes it carries and what is
// needed to make its shreds again, byte for byte.
// Shapes   the shred room makes and verifies sets; here only their shape is held.
// Bounds   payload 1..32 KiB, data 1..32, parity 1..64, index < block_sets_max.
// Errors   ShredSetError from decode_shred_set; a corrupt record is one of them.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"

#include <cstdint>

namespace belfry::ledger {

inline constexpr std::size_t set_data_shreds_max = 32;
inline constexpr std::size_t set_parity_shreds_max = 64;
inline constexpr std::size_t shred_data_bytes = 1024;
inline constexpr std::size_t set_payload_bytes_max = set_data_shreds_max * shred_data_bytes;
inline constexpr std::size_t block_sets_max = 512; // 16 MiB of entries in a block

struct ShredSet {
    Slot slot;
    Slot parent_slot;
    std::uint32_t index = 0; // within the block, from 0
    std::uint8_t data_count = 0;
    std::uint8_t parity_count = 0;
    bool last = false;        // ends the block
    Hash chained_root = {};   // previous set's root; of set 0 the parent's block id
    Hash root = {};           // this set's Merkle root; of the last set the block id
    Signature signature = {}; // the leader's, over root and header
    std::uint16_t version = 0;
    Bytes payload = {}; // entry bytes, in order
    friend bool operator==(const ShredSet&, const ShredSet&) = default;
};

enum class ShredSetError : std::uint8_t { truncated, trailing_bytes, out_of_bounds };

/// The shape alone: counts, lengths, parent before child.
[[nodiscard]] bool shred_set_shape_is_valid(const ShredSet& set);

/// slot u64 | parent u64 | index u32 | data u8 | parity u8 | last u8 | version u16 | chained root
/// 32 | root 32 | signature 64 | payload bytes u32 | payload. Precondition: the shape is valid.
[[nodiscard]] Bytes encode_shred_set(const ShredSet& set);
[[nodiscard]] Result<ShredSet, ShredSetError> decode_shred_set(ByteView encoded);

} // namespace belfry::ledger
