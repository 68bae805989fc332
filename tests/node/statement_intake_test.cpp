// SPDX-License-Identifier: Apache-2.0
#include "consensus/certificate/vote_bundle.hpp"
#include "crypto/ed25519_bulk_sign.hpp"
#include "crypto/sha256.hpp"
#include "node/recall.hpp"
#include "node/statement_intake.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace belfry::node {
namespace {

using consensus::BlockName;
using consensus::Statement;
using consensus::StatementKind;
using consensus::ValidatorIndex;

Hash cluster(std::uint8_t fill = 7)
{
    Hash genesis;
    genesis.bytes.fill(fill);
    return genesis;
}

class IntakeTest : public testing::Test {
protected:
    static constexpr std::size_t voters = 40;
    std::vector<crypto::InsecureSigningKey> keys = make_keys();
    StatementIntake intake{cluster(), pubkeys()};
    std::vector<std::string> taken;

    static std::vector<crypto::InsecureSigningKey> make_keys()
    {
        std::vector<crypto::InsecureSigningKey> made;
        for (std::uint8_t i = 0; i < voters; ++i) {
            made.push_back(crypto::InsecureSigningKey::from_seed(crypto::sha256(Bytes{i}).view()));
        }
        return made;
    }
    [[nodiscard]] std::vector<Pubkey> pubkeys() const
    {
        std::vector<Pubkey> all;
        for (const crypto::InsecureSigningKey& key : keys) {
            all.push_back(key.pubkey);
        }
        return all;
    }
    [[nodiscard]] consensus::SignedStatement sign(const Statement& statement) const
    {
        const consensus::StatementBody body = encode_statement(statement);
        const Bytes bytes = intake.signing_bytes(statement.voter, statement.kind, body.view());
        consensus::SignedStatement made{.statement = statement, .signature = {}};
        const crypto::InsecureSignJob job{&keys[statement.voter.value], bytes, &made.signature};
        crypto::insecure_sign_many(std::span(&job, 1));
        return made;
    }
    [[nodiscard]] static Bytes datagram(const consensus::SignedStatement& one)
    {
        const consensus::StatementBody body = encode_statement(one.statement);
        Bytes out;
        dataplane::write_vote(dataplane::Prefix(cluster()),
                              {.kind = static_cast<std::uint8_t>(one.statement.kind),
                               .voter_index = one.statement.voter.value,
                               .body = body.view(),
                               .signature = one.signature},
                              out);
        return out;
    }
    [[nodiscard]] static Bytes bundle(Slot slot, std::span<const consensus::SignedStatement> votes)
    {
        Bytes body;
        encode_vote_bundle(slot, votes, body);
        Bytes out;
        dataplane::write_vote_bundle(dataplane::Prefix(cluster()), body, out);
        return out;
    }
    void give(const Bytes& bytes)
    {
        intake.add(bytes);
        intake.check([this](const consensus::VoteMessage& statement) {
            taken.push_back(std::to_string(static_cast<int>(statement.kind)) + "/" +
                            std::to_string(statement.from.value) + "/" +
                            std::to_string(statement.body.size()));
        });
    }
    [[nodiscard]] static Statement notarize(std::uint16_t voter, std::uint64_t slot = 9)
    {
        return Statement::notarize(ValidatorIndex{voter}, BlockName{Slot{slot}, cluster(1)});
    }
};

TEST_F(IntakeTest, a_good_statement_is_given_once)
{
    const Bytes bytes = datagram(sign(notarize(3)));
    give(bytes);
    EXPECT_EQ(taken, std::vector<std::string>{"2/3/42"});
    EXPECT_EQ(intake.take_copied_voter(), std::nullopt);
    give(bytes);
    EXPECT_EQ(taken.size(), 1U);
    EXPECT_EQ(intake.counters().copied, 1U);
    EXPECT_EQ(intake.take_copied_voter(), 3);
    EXPECT_EQ(intake.take_copied_voter(), std::nullopt);
}

TEST_F(IntakeTest, a_bundle_gives_only_what_is_new_and_good)
{
    std::vector<consensus::SignedStatement> votes;
    for (std::uint16_t voter = 0; voter < 17; ++voter) {
        votes.push_back(sign(notarize(voter)));
    }
    give(datagram(votes[5]));
    votes[11].signature.bytes[0] ^= 1;
    give(bundle(Slot{9}, votes));
    EXPECT_EQ(taken.size(), 16U);
    EXPECT_EQ(intake.counters().good, 16U);
    EXPECT_EQ(intake.counters().copied, 1U);
    EXPECT_EQ(intake.counters().bad_signature, 1U);
}

/// Others send on what the dead have said, for as long as nothing becomes final.
TEST_F(IntakeTest, a_copy_that_others_send_on_says_nothing_of_its_voters_being_alive)
{
    const std::vector<consensus::SignedStatement> votes{sign(notarize(4)), sign(notarize(5))};
    give(bundle(Slot{9}, votes));
    give(bundle(Slot{9}, votes));
    EXPECT_EQ(intake.counters().copied, 2U);
    EXPECT_EQ(intake.take_copied_voter(), std::nullopt);
    give(datagram(votes[1]));
    EXPECT_EQ(intake.take_copied_voter(), 5);
}

TEST_F(IntakeTest, a_bad_signature_does_not_keep_the_good_one_out)
{
    consensus::SignedStatement statement = sign(notarize(3));
    consensus::SignedStatement forged = statement;
    forged.signature.bytes[40] ^= 1;
    give(datagram(forged));
    EXPECT_TRUE(taken.empty());
    give(datagram(statement));
    EXPECT_EQ(taken.size(), 1U);
}

TEST_F(IntakeTest, a_signature_is_for_one_kind_voter_and_cluster)
{
    const consensus::SignedStatement one = sign(Statement::finalize(ValidatorIndex{3}, Slot{9}));
    const consensus::StatementBody body = encode_statement(one.statement);
    const auto as = [&](std::uint8_t kind, std::uint16_t voter, const Hash& genesis) {
        Bytes out;
        dataplane::write_vote(
            dataplane::Prefix(genesis),
            {.kind = kind, .voter_index = voter, .body = body.view(), .signature = one.signature},
            out);
        return out;
    };
    give(as(3, 3, cluster()));
    give(as(4, 4, cluster()));
    EXPECT_EQ(intake.counters().bad_signature, 2U);
    give(as(4, 3, cluster(8)));
    EXPECT_EQ(intake.counters().other_genesis, 1U);
    EXPECT_EQ(intake.counters().bad_form, 0U);
    EXPECT_TRUE(taken.empty());
    give(as(4, 3, cluster()));
    EXPECT_EQ(taken.size(), 1U);
}

TEST_F(IntakeTest, what_is_no_statement_is_counted)
{
    const Bytes good = datagram(sign(notarize(3)));
    for (std::size_t bytes = 0; bytes < good.size(); ++bytes) {
        intake.add(ByteView(good).first(bytes));
        intake.check([](const consensus::VoteMessage&) { FAIL(); });
    }
    Bytes strange = good;
    strange[dataplane::prefix_bytes] = 9; // a kind between the known ones and the bundle
    give(strange);
    strange = good;
    strange[dataplane::prefix_bytes + 1] = voters;
    give(strange);
    EXPECT_EQ(intake.counters().unknown_voter, 1U);
    Bytes torn = bundle(Slot{9}, std::vector{sign(notarize(1)), sign(notarize(2))});
    torn.pop_back();
    give(torn);
    EXPECT_TRUE(taken.empty());
    EXPECT_EQ(intake.counters().good, 0U);
    EXPECT_EQ(intake.counters().bad_form + intake.counters().bad_signature, good.size() + 2);
}

TEST_F(IntakeTest, questions_and_answers_are_checked_like_statements_and_given_apart)
{
    for (const std::uint8_t kind : {question_kind, answer_kind}) {
        const Bytes body{1, 2, 3, kind};
        const dataplane::SignedVote talk{.kind = kind, .voter_index = 3, .body = body};
        const Bytes covered = intake.signing_bytes(talk);
        Signature good;
        const crypto::InsecureSignJob job{&keys[3], covered, &good};
        crypto::insecure_sign_many(std::span(&job, 1));
        const auto as = [&](std::uint8_t said_kind, const Signature& signature) {
            Bytes out;
            dataplane::write_vote(
                dataplane::Prefix(cluster()),
                {.kind = said_kind, .voter_index = 3, .body = body, .signature = signature}, out);
            return out;
        };
        std::size_t count = 0;
        const auto hear = [&](const Bytes& bytes) {
            intake.add(bytes);
            intake.check([](const consensus::VoteMessage&) { FAIL() << "no statement"; },
                         [&](const StatementIntake::Talk& one) {
                             EXPECT_EQ(one.from, ValidatorIndex{3});
                             EXPECT_EQ(one.kind, kind);
                             EXPECT_EQ(Bytes(one.body.begin(), one.body.end()), body);
                             ++count;
                         });
        };
        Signature forged = good;
        forged.bytes[9] ^= 1;
        hear(as(kind, forged));
        hear(as(kind == question_kind ? answer_kind : question_kind, good));
        EXPECT_EQ(count, 0U);
        EXPECT_FALSE(intake.knows(covered));
        hear(as(kind, good));
        hear(as(kind, good));
        EXPECT_EQ(count, 1U) << "and once";
    }
    EXPECT_EQ(intake.counters().bad_signature, 4U);
}

TEST_F(IntakeTest, what_it_signed_itself_costs_no_signature_when_it_comes_back)
{
    const consensus::SignedStatement own = sign(notarize(0));
    const consensus::StatementBody body = encode_statement(own.statement);
    intake.note_own(intake.signing_bytes(ValidatorIndex{0}, own.statement.kind, body.view()));
    give(datagram(own));
    EXPECT_TRUE(taken.empty());
    EXPECT_EQ(intake.counters().copied, 1U);
}

/// Indexes are the sender's words. All 65,536 of them: those of the roster are judged by their
/// signature, the others are of no one, in a statement and in a bundle.
TEST_F(IntakeTest, a_voter_index_is_looked_up_or_refused_whatever_it_is)
{
    const Bytes good = datagram(sign(notarize(3)));
    std::uint64_t given = 0;
    for (unsigned index = 0; index <= UINT16_MAX; ++index) {
        if (index == 3) {
            continue;
        }
        Bytes claimed = good;
        claimed[dataplane::prefix_bytes + 1] = static_cast<std::uint8_t>(index);
        claimed[dataplane::prefix_bytes + 2] = static_cast<std::uint8_t>(index >> 8U);
        give(claimed);
        ++given;
    }
    EXPECT_TRUE(taken.empty());
    EXPECT_EQ(intake.counters().bad_signature, voters - 1U);
    EXPECT_EQ(intake.counters().unknown_voter, given - (voters - 1U));
    EXPECT_FALSE(intake.is_signed(ValidatorIndex{UINT16_MAX}, StatementKind::notarize, {}, {}));
    EXPECT_FALSE(intake.is_signed(ValidatorIndex{voters}, StatementKind::notarize, {}, {}));
}

} // namespace
} // namespace belfry::node
