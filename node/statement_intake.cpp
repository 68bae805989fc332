// SPDX-License-Identifier: Apache-2.0
#include "node/statement_intake.hpp"

#include "base/check.hpp"
#include "consensus/certificate/vote_bundle.hpp"
#include "crypto/sha256.hpp"
#include "node/recall.hpp"

#include <array>
#include <cstring>
#include <utility>

namespace belfry::node {
namespace {

using consensus::StatementKind;
using consensus::ValidatorIndex;

bool is_talk(std::uint8_t kind)
{
    return kind == question_kind || kind == answer_kind;
}

} // namespace

StatementIntake::StatementIntake(const Hash& genesis_hash, std::vector<Pubkey> keys)
    : genesis_hash_(genesis_hash)
    , prefix_(genesis_hash)
    , keys_(std::move(keys))
    , verifier_({.jobs_max = pending_max})
    , seen_(seen_max)
{
    static_assert((seen_max & (seen_max - 1)) == 0);
    pending_.reserve(pending_max);
    jobs_.reserve(pending_max);
}

bool StatementIntake::full() const
{
    return pending_.size() + consensus::vote_bundle_entries_max > pending_max;
}

void StatementIntake::add(ByteView datagram)
{
    BELFRY_CHECK(!full());
    const auto parsed = dataplane::parse_vote(prefix_, datagram);
    if (!parsed) {
        refuse(parsed.error());
        return;
    }
    if (const auto* bundle = std::get_if<dataplane::VoteBundleDatagram>(&*parsed)) {
        add_bundle(bundle->bundle);
        return;
    }
    if (const auto* evidence = std::get_if<dataplane::EvidenceDatagram>(&*parsed)) {
        evidence_ = Bytes(evidence->evidence.begin(), evidence->evidence.end());
        return;
    }
    const auto& vote = std::get<dataplane::VoteDatagram>(*parsed);
    const std::uint64_t copied_before = counters_.copied;
    add_one({.kind = vote.kind, .voter_index = vote.voter_index, .body = vote.body},
            vote.signature);
    if (counters_.copied > copied_before) {
        copied_voter_ = vote.voter_index;
    }
}

void StatementIntake::refuse(dataplane::WireError error)
{
    ++(error == dataplane::WireError::wrong_cluster ? counters_.other_genesis : counters_.bad_form);
}

void StatementIntake::add_bundle(ByteView bundle)
{
    const auto decoded = consensus::decode_vote_bundle(bundle);
    if (!decoded) {
        ++counters_.bad_form;
        return;
    }
    ++counters_.bundles;
    for (const consensus::SignedStatement& entry : decoded->votes()) {
        const consensus::StatementBody body = consensus::encode_statement(entry.statement);
        add_one({.kind = static_cast<std::uint8_t>(entry.statement.kind),
                 .voter_index = entry.statement.voter.value,
                 .body = body.view()},
                entry.signature);
    }
}

void StatementIntake::add_one(const dataplane::SignedVote& vote, const Signature& signature)
{
    if (!consensus::is_statement_kind(vote.kind) && !is_talk(vote.kind)) {
        ++counters_.bad_form;
        return;
    }
    if (vote.voter_index >= keys_.size()) {
        ++counters_.unknown_voter;
        return;
    }
    Bytes bytes = dataplane::vote_signing_bytes(genesis_hash_, vote);
    const Hash name = crypto::sha256(bytes);
    if (seen(name) == name) {
        ++counters_.copied;
        return;
    }
    Pending& pending = pending_.emplace_back();
    pending.signed_bytes = std::move(bytes);
    pending.name = name;
    pending.signature = signature;
    pending.vote = vote;
    pending.vote.body = ByteView(pending.signed_bytes).last(vote.body.size());
}

void StatementIntake::note_own(ByteView signing_bytes)
{
    const Hash name = crypto::sha256(signing_bytes);
    seen(name) = name;
}

bool StatementIntake::knows(ByteView signing_bytes)
{
    const Hash name = crypto::sha256(signing_bytes);
    return seen(name) == name;
}

void StatementIntake::check(const Take& take, const TakeTalk& take_talk)
{
    jobs_.clear();
    for (const Pending& pending : pending_) {
        jobs_.push_back({.message = pending.signed_bytes,
                         .key = &keys_[pending.vote.voter_index],
                         .signature = &pending.signature});
    }
    std::array<bool, pending_max> verdicts{};
    verifier_.verify(jobs_, std::span(verdicts).first(jobs_.size()));
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        const Pending& pending = pending_[i];
        if (!verdicts[i]) {
            ++counters_.bad_signature;
            continue;
        }
        ++counters_.good;
        seen(pending.name) = pending.name;
        if (is_talk(pending.vote.kind)) {
            if (take_talk) {
                take_talk({.from = {pending.vote.voter_index},
                           .kind = pending.vote.kind,
                           .body = pending.vote.body});
            }
            continue;
        }
        take({.from = {pending.vote.voter_index},
              .body = pending.vote.body,
              .kind = static_cast<StatementKind>(pending.vote.kind),
              .signature = pending.signature});
    }
    pending_.clear();
}

std::optional<std::uint16_t> StatementIntake::take_copied_voter()
{
    return std::exchange(copied_voter_, std::nullopt);
}

std::optional<Bytes> StatementIntake::take_evidence()
{
    return std::exchange(evidence_, std::nullopt);
}

bool StatementIntake::is_signed(ValidatorIndex voter, StatementKind kind, ByteView body,
                                const Signature& signature) const
{
    return voter.value < keys_.size() &&
           crypto::ed25519_verify({.message = signing_bytes(voter, kind, body),
                                   .key = &keys_[voter.value],
                                   .signature = &signature});
}

Bytes StatementIntake::signing_bytes(ValidatorIndex voter, StatementKind kind, ByteView body) const
{
    return signing_bytes(
        {.kind = static_cast<std::uint8_t>(kind), .voter_index = voter.value, .body = body});
}

Bytes StatementIntake::signing_bytes(const dataplane::SignedVote& statement) const
{
    return dataplane::vote_signing_bytes(genesis_hash_, statement);
}

Hash& StatementIntake::seen(const Hash& name)
{
    std::uint64_t place = 0;
    std::memcpy(&place, name.bytes.data(), sizeof place);
    return seen_[place & (seen_max - 1)];
}

} // namespace belfry::node
