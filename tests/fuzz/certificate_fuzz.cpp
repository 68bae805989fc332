// SPDX-License-Identifier: Apache-2.0
// Statements, vote bundles, certificates, evidence and journal records from anywhere: refused, or
// one encoding and no other; and a gadget that hears them keeps its tallies.
#include "base/check.hpp"
#include "consensus/certificate/certificate.hpp"
#include "consensus/certificate/gadget.hpp"
#include "consensus/certificate/statement.hpp"
#include "consensus/certificate/vote_bundle.hpp"
#include "consensus/evidence.hpp"
#include "tests/base/choices.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace {

using namespace belfry::consensus; // NOLINT(google-build-using-namespace): one small program
using belfry::Bytes;
using belfry::ByteView;
using belfry::Stake;

class Listener {
public:
    explicit Listener(ByteView record = {})
        : gadget_(
              {.self = ValidatorIndex{0}, .may_sign = true, .slots_max = 64, .history_slots = 4},
              counter_)
    {
        (void)gadget_.restore({.sequence = JournalSequence::first(), .bytes = record});
        constexpr std::array stakes{Stake{1}, Stake{1}, Stake{1}, Stake{1}};
        gadget_.begin_epoch({}, {.number = {}, .first_slot = {}, .stakes = stakes, .schedule = {}},
                            effects_);
    }
    void hear(const SignedStatement& vote)
    {
        const StatementBody body = encode_statement(vote.statement);
        effects_.clear();
        // Any voter of the roster, so that certificates form.
        gadget_.hear({},
                     {.from = vote.statement.voter,
                      .body = body.view(),
                      .kind = vote.statement.kind,
                      .signature = vote.signature},
                     effects_);
    }
    void check() { BELFRY_CHECK(!gadget_.check().has_value()); }

private:
    JournalCounter counter_;
    CertificateGadget gadget_;
    Effects effects_;
};

void statements(ByteView bytes)
{
    for (const StatementKind kind :
         {StatementKind::notarize, StatementKind::skip, StatementKind::finalize}) {
        const auto statement = decode_statement(kind, bytes);
        if (statement) {
            BELFRY_CHECK(std::ranges::equal(encode_statement(*statement).view(), bytes));
            BELFRY_CHECK(well_formed(*statement));
        }
    }
}

void bundle(ByteView bytes)
{
    const auto decoded = decode_vote_bundle(bytes);
    if (!decoded) {
        return;
    }
    Bytes again;
    const Statement& first = decoded->votes().front().statement;
    belfry::Slot slot = first.first;
    if (first.kind == StatementKind::skip) { // which slot all cover is the bundle's own word
        belfry::ByteReader reader(bytes.subspan(1));
        slot = belfry::Slot{reader.u64()};
    }
    encode_vote_bundle(slot, decoded->votes(), again);
    BELFRY_CHECK(std::ranges::equal(again, bytes));
    Listener listener;
    for (const SignedStatement& vote : decoded->votes()) {
        listener.hear(vote);
    }
    listener.check();
}

/// One vote of another kind, or from one who has no stake.
void spoilt(Certificate certificate, const StakeTable& stakes, const SignatureCheck& believe)
{
    SignedStatement& vote = certificate.votes.front();
    const SignedStatement before = vote;
    vote.statement.kind =
        vote.statement.kind == StatementKind::skip ? StatementKind::finalize : StatementKind::skip;
    BELFRY_CHECK(verify_certificate(certificate, stakes, believe).error() ==
                 CertificateError::wrong_statement);
    vote = before;
    vote.statement.voter = ValidatorIndex{9};
    BELFRY_CHECK(verify_certificate(certificate, stakes, believe).error() ==
                 CertificateError::unknown_voter);
}

void certificate(ByteView bytes)
{
    const auto decoded = decode_certificate(bytes);
    if (!decoded) {
        return;
    }
    Bytes again;
    encode_certificate(*decoded, again);
    BELFRY_CHECK(std::ranges::equal(again, bytes));
    constexpr std::array stakes{Stake{1}, Stake{1}, Stake{1}, Stake{1}};
    const auto table = StakeTable::make(stakes);
    const auto believe = [](ValidatorIndex, StatementKind, ByteView, const belfry::Signature&) {
        return true;
    };
    const auto doubt = [](ValidatorIndex, StatementKind, ByteView, const belfry::Signature&) {
        return false;
    };
    BELFRY_CHECK(!verify_certificate(*decoded, *table, doubt));
    BELFRY_CHECK(decoded->voters().count() == decoded->votes.size());
    if (verify_certificate(*decoded, *table, believe)) {
        spoilt(*decoded, *table, believe);
        BELFRY_CHECK(decoded->votes.size() == 3 || decoded->votes.size() == 4);
        Listener listener;
        for (const SignedStatement& vote : decoded->votes) {
            listener.hear(vote);
        }
        listener.check();
    }
}

