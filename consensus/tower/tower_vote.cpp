// SPDX-License-Identifier: Apache-2.0
#include "consensus/tower/tower_vote.hpp"

#include "base/check.hpp"

#include <array>

namespace belfry::consensus {

void encode_tower_vote(const TowerVote& vote, Bytes& out)
{
    BELFRY_CHECK(!vote.tower.empty());
    ByteWriter writer(out);
    writer.u16(vote.voter.value);
    writer.u64(vote.tower.root().value);
    writer.u8(static_cast<std::uint8_t>(vote.tower.depth()));
    for (const Lockout& entry : vote.tower.entries()) {
        writer.u64(entry.slot.value);
        writer.u8(entry.confirmations);
    }
    writer.bytes(vote.block_id.view());
    writer.bytes(vote.state_hash.view());
}

Result<TowerVote, TowerVoteError> decode_tower_vote(ByteView body)
{
    ByteReader reader(body);
    const ValidatorIndex voter{reader.u16()};
    const Slot root{reader.u64()};
    const std::size_t entry_count = reader.u8();
    if (!reader.ok()) {
        return std::unexpected(TowerVoteError::wrong_length);
    }
    if (voter.value >= validator_count_max) {
        return std::unexpected(TowerVoteError::unknown_voter);
    }
    if (entry_count == 0) {
        return std::unexpected(TowerVoteError::no_entry);
    }
    if (entry_count > Tower::depth_max) {
        return std::unexpected(TowerVoteError::too_many_entries);
    }
    std::array<Lockout, Tower::depth_max> entries{};
    for (std::size_t i = 0; i < entry_count; ++i) {
        entries[i].slot = Slot{reader.u64()};
        entries[i].confirmations = reader.u8();
    }
    const Hash block_id = reader.fixed<Hash>();
    const Hash state_hash = reader.fixed<Hash>();
    if (!reader.finished()) {
        return std::unexpected(TowerVoteError::wrong_length);
    }
    const std::span<const Lockout> shown{entries.data(), entry_count};
    if (!well_formed(root, shown)) {
        return std::unexpected(TowerVoteError::malformed_tower);
    }
    return TowerVote{.voter = voter,
                     .tower = Tower(root, shown),
                     .block_id = block_id,
                     .state_hash = state_hash};
}

} // namespace belfry::consensus
