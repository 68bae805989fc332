// SPDX-License-Identifier: Apache-2.0
// statement_intake_fuzz: statements and talk signed by their voter or another, alone and in
// bundles, again and changed, the node's own, evidence, and any bytes: exactly what a voter of the
// roster signed is given on, and once while it is remembered; who says it again is named as alive.
#include "base/check.hpp"
#include "consensus/certificate/vote_bundle.hpp"
#include "crypto/ed25519_bulk_sign.hpp"
#include "crypto/sha256.hpp"
#include "node/recall.hpp"
#include "node/statement_intake.hpp"
#include "tests/base/choices.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace belfry::node {
namespace {

using consensus::SignedStatement;
using consensus::Statement;
using consensus::StatementKind;
using consensus::ValidatorIndex;

constexpr std::size_t voters = 20;

const std::vector<crypto::InsecureSigningKey>& keys()
{
    static const auto only = [] {
        std::vector<crypto::InsecureSigningKey> made;
        for (std::uint8_t i = 0; i < voters; ++i) {
            made.push_back(crypto::InsecureSigningKey::from_seed(crypto::sha256(Bytes{i}).view()));
        }
        return made;
    }();
    return only;
}

std::vector<Pubkey> pubkeys()
{
    std::vector<Pubkey> all;
    for (const crypto::InsecureSigningKey& key : keys()) {
        all.push_back(key.pubkey);
    }
    return all;
}

struct Said {
    StatementKind kind;
    std::uint16_t voter;
    Bytes body;
    friend auto operator<=>(const Said&, const Said&) = default;
};

class Hearing {
public:
    explicit Hearing(Choices choices)
        : choices_(choices)
        , intake_(Hash{}, pubkeys())
    {
    }
    [[nodiscard]] bool more() const { return choices_.more(); }
    void hear()
    {
        const std::uint64_t draw = choices_();
        single_.reset();
        Bytes datagram = draw < 120   ? single()
                         : draw < 216 ? bundle()
                         : draw < 228 ? talk()
                         : draw < 236 ? evidence()
                                      : raw();
        if (draw % 8 == 5) {
            note_as_own();
        }
        if (draw % 8 == 7) {
            expected_.clear(); // nobody signed what it is now, or it is no datagram at all
            const std::size_t at = choices_.up_to(datagram.size() - 1);
            datagram[at] ^= static_cast<std::uint8_t>(1 + choices_() % 255);
            is_changed_ = true;
        }
        intake_.add(datagram);
        check_beside(datagram);
        check();
    }

private:
    void note_as_own()
    {
        for (const Said& said : expected_) {
            intake_.note_own(bytes_of(said));
            kept(said) = name_;
        }
    }
    /// What is known of a datagram before its signatures are looked at.
    void check_beside(ByteView datagram)
    {
        const std::optional<Bytes> evidence = intake_.take_evidence();
        const std::optional<std::uint16_t> copied = intake_.take_copied_voter();
        if (!is_changed_) {
            const bool is_copy = single_ && kept(*single_) == name_;
            BELFRY_CHECK(copied == (is_copy ? std::optional(single_->voter) : std::nullopt));
            BELFRY_CHECK(evidence == evidence_);
        }
        BELFRY_CHECK(!evidence || std::ranges::equal(*evidence, datagram.last(evidence->size())));
        BELFRY_CHECK(!intake_.take_evidence() && !intake_.take_copied_voter());
        evidence_.reset();
    }
    SignedStatement drawn(std::uint16_t voter, Slot slot, StatementKind kind)
    {
        Statement statement = Statement::notarize(ValidatorIndex{voter}, {slot, {}});
        if (kind == StatementKind::skip) {
            const Slot last{slot.value + choices_() % 4};
            statement = Statement::skip(ValidatorIndex{voter}, {.first = slot, .last = last});
        } else if (kind == StatementKind::finalize) {
            statement = Statement::finalize(ValidatorIndex{voter}, slot);
        } else {
            statement.id.bytes[0] = static_cast<std::uint8_t>(choices_() % 3);
        }
        const std::size_t signer = choices_() % 8 == 0 ? 0 : voter % voters;
        const consensus::StatementBody body = encode_statement(statement);
        const Said said{kind, voter, {body.view().begin(), body.view().end()}};
        SignedStatement made{.statement = statement,
                             .signature = signature_of(signer, bytes_of(said))};
        if (voter < voters && signer == voter) {
            expected_.insert(said);
        }
        return made;
    }
    /// Each is signed once.
    static Signature signature_of(std::size_t signer, const Bytes& bytes)
    {
        static std::map<std::pair<std::size_t, Bytes>, Signature> made;
        const auto [place, is_new] = made.try_emplace({signer, bytes});
        if (is_new) {
            const crypto::InsecureSignJob job{&keys()[signer], bytes, &place->second};
            crypto::insecure_sign_many(std::span(&job, 1));
        }
        return place->second;
    }
    StatementKind kind() { return static_cast<StatementKind>(2 + choices_() % 3); }
    Slot slot() { return Slot{10 + choices_() % 4}; }
    Bytes single()
    {
        const auto voter = static_cast<std::uint16_t>(choices_() % (voters + 2));
        const Slot at = slot();
        const SignedStatement made = drawn(voter, at, kind());
        const consensus::StatementBody body = encode_statement(made.statement);
        if (voter < voters) {
            single_ = {made.statement.kind, voter, {body.view().begin(), body.view().end()}};
        }
        return vote_of(static_cast<std::uint8_t>(made.statement.kind), voter, body.view(),
                       made.signature);
    }
    static Bytes vote_of(std::uint8_t kind, std::uint16_t voter, ByteView body,
                         const Signature& signature)
    {
        Bytes out;
        dataplane::write_vote(
            dataplane::Prefix(Hash{}),
            {.kind = kind, .voter_index = voter, .body = body, .signature = signature}, out);
        return out;
    }
    /// What a node that starts asks, or is answered.
    Bytes talk()
    {
        const auto kind = choices_() % 2 == 0 ? question_kind : answer_kind;
        const auto voter = static_cast<std::uint16_t>(choices_() % voters);
        const std::size_t signer = choices_() % 4 == 0 ? 0 : voter;
        const Bytes body{static_cast<std::uint8_t>(choices_() % 8), 1, 2, 3};
        const Said said{static_cast<StatementKind>(kind), voter, body};
        if (signer == voter) {
            expected_.insert(said);
        }
        single_ = said;
        return vote_of(kind, voter, body, signature_of(signer, bytes_of(said)));
    }
    Bytes evidence()
    {
        evidence_ = Bytes(100 + choices_() % 40,
                          static_cast<std::uint8_t>(choices_())); // no shorter than a vote
        Bytes out;
        dataplane::write_evidence(dataplane::Prefix(Hash{}), *evidence_, out);
        return out;
    }
    Bytes bundle()
    {
        const StatementKind all = kind();
        const Slot at = slot();
        std::vector<SignedStatement> votes;
        std::uint16_t voter = 0;
        const std::uint64_t count = 1 + choices_() % 5;
        while (votes.size() < count && voter < voters) {
            voter = static_cast<std::uint16_t>(voter + 1 + choices_() % 3);
            SignedStatement made = drawn(voter, at, all);
            if (all == StatementKind::notarize && !votes.empty() &&
                made.statement.id != votes.front().statement.id) {
                forget(made);
                continue; // a bundle is about one block
            }
            votes.push_back(std::move(made));
        }
        Bytes body;
        encode_vote_bundle(at, votes, body);
        Bytes out;
        dataplane::write_vote_bundle(dataplane::Prefix(Hash{}), body, out);
        return out;
    }
    void forget(const SignedStatement& unsaid)
    {
        const consensus::StatementBody body = encode_statement(unsaid.statement);
        expected_.erase({unsaid.statement.kind,
                         unsaid.statement.voter.value,
                         {body.view().begin(), body.view().end()}});
    }
    Bytes raw()
    {
        Bytes out{1, 0, 0, 0, 0};
        for (std::uint64_t count = 1 + choices_() % 60; count > 0; --count) {
            out.push_back(static_cast<std::uint8_t>(choices_()));
        }
        is_changed_ = true;
        return out;
    }
    [[nodiscard]] Bytes bytes_of(const Said& said) const
    {
        return intake_.signing_bytes(ValidatorIndex{said.voter}, said.kind, said.body);
    }
    /// The table of what was found good keeps one of those that share a place.
    Hash& kept(const Said& said)
    {
        name_ = crypto::sha256(bytes_of(said));
        ByteReader reader(name_.view());
        return good_[reader.u64() % StatementIntake::seen_max];
    }
    void check()
    {
        std::erase_if(expected_, [&](const Said& said) { return kept(said) == name_; });
        std::set<Said> given;
        const auto take = [&](ValidatorIndex from, std::uint8_t kind, ByteView body) {
            Said said{static_cast<StatementKind>(kind), from.value, {body.begin(), body.end()}};
            BELFRY_CHECK(from.value < voters);
            BELFRY_CHECK(is_changed_ || expected_.contains(said));
            kept(said) = name_;
            BELFRY_CHECK(given.insert(std::move(said)).second);
        };
        intake_.check(
            [&](const consensus::VoteMessage& message) {
                BELFRY_CHECK(
                    intake_.is_signed(message.from, message.kind, message.body, message.signature));
                take(message.from, static_cast<std::uint8_t>(message.kind), message.body);
            },
            [&](const StatementIntake::Talk& one) { take(one.from, one.kind, one.body); });
        BELFRY_CHECK(is_changed_ || given == expected_);
        for (const Said& said : given) {
            BELFRY_CHECK(intake_.knows(bytes_of(said)) == (kept(said) == name_));
        }
        expected_.clear();
        is_changed_ = false;
    }

    Choices choices_;
    StatementIntake intake_;
    std::set<Said> expected_; // of this datagram
    std::optional<Said> single_;
    std::optional<Bytes> evidence_;
    std::map<std::uint64_t, Hash> good_;
    Hash name_; // of the statement that kept() was asked for last
    bool is_changed_ = false;
};

} // namespace
} // namespace belfry::node

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry; // NOLINT(google-build-using-namespace)
    node::Hearing hearing{Choices(ByteView(data, size))};
    for (int step = 0; hearing.more() && step < 40; ++step) {
        hearing.hear();
    }
    return 0;
}
