// SPDX-License-Identifier: Apache-2.0
#include "consensus/certificate/certificate.hpp"
#include "consensus/certificate/vote_bundle.hpp"
#include "tests/consensus/certificate_mesh.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace belfry::consensus {
namespace {

using testing::test_check;
using testing::test_signature;

constexpr std::array kinds{StatementKind::notarize, StatementKind::skip, StatementKind::finalize};

SignedStatement signed_by(StatementKind kind, std::uint16_t voter, std::uint64_t slot)
{
    const ValidatorIndex who{voter};
    Hash id;
    id.bytes[0] = 7;
    Statement statement = Statement::finalize(who, Slot{slot});
    if (kind == StatementKind::notarize) {
        statement = Statement::notarize(who, {.slot = Slot{slot}, .id = id});
    } else if (kind == StatementKind::skip) {
        // Ranges differ from voter to voter.
        statement =
            Statement::skip(who, {.first = Slot{slot - voter % 3}, .last = Slot{slot + voter % 5}});
    }
    return {.statement = statement,
            .signature = test_signature(who, kind, encode_statement(statement).view())};
}

Certificate of(StatementKind kind, std::size_t voters, std::uint64_t slot = 9)
{
    Certificate certificate{.kind = kind, .slot = Slot{slot}, .id = {}, .votes = {}};
    for (std::uint16_t i = 0; i < voters; ++i) {
        certificate.votes.push_back(signed_by(kind, i, slot));
    }
    certificate.id = certificate.votes.front().statement.id;
    return certificate;
}

Bytes encoded(const Certificate& certificate)
{
    Bytes bytes;
    encode_certificate(certificate, bytes);
    return bytes;
}

StakeTable equal(std::size_t count)
{
    const std::vector<Stake> stakes(count, Stake{1});
    return *StakeTable::make(stakes);
}

TEST(Statement, comes_back_as_it_was)
{
    for (const StatementKind kind : kinds) {
        const Statement statement = signed_by(kind, 200, 77).statement;
        const StatementBody body = encode_statement(statement);
        EXPECT_EQ(decode_statement(kind, body.view()), statement);
        for (std::size_t cut = 0; cut < body.count; ++cut) {
            EXPECT_FALSE(decode_statement(kind, body.view().first(cut)));
        }
    }
}

TEST(Statement, that_no_honest_validator_makes_is_refused)
{
    const auto body = [](const std::vector<std::uint64_t>& fields) {
        Bytes bytes;
        ByteWriter writer(bytes);
        writer.u16(static_cast<std::uint16_t>(fields[0]));
        for (std::size_t i = 1; i < fields.size(); ++i) {
            writer.u64(fields[i]);
        }
        return bytes;
    };
    const auto refused = [](StatementKind kind, const Bytes& bytes) {
        return decode_statement(kind, bytes).error();
    };
    EXPECT_EQ(refused(StatementKind::finalize, body({0, 0})), StatementError::genesis_slot);
    EXPECT_EQ(refused(StatementKind::finalize, body({256, 1})), StatementError::unknown_voter);
    EXPECT_EQ(refused(StatementKind::finalize, body({0, 1, 2})), StatementError::wrong_length);
    EXPECT_EQ(refused(StatementKind::skip, body({0, 5, 4})), StatementError::wrong_range);
    EXPECT_EQ(refused(StatementKind::skip, body({0, 5, 5 + skip_slots_max})),
              StatementError::wrong_range);
    EXPECT_TRUE(decode_statement(StatementKind::skip, body({0, 5, 4 + skip_slots_max})));
    EXPECT_EQ(refused(StatementKind::skip, body({0, 1, UINT64_MAX})), StatementError::wrong_range);
    EXPECT_EQ(refused(StatementKind::tower_vote, body({0, 5})), StatementError::wrong_kind);
}

TEST(VoteBundle, full_ones_of_each_kind_fit_a_datagram_and_come_back)
{
    for (const StatementKind kind : kinds) {
        std::vector<SignedStatement> votes;
        for (std::uint16_t i = 0; i < vote_bundle_entries(kind); ++i) {
            votes.push_back(signed_by(kind, static_cast<std::uint16_t>(i * 3), 50));
        }
        Bytes bytes;
        encode_vote_bundle(Slot{50}, votes, bytes);
        EXPECT_LE(bytes.size(), vote_bundle_bytes_max);
        const auto decoded = decode_vote_bundle(bytes);
        ASSERT_TRUE(decoded);
        EXPECT_TRUE(std::ranges::equal(decoded->votes(), votes));
        for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
            EXPECT_FALSE(decode_vote_bundle(ByteView{bytes}.first(cut)));
        }
    }
}

