// SPDX-License-Identifier: Apache-2.0
#include "dataplane/wire.hpp"

#include "base/check.hpp"
#include "crypto/keypair.hpp"

#include <algorithm>

namespace belfry::dataplane {

std::string_view to_string(WireError error)
{
    switch (error) {
    case WireError::too_short:
        return "too_short";
    case WireError::too_long:
        return "too_long";
    case WireError::wrong_version:
        return "wrong_version";
    case WireError::wrong_cluster:
        return "wrong_cluster";
    case WireError::unknown_kind:
        return "unknown_kind";
    }
    return "unknown";
}

Prefix::Prefix(const Hash& genesis_hash)
{
    bytes_[0] = protocol_version;
    std::copy_n(genesis_hash.bytes.begin(), prefix_bytes - 1, bytes_.begin() + 1);
}

Result<ByteView, WireError> Prefix::strip(ByteView datagram) const
{
    if (datagram.size() < prefix_bytes) {
        return std::unexpected(WireError::too_short);
    }
    if (datagram[0] != protocol_version) {
        return std::unexpected(WireError::wrong_version);
    }
    if (!std::equal(bytes_.begin(), bytes_.end(), datagram.begin())) {
        return std::unexpected(WireError::wrong_cluster);
    }
    return datagram.subspan(prefix_bytes);
}

Result<ByteView, WireError> Prefix::open(Lane lane, ByteView datagram) const
{
    const LaneKind& kind = kind_of(lane);
    if (datagram.size() < kind.bytes_min) {
        return std::unexpected(WireError::too_short);
    }
    if (datagram.size() > kind.bytes_max) {
        return std::unexpected(WireError::too_long);
    }
    if (!kind.has_prefix) {
        return datagram;
    }
    return strip(datagram);
}

void write_forward(const Prefix& prefix, ByteView transaction, Bytes& out)
{
    BELFRY_CHECK(transaction.size() <= wire_transaction_bytes_max);
    out.clear();
    prefix.append_to(out);
    ByteWriter(out).bytes(transaction);
}

Bytes vote_signing_bytes(const Hash& genesis_hash, const SignedVote& vote)
{
    BELFRY_CHECK(vote.body.size() <= vote_body_bytes_max);
    constexpr std::string_view vote_domain = crypto::signing_tag(crypto::SigningPurpose::vote);
    Bytes out(vote_domain.begin(), vote_domain.end());
    ByteWriter writer(out);
    writer.bytes(genesis_hash.view());
    writer.u8(vote.kind);
    writer.u16(vote.voter_index);
    writer.bytes(vote.body);
    return out;
}

void write_vote(const Prefix& prefix, const VoteDatagram& vote, Bytes& out)
{
    BELFRY_CHECK(vote.body.size() <= vote_body_bytes_max);
    BELFRY_CHECK(vote.kind > 0 && vote.kind < vote_bundle_kind);
    out.clear();
    prefix.append_to(out);
    ByteWriter writer(out);
    writer.u8(vote.kind);
    writer.u16(vote.voter_index);
    writer.bytes(vote.body);
    writer.bytes(vote.signature.view());
}

namespace {

void write_unsigned(const Prefix& prefix, std::uint8_t kind, ByteView content, Bytes& out)
{
    BELFRY_CHECK(content.size() <= vote_bundle_bytes_max);
    out.clear();
    prefix.append_to(out);
    ByteWriter writer(out);
    writer.u8(kind);
    writer.bytes(content);
}

} // namespace

void write_vote_bundle(const Prefix& prefix, ByteView bundle, Bytes& out)
{
    write_unsigned(prefix, vote_bundle_kind, bundle, out);
}

void write_evidence(const Prefix& prefix, ByteView evidence, Bytes& out)
{
    write_unsigned(prefix, evidence_kind, evidence, out);
}

Result<VotesLane, WireError> parse_vote(const Prefix& prefix, ByteView datagram)
{
    BELFRY_TRY(content, prefix.open(Lane::votes, datagram)); // long enough for all fixed fields
    ByteReader reader(content);
    const std::uint8_t kind = reader.u8();
    if (kind == vote_bundle_kind) {
        return VoteBundleDatagram{.bundle = content.subspan(1)};
    }
    if (kind == evidence_kind) {
        return EvidenceDatagram{.evidence = content.subspan(1)};
    }
    if (kind == 0 || kind > evidence_kind) {
        return std::unexpected(WireError::unknown_kind);
    }
    VoteDatagram vote;
    vote.kind = kind;
    vote.voter_index = reader.u16();
    vote.body = reader.bytes(reader.left() - Signature::size_bytes);
    vote.signature = reader.fixed<Signature>();
    BELFRY_CHECK(reader.finished());
    return vote;
}

} // namespace belfry::dataplane
