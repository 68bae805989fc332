// SPDX-License-Identifier: Apache-2.0
#pragma once
// tower_journal.hpp: the records that the Tower engine writes before it speaks.
// Shapes   u8 kind, then
//            1 vote  a TowerVote body, its entries' block ids (32 each, oldest first, without the
//                    last, which the body has), and the 32-byte id of the root
//            2 slot  u16 builder | u64 slot: this node has begun to build it and never will again
//            7 fork  u16 voter | u64 slot: a declared hard fork; votes before it bind only up to
//            slot
// Errors   nullopt for anything else. Checksums and sequence numbers belong to the file.

#include "base/bytes.hpp"
#include "consensus/block_name.hpp"
#include "consensus/tower/tower_vote.hpp"

#include <cstddef>
#include <optional>
#include <variant>
#include <vector>

namespace belfry::consensus {

struct VoteRecord {
    TowerVote vote;
    std::vector<Hash> ids; // of every entry, oldest first; the last is vote.block_id
    Hash root_id;
    friend bool operator==(const VoteRecord&, const VoteRecord&) = default;
};
struct SlotRecord {
    ValidatorIndex builder;
    Slot slot;
    friend bool operator==(const SlotRecord&, const SlotRecord&) = default;
};
/// All agreed to go on from slot; nothing that this journal holds before binds above it.
struct ForkRecord {
    ValidatorIndex voter;
    Slot slot;
    friend bool operator==(const ForkRecord&, const ForkRecord&) = default;
};
using TowerRecord = std::variant<VoteRecord, SlotRecord, ForkRecord>;

inline constexpr std::size_t tower_record_bytes_max =
    1 + tower_vote_bytes_max + Tower::depth_max * 32;

/// Appends the record to out.
void encode_tower_record(const TowerRecord& record, Bytes& out);
[[nodiscard]] std::optional<TowerRecord> decode_tower_record(ByteView bytes);

} // namespace belfry::consensus
