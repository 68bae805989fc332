// SPDX-License-Identifier: Apache-2.0
// Statements heard, tallies, and what a certificate brings about.
#include "base/check.hpp"
#include "consensus/certificate/gadget_state.hpp"
#include "consensus/evidence.hpp"

#include <algorithm>

namespace belfry::consensus {

namespace {

Testimony testimony(const Statement& statement, const Signature& signature)
{
    const StatementBody body = encode_statement(statement);
    return {.kind = statement.kind,
            .body = {body.view().begin(), body.view().end()},
            .signature = signature};
}

void accuse(const Testimony& one, const Testimony& other, const Accuse& accusation,
            Effects& effects)
{
    const std::optional<Evidence> evidence = find_contradiction(one, other);
    BELFRY_CHECK(evidence);
    Bytes bytes;
    encode_evidence(*evidence, bytes);
    effects.add(accusation);
    effects.expose(accusation.who, bytes);
}

} // namespace

// ---- Statements ---------------------------------------------------------------------------------

void CertificateGadget::State::hear(const VoteMessage& message, Effects& effects)
{
    const auto statement = decode_statement(message.kind, message.body);
    if (!statement || statement->voter != message.from) {
        ++counters.statements_malformed;
        return;
    }
    if (signing && config.self == message.from) {
        hear_own(*statement, message.signature, effects);
        return;
    }
    count(*statement, &message.signature, effects);
}

void CertificateGadget::State::hear_own(const Statement& statement, const Signature& signature,
                                        Effects& effects)
{
    const std::uint64_t first = std::max(statement.first.value, low);
    const std::uint64_t last = std::min(statement.last.value, end().value - 1);
    if (statement.last >= end() && statement.last > silent_through) {
        stop(FaultReason::identity_elsewhere, effects); // beyond all that was ever said here
        return;
    }
    for (std::uint64_t i = first; i <= last; ++i) {
        const Slot slot{i};
        const OwnSlot& own = at(slot).own;
        const bool mine = statement.kind == StatementKind::skip ? own.skipped
                          : statement.kind == StatementKind::finalize
                              ? own.finalized
                              : own.notarized && own.id == statement.id;
        // Not for what may have been said before the journal that this node was given begins.
        if (!mine && slot > config.finalized.slot && slot > silent_through) {
            stop(FaultReason::identity_elsewhere, effects);
            return;
        }
        if (!mine) {
            return;
        }
    }
    ++counters.statements_repeated;
    if (first > last || voter_count <= statement.voter.value) {
        return;
    }
    // An echo: here is the signature.
    if (statement.kind == StatementKind::skip) {
        keep_range(statement, signature);
        return;
    }
    const std::size_t voter = statement.voter.value;
    SlotVotes& votes = votes_of(at(statement.first));
    if (statement.kind == StatementKind::notarize) {
        votes.notarizations[voter][0] = signature;
        votes.notarization_signed[0].insert(statement.voter);
    } else {
        votes.finals[voter] = signature;
        votes.final_signed.insert(statement.voter);
    }
    certify_due = !to_certify.empty();
}

void CertificateGadget::State::count(const Statement& statement, const Signature* signature,
                                     Effects& effects)
{
    const std::size_t voter = statement.voter.value;
    if (voter >= voter_count) {
        ++counters.statements_unknown_voter;
        return;
    }
    if (statement.last.value < low || statement.first >= end()) {
        ++counters.statements_outside_window;
        return;
    }
    peers[voter].heard_at = now;
    newest_spoken_of = std::max(newest_spoken_of, statement.last);
    switch (statement.kind) {
    case StatementKind::notarize:
        // Its parent was ready there, whatever stands between.
        peers[voter].past = std::max(peers[voter].past, statement.first);
        count_notarize(statement, signature, effects);
        return;
    case StatementKind::finalize:
        peers[voter].past = std::max(peers[voter].past, statement.first.next());
        count_finalize(statement, signature, effects);
        return;
    case StatementKind::skip:
        count_skip(statement, signature, effects);
        return;
    case StatementKind::tower_vote:
        break;
    }
}

std::uint16_t CertificateGadget::State::candidate_for(SlotVotes& votes, const Hash& id)
{
    std::size_t unused = votes.candidates.size();
    for (std::size_t i = 0; i < votes.candidates.size(); ++i) {
        if (votes.candidates[i].id == id) {
            return static_cast<std::uint16_t>(i);
        }
        if (votes.candidates[i].stake == Stake{} && !votes.candidates[i].certified) {
            unused = i;
        }
    }
    if (unused == votes.candidates.size()) {
        votes.candidates.emplace_back();
    }
    votes.candidates[unused] = Candidate{.id = id, .stake = {}, .voters = {}};
    return static_cast<std::uint16_t>(unused);
}

/// Which of a voter's two choices a new id takes. A third takes the place of the one that fewer
/// support, if fewer than support it already: who shows that a quorum exists must be believed,
/// whatever liars said here before.
std::optional<std::size_t> CertificateGadget::State::place_for(const SlotVotes& votes,
                                                               std::size_t voter, const Hash& id)
{
    const SlotVotes::Pair& chosen = votes.choices[voter];
    for (std::size_t place = 0; place < chosen.size(); ++place) {
        if (chosen[place] == no_candidate) {
            return place;
        }
    }
    Stake support;
    for (const Candidate& candidate : votes.candidates) {
        if (candidate.id == id) {
            support = candidate.stake;
        }
    }
    const auto weight = [&](std::size_t place) {
        const Candidate& candidate = votes.candidates[chosen[place]];
        return candidate.certified ? Stake{UINT64_MAX} : candidate.stake;
    };
    const std::size_t weakest = weight(1) <= weight(0) ? 1 : 0;
    return weight(weakest) < support ? std::optional{weakest} : std::nullopt;
}

void CertificateGadget::State::count_notarize(const Statement& statement,
                                              const Signature* signature, Effects& effects)
{
    const Slot slot = statement.first;
    const StakeTable& stakes = table(slot);
    const Stake stake = stakes.stake(statement.voter);
    if (stake == Stake{}) {
        ++counters.statements_unknown_voter;
        return;
    }
    const std::size_t voter = statement.voter.value;
    SlotVotes& votes = votes_of(at(slot));
    for (const std::uint16_t chosen : votes.choices[voter]) {
        if (chosen != no_candidate && votes.candidates[chosen].id == statement.id) {
            ++counters.statements_repeated;
            if (config.defects.voter_counted_twice) {
                votes.candidates[chosen].stake.value += stake.value;
            }
            if (!config.defects.voter_counted_twice || votes.candidates[chosen].certified ||
                !is_quorum(stakes, votes.candidates[chosen].stake)) {
                return;
            }
            votes.candidates[chosen].certified = true;
            notarization_formed(slot, chosen, effects);
            return;
        }
    }
    const std::optional<std::size_t> place = place_for(votes, voter, statement.id);
    if (!place) {
        ++counters.third_notarizations;
        return;
    }
    std::uint16_t& chosen = votes.choices[voter][*place];
    if (chosen != no_candidate) {
        ++counters.third_notarizations;
        Candidate& left = votes.candidates[chosen];
        left.stake = left.stake.minus(stake).value_or(Stake{});
        left.voters.remove(statement.voter);
    }
    chosen = candidate_for(votes, statement.id);
    if (signature != nullptr) {
        votes.notarizations[voter][*place] = *signature;
        votes.notarization_signed[*place].insert(statement.voter);
    }
    ++counters.statements_counted;
    Candidate& candidate = votes.candidates[chosen];
    candidate.voters.insert(statement.voter);
    candidate.stake = Stake{candidate.stake.value + stake.value};
    if (*place == 1) {
        expose_notarizations(slot, statement.voter, effects);
    }
    certify_due = !to_certify.empty();
    if (!candidate.certified && is_quorum(stakes, candidate.stake)) {
        candidate.certified = true;
        notarization_formed(slot, chosen, effects);
    }
}

void CertificateGadget::State::count_skip(const Statement& statement, const Signature* signature,
                                          Effects& effects)
{
    const ValidatorIndex voter = statement.voter;
    const std::uint64_t first = std::max(statement.first.value, low);
    const std::uint64_t last = std::min(statement.last.value, end().value - 1);
    if (signature != nullptr) {
        keep_range(statement, *signature);
    }
    bool counted = false;
    for (std::uint64_t i = first; i <= last; ++i) {
        SlotState& slot = at(Slot{i});
        if (!slot.skip_voters.insert(voter) && !config.defects.voter_counted_twice) {
            continue;
        }
        const StakeTable& stakes = table(Slot{i});
        const Stake stake = stakes.stake(voter);
        if (stake == Stake{}) {
            slot.skip_voters.remove(voter);
            continue;
        }
        counted = true;
        slot.skip_stake = Stake{slot.skip_stake.value + stake.value};
        if (slot.final_voters.contains(voter)) {
            expose_final_and_skip(Slot{i}, voter, effects);
        }
        if (!slot.skip_certified && is_quorum(stakes, slot.skip_stake)) {
            skip_formed(Slot{i}, effects);
        }
    }
    ++(counted ? counters.statements_counted : counters.statements_repeated);
}

void CertificateGadget::State::count_finalize(const Statement& statement,
                                              const Signature* signature, Effects& effects)
{
    const ValidatorIndex voter = statement.voter;
    SlotState& slot = at(statement.first);
    const StakeTable& stakes = table(statement.first);
    const Stake stake = stakes.stake(voter);
    if (stake == Stake{}) {
        ++counters.statements_unknown_voter;
        return;
    }
    if (!slot.final_voters.insert(voter) && !config.defects.voter_counted_twice) {
        ++counters.statements_repeated;
        return;
    }
    ++counters.statements_counted;
    slot.final_stake = Stake{slot.final_stake.value + stake.value};
    if (signature != nullptr) {
        SlotVotes& votes = votes_of(slot);
        votes.finals[voter.value] = *signature;
        votes.final_signed.insert(voter);
    }
    if (slot.skip_voters.contains(voter)) {
        expose_final_and_skip(statement.first, voter, effects);
    }
    certify_due = !to_certify.empty();
    if (!slot.final_certified && is_quorum(stakes, slot.final_stake)) {
        final_formed(statement.first, effects);
    }
}

void CertificateGadget::State::keep_range(const Statement& statement, const Signature& signature)
{
    Ranges& kept = ranges[statement.voter.value];
    for (std::size_t i = 0; i < kept.count; ++i) {
        if (kept.ranges[i].first <= statement.first && statement.last <= kept.ranges[i].last) {
            return;
        }
    }
    // A wider one takes the place of what it covers; else the lowest goes when all are taken.
    std::size_t left = 0;
    for (std::size_t i = 0; i < kept.count; ++i) {
        const bool covered =
            statement.first <= kept.ranges[i].first && kept.ranges[i].last <= statement.last;
        if (!covered) {
            kept.ranges[left++] = kept.ranges[i];
        }
    }
    kept.count = left;
    std::size_t place = kept.count;
    if (kept.count == skips_kept) {
        const auto lowest = std::ranges::min_element(kept.ranges, {}, &SignedRange::last);
        place = static_cast<std::size_t>(lowest - kept.ranges.begin());
    } else {
        ++kept.count;
    }
    kept.ranges[place] = {.first = statement.first, .last = statement.last, .signature = signature};
}

const SignedRange* CertificateGadget::State::range_over(ValidatorIndex voter, Slot slot) const
{
    const Ranges& kept = ranges[voter.value];
    for (std::size_t i = 0; i < kept.count; ++i) {
        if (kept.ranges[i].first <= slot && slot <= kept.ranges[i].last) {
            return &kept.ranges[i];
        }
    }
    return nullptr;
}

// ---- Who contradicts himself --------------------------------------------------------------------

void CertificateGadget::State::expose_notarizations(Slot slot, ValidatorIndex voter,
                                                    Effects& effects)
{
    ++counters.contradictions;
    SlotVotes& votes = votes_of(at(slot));
    if (!effects.has_room(evidence_bytes_max) || !votes.notarization_signed[0].contains(voter) ||
        !votes.notarization_signed[1].contains(voter) || !votes.accused.insert(voter)) {
        return;
    }
    const SlotVotes::Pair& chosen = votes.choices[voter.value];
    const BlockName first{.slot = slot, .id = votes.candidates[chosen[0]].id};
    const BlockName second{.slot = slot, .id = votes.candidates[chosen[1]].id};
    accuse(testimony(Statement::notarize(voter, first), votes.notarizations[voter.value][0]),
           testimony(Statement::notarize(voter, second), votes.notarizations[voter.value][1]),
           {.who = voter, .first = first, .second = second}, effects);
}

void CertificateGadget::State::expose_final_and_skip(Slot slot, ValidatorIndex voter,
                                                     Effects& effects)
{
    ++counters.contradictions;
    SlotVotes& votes = votes_of(at(slot));
    const SignedRange* range = range_over(voter, slot);
    if (!effects.has_room(evidence_bytes_max) || range == nullptr ||
        !votes.final_signed.contains(voter) || !votes.accused.insert(voter)) {
        return;
    }
    accuse(testimony(Statement::skip(voter, {.first = range->first, .last = range->last}),
                     range->signature),
           testimony(Statement::finalize(voter, slot), votes.finals[voter.value]),
           {.who = voter, .first = {.slot = slot, .id = {}}, .second = {.slot = slot, .id = {}}},
           effects);
}

// ---- Certificates -------------------------------------------------------------------------------

void CertificateGadget::State::recount(Effects& effects)
{
    const std::uint64_t first = low; // finality may move it meanwhile
    for (std::uint64_t i = 0; i < config.slots_max; ++i) {
        const Slot slot{first + i};
        if (!in_window(slot)) {
            continue;
        }
        SlotState& one = at(slot);
        const StakeTable& stakes = table(slot);
        one.skip_stake = stakes.of(one.skip_voters);
        one.final_stake = stakes.of(one.final_voters);
        if (!one.skip_certified && is_quorum(stakes, one.skip_stake)) {
            skip_formed(slot, effects);
        }
        for (std::size_t k = 0; one.votes && k < one.votes->candidates.size(); ++k) {
            Candidate& candidate = one.votes->candidates[k];
            candidate.stake = stakes.of(candidate.voters);
            if (!candidate.certified && is_quorum(stakes, candidate.stake)) {
                candidate.certified = true;
                notarization_formed(slot, static_cast<std::uint16_t>(k), effects);
            }
        }
        if (!one.final_certified && is_quorum(stakes, one.final_stake)) {
            final_formed(slot, effects);
        }
    }
}

void CertificateGadget::State::count_own(Effects& effects)
{
    const std::uint64_t first = low; // finality may move it meanwhile
    for (std::uint64_t i = 0; i < config.slots_max; ++i) {
        const Slot slot{first + i};
        const OwnSlot own = in_window(slot) ? at(slot).own : OwnSlot{};
        if (own.notarized) {
            count(Statement::notarize(self(), {.slot = slot, .id = own.id}), nullptr, effects);
        }
        if (own.skipped) {
            count(Statement::skip(self(), {.first = slot, .last = slot}), nullptr, effects);
        }
        if (own.finalized) {
            count(Statement::finalize(self(), slot), nullptr, effects);
        }
    }
}

void CertificateGadget::State::notarization_formed(Slot slot, std::uint16_t candidate,
                                                   Effects& effects)
{
    SlotState& one = at(slot);
    if (one.notarized != no_candidate) {
        conflict(slot, slot, effects);
        return;
    }
    one.notarized = candidate;
    newest_notarized = std::max(newest_notarized, slot);
    notarize_due = true;
    finalize_due = true;
    relay_later(StatementKind::notarize, slot);
    const BlockName block{.slot = slot, .id = one.votes->candidates[candidate].id};
    const HeldBlock* known = held(block);
    if (known != nullptr) {
        move_base(block);
    } else if (slot > finalized.slot && effects.has_room()) {
        effects.add(Want{.block = block});
    }
    settle(slot, effects);
}

void CertificateGadget::State::skip_formed(Slot slot, Effects& effects)
{
    SlotState& one = at(slot);
    one.skip_certified = true;
    one.skip_certified_at = now;
    newest_skip_certified = std::max(newest_skip_certified, slot);
    notarize_due = true;
    if (one.final_certified) {
        conflict(slot, slot, effects);
    }
}

void CertificateGadget::State::final_formed(Slot slot, Effects& effects)
{
    SlotState& one = at(slot);
    one.final_certified = true;
    if (one.skip_certified) {
        conflict(slot, slot, effects);
    }
    settle(slot, effects);
}

/// Both certificates of a slot make its block final, once it is held.
void CertificateGadget::State::settle(Slot slot, Effects& effects)
{
    const SlotState& one = at(slot);
    if (!one.final_certified || one.notarized == no_candidate || conflicted) {
        return;
    }
    const BlockName block{.slot = slot, .id = one.votes->candidates[one.notarized].id};
    const bool newer = slot > finalized.slot;
    // The upper one must have the lower one among its ancestors.
    const BlockName& lower = newer ? finalized : block;
    BlockName walked = newer ? block : finalized;
    while (walked.slot > lower.slot) {
        const HeldBlock* step = held(walked);
        if (step == nullptr) {
            break; // not held: nothing is known against it
        }
        walked = step->parent;
    }
    if (walked != lower && walked.slot <= lower.slot) {
        conflict(slot, finalized.slot, effects);
        return;
    }
    if (std::ranges::find(to_certify, slot) == to_certify.end()) {
        if (to_certify.size() == 8) {
            to_certify.erase(to_certify.begin());
        }
        to_certify.push_back(slot);
        certify_due = true;
    }
    if (!newer || held(block) == nullptr) {
        return;
    }
    finalized = block;
    if (base.slot < slot) {
        base = block;
        base_at = now;
    }
    slide(slot);
    notarize_due = true;
    standstill_at.reset();
    resend_own_next.reset();
    resend_next.reset();
}

void CertificateGadget::State::conflict(Slot slot, Slot other, Effects& effects)
{
    if (conflicted) {
        return;
    }
    conflicted = true;
    keep_certificates(slot);
    if (other != slot) {
        keep_certificates(other);
    }
    stop(FaultReason::certificates_conflict, effects);
}

void CertificateGadget::State::keep_certificates(Slot slot)
{
    const auto keep = [&](StatementKind kind, const Hash& id) {
        Certificate certificate{.kind = kind, .slot = slot, .id = id, .votes = {}};
        collect(certificate.kind, certificate.block(), certificate.votes);
        if (!certificate.votes.empty()) {
            conflicting.emplace_back();
            encode_certificate(certificate, conflicting.back());
        }
    };
    const SlotState& one = at(slot);
    for (std::size_t i = 0; one.votes && i < one.votes->candidates.size(); ++i) {
        if (one.votes->candidates[i].certified) {
            keep(StatementKind::notarize, one.votes->candidates[i].id);
        }
    }
    if (one.skip_certified) {
        keep(StatementKind::skip, {});
    }
    if (one.final_certified) {
        keep(StatementKind::finalize, {});
    }
}

void CertificateGadget::State::stop(FaultReason why, Effects& effects)
{
    signing = false;
    effects.add(Fault{.why = why});
}

void CertificateGadget::State::move_base(const BlockName& block)
{
    const HeldBlock* known = held(block);
    BELFRY_CHECK(known != nullptr);
    if (block.slot <= base.slot || !known->valid) {
        return;
    }
    const BlockName before = base;
    base = block;
    base_at = now;
    pass_over(before);
}

} // namespace belfry::consensus
