// SPDX-License-Identifier: Apache-2.0
#include "consensus/certificate/certificate.hpp"

#include "base/check.hpp"

#include <array>

namespace belfry::consensus {

namespace {

constexpr std::uint8_t scheme_signatures = 1;
constexpr std::size_t bitmap_bytes_max = validator_count_max / 8;

bool belongs(const Statement& statement, const Certificate& certificate)
{
    return statement.kind == certificate.kind && well_formed(statement) &&
           statement.covers(certificate.slot) && statement.id == certificate.id;
}

Result<std::vector<ValidatorIndex>, CertificateError> decode_bitmap(ByteReader& reader)
{
    const std::size_t count = reader.u8();
    if (count == 0 || count > bitmap_bytes_max) {
        return std::unexpected(CertificateError::wrong_bitmap);
    }
    const ByteView bitmap = reader.bytes(count);
    if (!reader.ok()) {
        return std::unexpected(CertificateError::wrong_length);
    }
    if (bitmap.back() == 0) {
        return std::unexpected(CertificateError::wrong_bitmap); // there is a shorter one
    }
    std::vector<ValidatorIndex> voters;
    for (std::size_t i = 0; i < count * 8; ++i) {
        if ((bitmap[i / 8] >> (i % 8) & 1U) != 0) {
            voters.push_back(ValidatorIndex{static_cast<std::uint16_t>(i)});
        }
    }
    return voters;
}

} // namespace

ValidatorSet Certificate::voters() const
{
    ValidatorSet set;
    for (const SignedStatement& vote : votes) {
        set.insert(vote.statement.voter);
    }
    return set;
}

void encode_certificate(const Certificate& certificate, Bytes& out)
{
    BELFRY_CHECK(!certificate.votes.empty());
    ByteWriter writer(out);
    writer.u8(scheme_signatures);
    writer.u8(static_cast<std::uint8_t>(certificate.kind));
    writer.u64(certificate.slot.value);
    if (certificate.kind == StatementKind::notarize) {
        writer.bytes(certificate.id.view());
    }
    std::array<std::uint8_t, bitmap_bytes_max> bitmap{};
    const std::size_t bitmap_bytes = certificate.votes.back().statement.voter.value / 8U + 1;
    const Statement* before = nullptr;
    for (const SignedStatement& vote : certificate.votes) {
        const std::size_t voter = vote.statement.voter.value;
        BELFRY_CHECK(belongs(vote.statement, certificate));
        BELFRY_CHECK(before == nullptr || before->voter.value < voter);
        bitmap[voter / 8] = static_cast<std::uint8_t>(bitmap[voter / 8] | 1U << (voter % 8));
        before = &vote.statement;
    }
    writer.u8(static_cast<std::uint8_t>(bitmap_bytes));
    writer.bytes(ByteView{bitmap}.first(bitmap_bytes));
    for (const SignedStatement& vote : certificate.votes) {
        if (certificate.kind == StatementKind::skip) {
            writer.u64(vote.statement.first.value);
            writer.u64(vote.statement.last.value);
        }
        writer.bytes(vote.signature.view());
    }
}

Result<Certificate, CertificateError> decode_certificate(ByteView bytes)
{
    ByteReader reader(bytes);
    if (reader.u8() != scheme_signatures) {
        return std::unexpected(CertificateError::wrong_scheme);
    }
    Certificate certificate{
        .kind = static_cast<StatementKind>(reader.u8()), .slot = {}, .id = {}, .votes = {}};
    const bool ranged = certificate.kind == StatementKind::skip;
    if (!ranged && certificate.kind != StatementKind::notarize &&
        certificate.kind != StatementKind::finalize) {
        return std::unexpected(CertificateError::wrong_kind);
    }
    certificate.slot = Slot{reader.u64()};
    if (certificate.kind == StatementKind::notarize) {
        certificate.id = reader.fixed<Hash>();
    }
    BELFRY_TRY(voters, decode_bitmap(reader));
    if (reader.left() != voters.size() * ((ranged ? 16U : 0U) + Signature::size_bytes)) {
        return std::unexpected(CertificateError::wrong_length);
    }
    certificate.votes.reserve(voters.size());
    for (const ValidatorIndex voter : voters) {
        SignedStatement vote{.statement = {.kind = certificate.kind,
                                           .voter = voter,
                                           .first = certificate.slot,
                                           .last = certificate.slot,
                                           .id = certificate.id},
                             .signature = {}};
        if (ranged) {
            vote.statement.first = Slot{reader.u64()};
            vote.statement.last = Slot{reader.u64()};
        }
        vote.signature = reader.fixed<Signature>();
        if (!belongs(vote.statement, certificate)) {
            return std::unexpected(CertificateError::wrong_statement);
        }
        certificate.votes.push_back(vote);
    }
    BELFRY_CHECK(reader.finished());
    return certificate;
}

Result<void, CertificateError> verify_certificate(const Certificate& certificate,
                                                  const StakeTable& stakes,
                                                  const SignatureCheck& check)
{
    ValidatorSet counted;
    std::uint64_t sum = 0; // cannot overflow: the table's total did not
    for (const SignedStatement& vote : certificate.votes) {
        if (!belongs(vote.statement, certificate)) {
            return std::unexpected(CertificateError::wrong_statement);
        }
        const ValidatorIndex voter = vote.statement.voter;
        if (stakes.stake(voter) == Stake{} || !counted.insert(voter)) {
            return std::unexpected(CertificateError::unknown_voter);
        }
        sum += stakes.stake(voter).value;
    }
    // Before any signature, so that a hopeless one costs nothing.
    if (!stakes.is_more_than(Stake{sum}, two_thirds)) {
        return std::unexpected(CertificateError::too_little_stake);
    }
    for (const SignedStatement& vote : certificate.votes) {
        const StatementBody body = encode_statement(vote.statement);
        if (!check(vote.statement.voter, certificate.kind, body.view(), vote.signature)) {
            return std::unexpected(CertificateError::wrong_signature);
        }
    }
    return {};
}

} // namespace belfry::consensus