TEST(VoteBundle, with_a_voter_twice_or_out_of_order_is_refused)
{
    std::vector<SignedStatement> votes{signed_by(StatementKind::finalize, 1, 5),
                                       signed_by(StatementKind::finalize, 2, 5)};
    Bytes bytes;
    encode_vote_bundle(Slot{5}, votes, bytes);
    constexpr std::size_t second_voter = 1 + 8 + 1 + 2 + Signature::size_bytes;
    for (const std::uint8_t voter : {std::uint8_t{0}, std::uint8_t{1}}) {
        bytes[second_voter] = voter;
        EXPECT_EQ(decode_vote_bundle(bytes).error(), VoteBundleError::not_rising);
    }
    bytes[second_voter] = 3;
    EXPECT_TRUE(decode_vote_bundle(bytes));
}

TEST(VoteBundle, whose_skip_says_nothing_of_the_slot_is_refused)
{
    Bytes bytes;
    const std::array votes{signed_by(StatementKind::skip, 4, 50)}; // 49..54
    encode_vote_bundle(Slot{54}, votes, bytes);
    EXPECT_TRUE(decode_vote_bundle(bytes));
    bytes[1] = 55;
    EXPECT_EQ(decode_vote_bundle(bytes).error(), VoteBundleError::wrong_entry);
}

TEST(Certificate, comes_back_as_it_was_and_is_true)
{
    for (const StatementKind kind : kinds) {
        for (const std::size_t count : {1U, 4U, 67U, 100U, 256U}) {
            const Certificate certificate = of(kind, count);
            const Bytes bytes = encoded(certificate);
            EXPECT_LE(bytes.size(), certificate_bytes_max);
            EXPECT_EQ(decode_certificate(bytes), certificate);
            EXPECT_TRUE(verify_certificate(certificate, equal(count), test_check));
        }
    }
    EXPECT_EQ(encoded(of(StatementKind::notarize, 67)).size(), 1U + 1 + 8 + 32 + 1 + 9 + 67 * 64);
}

TEST(Certificate, any_changed_byte_is_refused_or_makes_it_untrue)
{
    for (const StatementKind kind : kinds) {
        const Bytes bytes = encoded(of(kind, 5));
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            for (const unsigned bit : {0U, 3U, 7U}) {
                Bytes changed = bytes;
                changed[i] = static_cast<std::uint8_t>(changed[i] ^ 1U << bit);
                const auto decoded = decode_certificate(changed);
                const bool accepted =
                    decoded && verify_certificate(*decoded, equal(5), test_check).has_value();
                // A skip certificate is about any slot that its ranges cover.
                const bool same_votes = kind == StatementKind::skip && i >= 2 && i < 10;
                EXPECT_TRUE(!accepted || same_votes) << "byte " << i;
            }
        }
    }
}

TEST(Certificate, needs_strictly_more_than_two_thirds)
{
    for (std::size_t count = 1; count <= 20; ++count) {
        for (std::size_t voters = 1; voters <= count; ++voters) {
            const auto verdict =
                verify_certificate(of(StatementKind::finalize, voters), equal(count), test_check);
            EXPECT_EQ(verdict.has_value(), 3 * voters > 2 * count) << voters << " of " << count;
        }
    }
}

TEST(Certificate, counts_no_voter_twice_and_none_without_stake)
{
    Certificate doubled = of(StatementKind::finalize, 2);
    doubled.votes.push_back(doubled.votes.back());
    EXPECT_EQ(verify_certificate(doubled, equal(4), test_check).error(),
              CertificateError::unknown_voter);
    EXPECT_EQ(verify_certificate(of(StatementKind::finalize, 5), equal(4), test_check).error(),
              CertificateError::unknown_voter);
}

TEST(Certificate, of_another_statement_or_with_a_false_signature_is_untrue)
{
    Certificate certificate = of(StatementKind::notarize, 4);
    certificate.votes[2].signature.bytes[5] ^= 1;
    EXPECT_EQ(verify_certificate(certificate, equal(4), test_check).error(),
              CertificateError::wrong_signature);
    certificate = of(StatementKind::notarize, 4);
    certificate.votes[2].statement.id.bytes[5] ^= 1;
    EXPECT_EQ(verify_certificate(certificate, equal(4), test_check).error(),
              CertificateError::wrong_statement);
}

} // namespace
} // namespace belfry::consensus
