// SPDX-License-Identifier: Apache-2.0
#pragma once
// tower_vote.hpp: the vote message. It carries the whole tower; a receiver replaces, never appends.
// Shapes   little-endian:
//            u16 voter | u64 root slot | u8 entry count (1..31)
//            entry count x (u64 slot | u8 confirmations), oldest first; the last is the vote itself
//            32 id of the block voted for | 32 its state hash
//          At most tower_vote_bytes_max bytes. Entries are ancestors of the block voted for, so
//          with it they name blocks.
// Errors   TowerVoteError, for every body that an honest tower cannot make.
// Signed   by the node; the datagram that carries a body says over which bytes.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "consensus/block_name.hpp"
#include "consensus/tower/tower.hpp"
#include "consensus/validator_index.hpp"

#include <cstddef>
#include <cstdint>

namespace belfry::consensus {

inline constexpr std::size_t tower_vote_bytes_max = 2 + 8 + 1 + Tower::depth_max * 9 + 32 + 32;

enum class TowerVoteError : std::uint8_t {
    wrong_length,
    unknown_voter, // an index that no roster has
    no_entry,
    too_many_entries,
    malformed_tower, // well_formed() is false
};

struct TowerVote {
    ValidatorIndex voter;
    Tower tower; // never empty
    Hash block_id;
    Hash state_hash;
    [[nodiscard]] BlockName block() const { return {.slot = tower.top().slot, .id = block_id}; }
    friend bool operator==(const TowerVote&, const TowerVote&) = default;
};

/// Appends the body to out. Precondition: the tower is not empty.
void encode_tower_vote(const TowerVote& vote, Bytes& out);
[[nodiscard]] Result<TowerVote, TowerVoteError> decode_tower_vote(ByteView body);

} // namespace belfry::consensus
