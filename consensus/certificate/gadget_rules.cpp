// SPDX-License-Identifier: Apache-2.0
// What this validator says, and when.
#include "base/check.hpp"
#include "consensus/certificate/gadget_state.hpp"
#include "consensus/leader_schedule.hpp"

#include <algorithm>

namespace belfry::consensus {

namespace {
// Deadlines under way: slots may be far shorter than the patience with them.
constexpr std::size_t ends_max = 64;
constexpr std::size_t windows_max = 16;
constexpr std::uint64_t lag_max = 3; // slots without finality, then the newest is said again
} // namespace

void CertificateGadget::State::act(Effects& effects)
{
    more_to_do = false;
    if (!speaks()) {
        notarize_due = false;
        finalize_due = false;
    }
    // What is said here counts only once it is durable: nothing here brings more of it about.
    if (notarize_due) {
        notarize_what_is_ready(effects);
    }
    if (finalize_due) {
        finalize_what_is_notarized(effects);
    }
    if (skips_due > 0) {
        say_skips(effects);
    }
    if (!relays.empty()) {
        relay(effects);
    }
    if (resend_own_next || resend_next) {
        resend(effects);
    }
    if (certify_due) {
        give_certificates(effects);
    }
    arm(effects);
}

// ---- Saying -------------------------------------------------------------------------------------

bool CertificateGadget::State::can_say(const Effects& effects) const
{
    return speaks() && effects.has_room() && under_way.size() < statements_under_way;
}

JournalSequence CertificateGadget::State::say(const Statement& statement, Effects& effects)
{
    // Who says finalize can never skip that slot again. Would it lose in a crash what the others
    // need to get past the slot, and liars keep silent, nobody ever could: so it keeps the votes.
    const bool keeps_votes =
        statement.kind == StatementKind::finalize && !config.defects.certificates_not_journaled;
    scratch.clear();
    if (keeps_votes) {
        collect_certified(StatementKind::notarize, statement.first, scratch);
    }
    const JournalSequence sequence = counter.next();
    const StatementBody body = encode_statement(statement);
    scratch_bytes.clear();
    ByteWriter writer(scratch_bytes);
    writer.u8(static_cast<std::uint8_t>(static_cast<unsigned>(statement.kind) + 1));
    writer.bytes(body.view());
    if (!scratch.empty()) {
        encode_certificate({.kind = StatementKind::notarize,
                            .slot = statement.first,
                            .id = scratch.front().statement.id,
                            .votes = {scratch.begin(), scratch.end()}},
                           scratch_bytes);
    }
    effects.persist(sequence, scratch_bytes);
    const bool early = config.defects.sends_before_persist;
    effects.send(early ? JournalSequence::first() : sequence, statement.kind, body.view());
    under_way.push_back({.sequence = sequence, .statement = statement});
    newest_said = std::max(newest_said, statement.last);
    newest_spoken_of = std::max(newest_spoken_of, statement.last);
    return sequence;
}

void CertificateGadget::State::repeat(std::optional<JournalSequence> after,
                                      const Statement& statement, Effects& effects) const
{
    BELFRY_CHECK(after);
    effects.send(*after, statement.kind, encode_statement(statement).view());
}

// ---- Notarize -----------------------------------------------------------------------------------

/// Every slot in (last_unskipped, block's slot) has a skip certificate.
bool CertificateGadget::State::parent_ready(const HeldBlock& block, Slot last_unskipped) const
{
    if (config.defects.base_ignored) {
        return true;
    }
    const bool notarized_or_final =
        block.parent == finalized ||
        (block.parent.slot > finalized.slot && is_notarized(block.parent));
    return notarized_or_final && last_unskipped <= block.parent.slot;
}

const HeldBlock* CertificateGadget::State::choose(Slot slot, Slot last_unskipped) const
{
    const SlotState& one = at(slot);
    const HeldBlock* best = nullptr;
    Stake most;
    for (const HeldBlock& block : one.votes->held()) {
        const bool again = one.own.notarized && block.name.id == one.own.id;
        if (!block.valid || again || !parent_ready(block, last_unskipped)) {
            continue;
        }
        Stake support;
        for (const Candidate& candidate : one.votes->candidates) {
            support = candidate.id == block.name.id ? candidate.stake : support;
        }
        if (best == nullptr || support > most) {
            best = &block;
            most = support;
        }
    }
    return best;
}

void CertificateGadget::State::notarize_what_is_ready(Effects& effects)
{
    Slot last_unskipped = finalized.slot;
    const Slot last = std::min(newest_block, Slot{end().value - 1});
    for (Slot slot = finalized.slot.next(); slot <= last; slot = slot.next()) {
        SlotState& one = at(slot);
        const bool may = (!one.own.notarized || config.defects.notarizes_twice) &&
                         (!one.own.skipped || !config.defects.skip_forbids_notarize) &&
                         slot > silent_through;
        const HeldBlock* block = may && one.votes ? choose(slot, last_unskipped) : nullptr;
        if (block != nullptr) {
            if (!can_say(effects)) {
                more_to_do = signing && under_way.size() < statements_under_way;
                return; // stays due
            }
            const Hash id = block->name.id;
            one.own.notarized = true;
            one.own.id = id;
            one.own.notarized_after =
                say(Statement::notarize(self(), {.slot = slot, .id = id}), effects);
            finalize_due = true;
        }
        if (!one.skip_certified) {
            last_unskipped = slot;
        }
    }
    notarize_due = false;
}

// ---- Finalize -----------------------------------------------------------------------------------

void CertificateGadget::State::finalize_what_is_notarized(Effects& effects)
{
    for (Slot slot = finalized.slot.next(); slot <= newest_notarized; slot = slot.next()) {
        SlotState& one = at(slot);
        const bool may = one.own.notarized && !one.own.finalized && slot > silent_through &&
                         (!one.own.skipped || config.defects.finalize_after_skip) &&
                         one.notarized != no_candidate &&
                         one.votes->candidates[one.notarized].id == one.own.id;
        if (!may) {
            continue;
        }
        if (!can_say(effects) || !effects.has_room(certificate_bytes_max)) {
            more_to_do = signing && under_way.size() < statements_under_way;
            return;
        }
        one.own.finalized = true;
        if (one.own.skip_due) {
            one.own.skip_due = false;
            --skips_due;
        }
        one.own.finalized_after = say(Statement::finalize(self(), slot), effects);
    }
    finalize_due = false;
}

// ---- Skip ---------------------------------------------------------------------------------------

void CertificateGadget::State::skip_later(Slot slot)
{
    if (slot <= finalized.slot || slot <= silent_through || !in_window(slot)) {
        return;
    }
    OwnSlot& own = at(slot).own;
    const bool bound = own.finalized && !config.defects.skip_after_finalize;
    if (own.skipped || own.skip_due || bound || !speaks()) {
        return;
    }
    own.skip_due = true;
    ++skips_due;
}

/// The longest run of skipped slots around this one, above finalized. Nothing new is promised by
/// saying a whole run at once, and who missed the earlier ones has them all again.
CertificateGadget::State::OwnRun CertificateGadget::State::skip_run(Slot slot, bool with_due) const
{
    std::optional<JournalSequence> after;
    const auto belongs = [&](std::uint64_t value) {
        const Slot one{value};
        if (one <= finalized.slot || !in_window(one)) {
            return false;
        }
        const OwnSlot& own = at(one).own;
        if (own.skipped && (!after || after < own.skipped_after)) {
            after = own.skipped_after;
        }
        return own.skipped || (with_due && own.skip_due);
    };
    std::uint64_t first = slot.value;
    std::uint64_t last = slot.value;
    BELFRY_CHECK(belongs(slot.value));
    while (last - first + 1 < skip_slots_max && belongs(last + 1)) {
        ++last;
    }
    while (last - first + 1 < skip_slots_max && belongs(first - 1)) {
        --first;
    }
    return {.statement = Statement::skip(self(), {.first = Slot{first}, .last = Slot{last}}),
            .after = after};
}

void CertificateGadget::State::say_skips(Effects& effects)
{
    for (Slot slot = finalized.slot.next(); slot < end() && skips_due > 0; slot = slot.next()) {
        if (!at(slot).own.skip_due) {
            continue;
        }
        if (!can_say(effects)) {
            more_to_do = signing && under_way.size() < statements_under_way;
            return;
        }
        const Statement run = skip_run(slot, true).statement;
        const JournalSequence sequence = say(run, effects);
        for (Slot one = run.first; one <= run.last; one = one.next()) {
            OwnSlot& own = at(one).own;
            skips_due -= own.skip_due ? 1 : 0;
            own.skip_due = false;
            own.skipped = true;
            own.skipped_after = sequence;
        }
    }
}

/// The base stands: what its chain does not use, down to where the base before stands on it too.
void CertificateGadget::State::pass_over(const BlockName& base_before)
{
    BlockName child = base;
    while (child.slot > finalized.slot && child != base_before) {
        const HeldBlock* block = held(child);
        if (block == nullptr) {
            return;
        }
        const Slot above = std::max(block->parent.slot, finalized.slot);
        for (Slot slot = above.next(); slot < child.slot; slot = slot.next()) {
            skip_later(slot);
        }
        child = block->parent;
    }
}

// ---- Time ---------------------------------------------------------------------------------------

void CertificateGadget::State::tick(Slot slot, Effects& effects)
{
    const bool begins = !slot_now;
    if (!begins && slot <= *slot_now) {
        return;
    }
    slot_now = slot;
    const Slot upto = std::min(slot, end());
    if (upto > watched) {
        if (ends.size() == ends_max) {
            ends.pop_back(); // the new one covers it; the oldest must come due
        }
        ends.push_back({.end = upto, .at = in(config.times.notarized_ms)});
        watched = upto;
    }
    if (slot >= epoch_begin && (slot.value - epoch_begin.value) % slots_per_window == 0) {
        if (windows.size() == windows_max) {
            windows.pop_back(); // its slots' ends come due without it
        }
        windows.push_back({.first = slot, .at = in(config.times.first_shred_ms)});
    }
    if (begins) {
        begin_resend(); // peers may have restarted too
    } else if (slot.value > finalized.slot.value + lag_max) {
        refresh(effects);
    }
}

/// Without finality the newest of what may be missing is said again in every slot.
void CertificateGadget::State::refresh(Effects& effects)
{
    if (!signing || !effects.has_room()) {
        return;
    }
    const Slot last = std::min(newest_said, Slot{end().value - 1});
    for (Slot slot = finalized.slot.next(); slot <= last; slot = slot.next()) {
        if (at(slot).own.notarized) {
            resend_own(slot, effects);
            break;
        }
    }
    for (Slot slot = last; slot > finalized.slot; slot = Slot{slot.value - 1}) {
        const OwnSlot& own = at(slot).own;
        if (own.skipped) {
            const OwnRun run = skip_run(slot, false);
            repeat(run.after, run.statement, effects);
            break;
        }
    }
}

void CertificateGadget::State::look_at_deadlines()
{
    while (!windows.empty() && windows.front().at <= now) {
        const Slot first = windows.front().first;
        windows.erase(windows.begin());
        bool alive = newest_notarized >= first;
        for (std::uint64_t i = 0; i < slots_per_window; ++i) {
            const Slot slot{first.value + i};
            alive = alive || (in_window(slot) && at(slot).first_shred);
        }
        for (std::uint64_t i = 0; !alive && i < slots_per_window; ++i) {
            skip_later(Slot{first.value + i});
        }
    }
    while (!ends.empty() && ends.front().at <= now) {
        const Slot until = ends.front().end;
        ends.erase(ends.begin());
        bool seen = false;
        for (Slot slot = std::max(expired, Slot{low}); slot < until; slot = slot.next()) {
            if (slot > newest_notarized) {
                skip_later(slot);
                seen = seen || (at(slot).votes && at(slot).votes->block_count > 0);
            }
        }
        expired = std::max(expired, until);
        if (seen && newest_skip_certified > finalized.slot) {
            // There was a block and it was not notarized: somebody lacks what makes it ready.
            relay_later(StatementKind::skip, newest_skip_certified);
        }
    }
    if (standstill_at && *standstill_at <= now) {
        ++counters.standstills;
        standstill_at = in(config.times.standstill_ms);
        begin_resend();
    }
}

// ---- Restart ------------------------------------------------------------------------------------

/// An honest journal cannot hold it after what it holds already.
bool CertificateGadget::State::denies(const Statement& statement) const
{
    for (std::uint64_t i = std::max(low, statement.first.value);
         i <= std::min(statement.last.value, end().value - 1); ++i) {
        const OwnSlot& own = at(Slot{i}).own;
        const bool denied = statement.kind == StatementKind::skip ? own.finalized
                            : statement.kind == StatementKind::finalize
                                ? own.skipped
                                : own.notarized && own.id != statement.id;
        if (denied) {
            return true;
        }
    }
    return false;
}

void CertificateGadget::State::restore_own(const Statement& statement, JournalSequence after,
                                           const Certificate* votes)
{
    if (votes != nullptr && statement.first > finalized.slot && in_window(statement.first)) {
        restored.insert(restored.end(), votes->votes.begin(), votes->votes.end());
    }
    if (statement.last >= end()) {
        silent_through = std::max(silent_through, statement.last);
    }
    newest_said = std::max(newest_said, statement.last);
    newest_spoken_of = std::max(newest_spoken_of, statement.last);
    for (std::uint64_t i = std::max(low, statement.first.value);
         i <= std::min(statement.last.value, end().value - 1); ++i) {
        OwnSlot& own = at(Slot{i}).own;
        if (statement.kind == StatementKind::skip) {
            own.skipped = true;
            own.skipped_after = after;
        } else if (statement.kind == StatementKind::finalize) {
            own.finalized = true;
            own.finalized_after = after;
        } else {
            own.notarized = true;
            own.id = statement.id;
            own.notarized_after = after;
        }
    }
}

} // namespace belfry::consensus
