// SPDX-License-Identifier: Apache-2.0
// What others may lack: relays, standstill, certificates to be stored; and the one timer.
#include "base/check.hpp"
#include "consensus/certificate/gadget_state.hpp"
#include "consensus/certificate/vote_bundle.hpp"

#include <algorithm>

namespace belfry::consensus {

namespace {
constexpr std::size_t resend_bundles_max = 64; // of one standstill
constexpr std::uint64_t silent_delays = 16;    // delay bounds; who is silent that long is down
} // namespace

// ---- Votes behind a certificate -----------------------------------------------------------------

void CertificateGadget::State::collect(StatementKind kind, const BlockName& block,
                                       std::vector<SignedStatement>& out) const
{
    if (!in_window(block.slot)) {
        return;
    }
    const SlotState& slot = at(block.slot);
    const StakeTable& stakes = table(block.slot);
    for (std::size_t i = 0; i < voter_count; ++i) {
        const ValidatorIndex voter{static_cast<std::uint16_t>(i)};
        if (stakes.stake(voter) == Stake{}) {
            continue;
        }
        if (kind == StatementKind::skip) {
            const SignedRange* range =
                slot.skip_voters.contains(voter) ? range_over(voter, block.slot) : nullptr;
            if (range != nullptr) {
                out.push_back({.statement = Statement::skip(
                                   voter, {.first = range->first, .last = range->last}),
                               .signature = range->signature});
            }
            continue;
        }
        if (!slot.votes) {
            return;
        }
        const SlotVotes& votes = *slot.votes;
        if (kind == StatementKind::finalize) {
            if (slot.final_voters.contains(voter) && votes.final_signed.contains(voter)) {
                out.push_back({.statement = Statement::finalize(voter, block.slot),
                               .signature = votes.finals[i]});
            }
            continue;
        }
        for (std::size_t place = 0; place < 2; ++place) {
            const std::uint16_t chosen = votes.choices[i][place];
            const bool is_signed = votes.notarization_signed[place].contains(voter);
            if (chosen != no_candidate && is_signed && votes.candidates[chosen].id == block.id) {
                out.push_back({.statement = Statement::notarize(voter, block),
                               .signature = votes.notarizations[i][place]});
            }
        }
    }
}

void CertificateGadget::State::collect_certified(StatementKind kind, Slot slot,
                                                 std::vector<SignedStatement>& out) const
{
    if (!in_window(slot)) {
        return;
    }
    BlockName block{.slot = slot, .id = {}};
    if (kind == StatementKind::notarize) {
        if (at(slot).notarized == no_candidate) {
            return;
        }
        block.id = at(slot).votes->candidates[at(slot).notarized].id;
    }
    collect(kind, block, out);
}

std::optional<Certificate> CertificateGadget::State::certificate(StatementKind kind,
                                                                 Slot slot) const
{
    Certificate found{.kind = kind, .slot = slot, .id = {}, .votes = {}};
    collect_certified(kind, slot, found.votes);
    std::uint64_t sum = 0; // cannot overflow: the table's total did not
    for (const SignedStatement& vote : found.votes) {
        sum += table(slot).stake(vote.statement.voter).value;
    }
    if (!is_quorum(table(slot), Stake{sum})) {
        return std::nullopt;
    }
    found.id = found.votes.front().statement.id;
    return found;
}

void CertificateGadget::State::give_certificates(Effects& effects)
{
    certify_due = false;
    std::erase_if(to_certify, [&](Slot slot) {
        if (!in_window(slot)) {
            return true;
        }
        const auto notarization = certificate(StatementKind::notarize, slot);
        const auto finalization = certificate(StatementKind::finalize, slot);
        if (!notarization || !finalization) {
            return false; // this node's own signature may be what is missing
        }
        // Two of at most 16.9 KB where 64 KB fit, and nothing else here takes the other half.
        if (!effects.has_room(0)) {
            certify_due = true;
            more_to_do = true;
            return false;
        }
        for (const Certificate* one : {&*notarization, &*finalization}) {
            scratch_bytes.clear();
            encode_certificate(*one, scratch_bytes);
            effects.certified(one->kind, slot, scratch_bytes);
        }
        return true;
    });
}

// ---- Relay --------------------------------------------------------------------------------------

void CertificateGadget::State::relay_later(StatementKind kind, Slot slot)
{
    if (!config.self || slot <= finalized.slot) {
        return;
    }
    if (relays.size() == relays_max) {
        ++counters.relays_dropped;
        relays.erase(relays.begin());
    }
    relays.push_back(
        {.kind = kind, .slot = slot, .due = in(config.times.delay_bound_ms), .next_peer = 0});
}

bool CertificateGadget::State::lacks(std::size_t peer, Slot slot) const
{
    const Peer& one = peers[peer];
    const bool alive =
        now.value - one.heard_at.value < silent_delays * config.times.delay_bound_ms * 1'000'000;
    return alive && self().value != peer && one.past <= slot;
}

bool CertificateGadget::State::send_bundles(StatementKind kind, Slot slot,
                                            std::optional<ValidatorIndex> to, Effects& effects)
{
    scratch.clear();
    collect_certified(kind, slot, scratch);
    const std::size_t entries = vote_bundle_entries(kind);
    const std::size_t bundles = (scratch.size() + entries - 1) / entries;
    if (!effects.has_room(bundles * vote_bundle_bytes_max)) {
        return false;
    }
    const std::span<const SignedStatement> votes{scratch};
    for (std::size_t i = 0; i < votes.size(); i += entries) {
        scratch_bytes.clear();
        encode_vote_bundle(slot, votes.subspan(i, std::min(entries, votes.size() - i)),
                           scratch_bytes);
        effects.relay(to, scratch_bytes);
        ++counters.bundles_relayed;
    }
    return true;
}

void CertificateGadget::State::relay(Effects& effects)
{
    while (!relays.empty() && relays.front().due <= now) {
        Relaying& front = relays.front();
        bool finished = front.slot < Slot{low};
        for (; !finished && front.next_peer < voter_count; ++front.next_peer) {
            if (!lacks(front.next_peer, front.slot)) {
                continue;
            }
            if (!send_bundles(front.kind, front.slot, ValidatorIndex{front.next_peer}, effects)) {
                more_to_do = true;
                return;
            }
        }
        relays.erase(relays.begin());
    }
}

// ---- Standstill ---------------------------------------------------------------------------------

void CertificateGadget::State::begin_resend()
{
    // With the final slot's own: who restarted has its signature from nowhere else, and others may
    // lack just that one.
    resend_own_next = finalized.slot;
    if (!resend_next || *resend_next <= finalized.slot || *resend_next >= end()) {
        resend_next = finalized.slot;
    }
    resend_left = resend_bundles_max;
}

/// All that was said of a slot; a run of skips at its first slot. False when there was no room.
bool CertificateGadget::State::resend_own(Slot slot, Effects& effects)
{
    const OwnSlot& own = at(slot).own;
    if (!effects.has_room()) {
        return false;
    }
    if (own.notarized) {
        repeat(own.notarized_after, Statement::notarize(self(), {.slot = slot, .id = own.id}),
               effects);
    }
    if (own.finalized) {
        repeat(own.finalized_after, Statement::finalize(self(), slot), effects);
    }
    const bool begins = own.skipped && slot > finalized.slot &&
                        (slot == finalized.slot.next() || !at(Slot{slot.value - 1}).own.skipped);
    if (begins) {
        const OwnRun run = skip_run(slot, false);
        repeat(run.after, run.statement, effects);
    }
    return true;
}

/// A skip certificate whose votes are not all among those of the next slot's.
bool CertificateGadget::State::ends_here(Slot slot) const
{
    if (!at(slot).skip_certified) {
        return false;
    }
    if (slot.next() >= end() || !at(slot.next()).skip_certified) {
        return true;
    }
    for (std::size_t i = 0; i < voter_count; ++i) {
        const ValidatorIndex voter{static_cast<std::uint16_t>(i)};
        const SignedRange* range =
            at(slot).skip_voters.contains(voter) ? range_over(voter, slot) : nullptr;
        if (range != nullptr && range->last == slot) {
            return true;
        }
    }
    return false;
}

void CertificateGadget::State::resend(Effects& effects)
{
    const Slot last = std::min(newest_said, Slot{end().value - 1});
    while (resend_own_next) {
        if (!signing || *resend_own_next > last) {
            resend_own_next.reset();
            break;
        }
        if (!resend_own(*resend_own_next, effects)) {
            more_to_do = true;
            return;
        }
        resend_own_next = resend_own_next->next();
    }
    if (!config.self) {
        resend_next.reset();
    }
    // Where a round ended the next one goes on: so all are sent at last, and each is bounded.
    while (resend_next && resend_left > 0) {
        const Slot slot = *resend_next;
        if (slot >= end()) {
            resend_next.reset();
            return;
        }
        for (const StatementKind kind :
             {StatementKind::notarize, StatementKind::finalize, StatementKind::skip}) {
            const SlotState& one = at(slot);
            const bool wanted = kind == StatementKind::skip ? ends_here(slot)
                                : kind == StatementKind::finalize
                                    ? one.final_certified && slot == finalized.slot
                                    : one.notarized != no_candidate;
            if (!wanted) {
                continue;
            }
            const std::uint64_t before = counters.bundles_relayed;
            if (!send_bundles(kind, slot, std::nullopt, effects)) {
                more_to_do = true;
                return;
            }
            resend_left -= std::min<std::uint64_t>(resend_left, counters.bundles_relayed - before);
        }
        resend_next = slot.next();
    }
}

// ---- The timer ----------------------------------------------------------------------------------

void CertificateGadget::State::arm(Effects& effects)
{
    if (!slot_now) {
        return;
    }
    if (!standstill_at) {
        standstill_at = in(config.times.standstill_ms);
    }
    Tick next = *standstill_at;
    if (!windows.empty()) {
        next = std::min(next, windows.front().at);
    }
    if (!ends.empty()) {
        next = std::min(next, ends.front().at);
    }
    if (!relays.empty()) {
        next = std::min(next, relays.front().due);
    }
    if (more_to_do) {
        next = now;
    }
    const bool sooner = !armed || next < *armed;
    if (sooner) {
        armed = next;
        effects.add(Arm{.timer = {.kind = TimerKind::patience, .slot = {}}, .at = next});
    }
}

} // namespace belfry::consensus
