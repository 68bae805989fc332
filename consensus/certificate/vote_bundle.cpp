// SPDX-License-Identifier: Apache-2.0
#include "consensus/certificate/vote_bundle.hpp"

#include "base/check.hpp"

namespace belfry::consensus {

namespace {

static_assert(vote_bundle_entries(StatementKind::notarize) == 17);
static_assert(vote_bundle_entries(StatementKind::skip) == 14);
static_assert(vote_bundle_entries_max == 18);

} // namespace

void encode_vote_bundle(Slot slot, std::span<const SignedStatement> votes, Bytes& out)
{
    BELFRY_CHECK(!votes.empty());
    const StatementKind kind = votes.front().statement.kind;
    BELFRY_CHECK(votes.size() <= vote_bundle_entries(kind));
    ByteWriter writer(out);
    writer.u8(static_cast<std::uint8_t>(kind));
    writer.u64(slot.value);
    if (kind == StatementKind::notarize) {
        writer.bytes(votes.front().statement.id.view());
    }
    writer.u8(static_cast<std::uint8_t>(votes.size()));
    for (const SignedStatement& vote : votes) {
        const Statement& statement = vote.statement;
        BELFRY_CHECK(statement.kind == kind && well_formed(statement) && statement.covers(slot));
        BELFRY_CHECK(statement.id == votes.front().statement.id);
        BELFRY_CHECK(&vote == &votes.front() || (&vote - 1)->statement.voter < statement.voter);
        writer.u16(statement.voter.value);
        if (kind == StatementKind::skip) {
            writer.u64(statement.first.value);
            writer.u64(statement.last.value);
        }
        writer.bytes(vote.signature.view());
    }
}

Result<VoteBundle, VoteBundleError> decode_vote_bundle(ByteView bytes)
{
    ByteReader reader(bytes);
    const auto kind = static_cast<StatementKind>(reader.u8());
    const Slot slot{reader.u64()};
    const std::size_t entries_max = reader.ok() ? vote_bundle_entries(kind) : 0;
    if (entries_max == 0) {
        return std::unexpected(reader.ok() ? VoteBundleError::wrong_kind
                                           : VoteBundleError::wrong_length);
    }
    const Hash id = kind == StatementKind::notarize ? reader.fixed<Hash>() : Hash{};
    VoteBundle bundle;
    bundle.count = reader.u8();
    if (bundle.count == 0 || bundle.count > entries_max) {
        return std::unexpected(VoteBundleError::wrong_count);
    }
    const std::size_t range_bytes = kind == StatementKind::skip ? 16 : 0;
    if (reader.left() != bundle.count * (2 + range_bytes + Signature::size_bytes)) {
        return std::unexpected(VoteBundleError::wrong_length);
    }
    for (std::size_t i = 0; i < bundle.count; ++i) {
        SignedStatement& vote = bundle.entries[i];
        vote.statement = {.kind = kind,
                          .voter = ValidatorIndex{reader.u16()},
                          .first = slot,
                          .last = slot,
                          .id = id};
        if (kind == StatementKind::skip) {
            vote.statement.first = Slot{reader.u64()};
            vote.statement.last = Slot{reader.u64()};
        }
        vote.signature = reader.fixed<Signature>();
        if (i > 0 && vote.statement.voter <= bundle.entries[i - 1].statement.voter) {
            return std::unexpected(VoteBundleError::not_rising);
        }
        if (!well_formed(vote.statement) || !vote.statement.covers(slot)) {
            return std::unexpected(VoteBundleError::wrong_entry);
        }
    }
    BELFRY_CHECK(reader.finished());
    return bundle;
}

} // namespace belfry::consensus
