// SPDX-License-Identifier: Apache-2.0
#pragma once
// vote_bundle.hpp: signed statements of many voters that go together, in one datagram.
// Shapes   little-endian:
//            u8 kind | u64 slot | notarize only: 32 block id | u8 entry count (1..entries_max)
//            entry count x (u16 voter | skip only: u64 first, u64 last | 64 signature)
//          Voters rise. Every skip covers the slot. A certificate is some bundles of one kind,
//          slot and id; a receiver checks each signature and counts each entry as a vote.
// Bounds   vote_bundle_bytes_max, so that it fits one datagram with its envelope.
// Errors   VoteBundleError; a bundle is taken whole or not at all.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "consensus/certificate/statement.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace belfry::consensus {

inline constexpr std::size_t vote_bundle_bytes_max = 1'200;

/// 17 notarize, 14 skip, 18 finalize; 0 for a kind that does not travel in bundles.
[[nodiscard]] constexpr std::size_t vote_bundle_entries(StatementKind kind)
{
    constexpr std::size_t head = 1 + 8 + 1;
    constexpr std::size_t entry = 2 + Signature::size_bytes;
    switch (kind) {
    case StatementKind::notarize:
        return (vote_bundle_bytes_max - head - Hash::size_bytes) / entry;
    case StatementKind::skip:
        return (vote_bundle_bytes_max - head) / (entry + 16);
    case StatementKind::finalize:
        return (vote_bundle_bytes_max - head) / entry;
    case StatementKind::tower_vote:
        break;
    }
    return 0;
}
inline constexpr std::size_t vote_bundle_entries_max = vote_bundle_entries(StatementKind::finalize);

enum class VoteBundleError : std::uint8_t {
    wrong_kind,
    wrong_count,
    wrong_length,
    not_rising,  // voters out of order, or one twice
    wrong_entry, // a statement that decode_statement refuses, or that says nothing of the slot
};

struct VoteBundle {
    std::array<SignedStatement, vote_bundle_entries_max> entries;
    std::size_t count = 0;
    [[nodiscard]] std::span<const SignedStatement> votes() const { return {entries.data(), count}; }
};

/// Appends to out. Precondition: 1..vote_bundle_entries(kind) votes of one kind, voters rising, all
/// of the slot and, notarize, of one id.
void encode_vote_bundle(Slot slot, std::span<const SignedStatement> votes, Bytes& out);
[[nodiscard]] Result<VoteBundle, VoteBundleError> decode_vote_bundle(ByteView bytes);

} // namespace belfry::consensus