/// What a validator says, out of a few bytes.
class Speaker {
public:
    explicit Speaker(belfry::Choices& choices)
        : choices_(choices)
    {
    }
    Testimony say()
    {
        const ValidatorIndex voter{static_cast<std::uint16_t>(choices_() % 8 == 0 ? 1 : 0)};
        const belfry::Slot slot{1 + choices_() % 4};
        const Statement said = statement(voter, slot);
        if (said.kind == StatementKind::tower_vote) {
            return vote(voter);
        }
        const StatementBody body = encode_statement(said);
        return {
            .kind = said.kind, .body = {body.view().begin(), body.view().end()}, .signature = {}};
    }

private:
    Statement statement(ValidatorIndex voter, belfry::Slot slot)
    {
        switch (choices_() % 4) {
        case 0:
            return Statement::notarize(voter, {.slot = slot, .id = id()});
        case 1:
            return Statement::skip(
                voter, {.first = slot, .last = belfry::Slot{slot.value + choices_() % 4}});
        case 2:
            return Statement::finalize(voter, slot);
        default:
            return {.kind = StatementKind::tower_vote,
                    .voter = voter,
                    .first = {},
                    .last = {},
                    .id = {}};
        }
    }
    Testimony vote(ValidatorIndex voter)
    {
        TowerVote vote{.voter = voter, .tower = {}, .block_id = id(), .state_hash = {}};
        belfry::Slot slot{};
        const std::uint64_t count = 1 + choices_() % 5;
        for (std::uint64_t i = 0; i < count; ++i) {
            slot.value += 1 + choices_() % 3;
            (void)vote.tower.push(slot);
        }
        Testimony said{.kind = StatementKind::tower_vote, .body = {}, .signature = {}};
        encode_tower_vote(vote, said.body);
        return said;
    }
    belfry::Hash id()
    {
        belfry::Hash made;
        made.bytes[0] = static_cast<std::uint8_t>(choices_() % 2);
        return made;
    }
    belfry::Choices& choices_;
};

/// What two statements say together is one evidence, whatever their order; it is read back, and
/// does not stand for anything else.
void two_statements(belfry::Choices choices)
{
    Speaker speaker(choices);
    const Testimony one = speaker.say();
    const Testimony other = speaker.say();
    const auto found = find_contradiction(one, other);
    BELFRY_CHECK(found == find_contradiction(other, one));
    Bytes bytes;
    if (!found) {
        encode_evidence(
            {.kind = EvidenceKind::two_votes, .voter = {}, .first = one, .second = other}, bytes);
        BELFRY_CHECK(!decode_evidence(bytes));
        return;
    }
    BELFRY_CHECK(found->slot().value >= 1 && found->slot().value <= 15);
    encode_evidence(*found, bytes);
    BELFRY_CHECK(decode_evidence(bytes) == *found);
    const auto believe = [](ValidatorIndex, StatementKind, ByteView, const belfry::Signature&) {
        return true;
    };
    const auto doubt = [](ValidatorIndex, StatementKind, ByteView, const belfry::Signature&) {
        return false;
    };
    BELFRY_CHECK(verify_evidence(*found, believe).has_value());
    BELFRY_CHECK(verify_evidence(*found, doubt).error() == EvidenceError::wrong_signature);
    Evidence wrong = *found;
    wrong.kind = EvidenceKind::two_blocks;
    BELFRY_CHECK(verify_evidence(wrong, believe).error() == EvidenceError::no_contradiction);
    bytes.clear();
    encode_evidence(wrong, bytes);
    BELFRY_CHECK(decode_evidence(bytes).error() == EvidenceError::wrong_kind);
    bytes.clear();
    wrong = *found;
    std::swap(wrong.first, wrong.second);
    encode_evidence(wrong, bytes);
    BELFRY_CHECK(decode_evidence(bytes).error() == EvidenceError::wrong_order);
}

/// The votes of one tower never contradict each other, whatever fell off it in between.
void one_tower(belfry::Choices choices)
{
    std::vector<TowerVote> votes;
    TowerVote vote;
    belfry::Slot slot{};
    for (int i = 0; choices.more() && i < 40; ++i) {
        slot.value += 1 + choices() % 12;
        (void)vote.tower.push(slot);
        votes.push_back(vote);
    }
    for (std::size_t i = 0; i + 1 < votes.size(); ++i) {
        BELFRY_CHECK(!contradicts(votes[i], votes.back()) && !contradicts(votes.back(), votes[i]));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ByteView bytes{data, size};
    statements(bytes);
    bundle(bytes);
    certificate(bytes);
    if (const auto evidence = decode_evidence(bytes)) {
        Bytes again;
        encode_evidence(*evidence, again);
        BELFRY_CHECK(std::ranges::equal(again, bytes));
        BELFRY_CHECK(find_contradiction(evidence->second, evidence->first) == *evidence);
    }
    Listener(bytes).check();
    two_statements(belfry::Choices(bytes));
    one_tower(belfry::Choices(bytes));
    return 0;
}
