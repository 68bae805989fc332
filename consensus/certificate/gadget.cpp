// SPDX-License-Identifier: Apache-2.0
#include "consensus/certificate/gadget.hpp"

#include "base/check.hpp"
#include "consensus/certificate/gadget_state.hpp"
#include "consensus/leader_schedule.hpp"

#include <algorithm>
#include <bit>

namespace belfry::consensus {

namespace {
__extension__ using Uint128 = unsigned __int128;
constexpr std::uint64_t ns_per_ms = 1'000'000;
constexpr std::uint8_t record_kind_first = 3; // 1 and 2 are Tower's
constexpr std::uint64_t kept_share = 8;       // of the window, for after a long standstill
constexpr std::uint64_t slots_to_settle = 8;
} // namespace

// ---- Slots --------------------------------------------------------------------------------------

void SlotVotes::clear(std::size_t voter_count)
{
    choices.assign(voter_count, {no_candidate, no_candidate});
    notarizations.resize(voter_count);
    finals.resize(voter_count);
    notarization_signed = {};
    final_signed.clear();
    candidates.clear();
    block_count = 0;
    accused.clear();
}

const HeldBlock* SlotVotes::find(const Hash& id) const
{
    for (const HeldBlock& block : held()) {
        if (block.name.id == id) {
            return &block;
        }
    }
    return nullptr;
}

CertificateGadget::State::State(const GadgetConfig& gadget_config, JournalCounter& journal_counter)
    : config(gadget_config)
    , counter(journal_counter)
    , signing(gadget_config.may_sign && gadget_config.self.has_value())
    , listening(gadget_config.listens_first)
    , ring(gadget_config.slots_max)
    , finalized(gadget_config.finalized)
    , base(gadget_config.finalized)
    , newest_notarized(gadget_config.finalized.slot)
    , newest_block(gadget_config.finalized.slot)
    , newest_said(gadget_config.finalized.slot)
    , watched(gadget_config.finalized.slot.next())
    , expired(gadget_config.finalized.slot.next())
{
    BELFRY_CHECK(std::has_single_bit(config.slots_max));
    BELFRY_CHECK(config.history_slots < config.slots_max / 2);
    BELFRY_CHECK(!config.self || config.self->value < validator_count_max);
    low = finalized.slot.value - std::min(finalized.slot.value, config.history_slots);
    under_way.reserve(statements_under_way);
    ends.reserve(16);
    relays.reserve(relays_max);
    scratch.reserve(validator_count_max);
}

SlotVotes& CertificateGadget::State::votes_of(SlotState& slot)
{
    if (!slot.votes) {
        if (free_votes.empty()) {
            free_votes.push_back(std::make_unique<SlotVotes>());
        }
        slot.votes = std::move(free_votes.back());
        free_votes.pop_back();
        slot.votes->clear(voter_count);
    }
    return *slot.votes;
}

void CertificateGadget::State::release(SlotState& slot)
{
    if (slot.votes) {
        free_votes.push_back(std::move(slot.votes));
    }
    skips_due -= slot.own.skip_due ? 1 : 0;
    slot = SlotState{};
}

void CertificateGadget::State::slide(Slot finalized_slot)
{
    const std::uint64_t bottom =
        finalized_slot.value - std::min(finalized_slot.value, config.history_slots);
    if (bottom <= low) {
        return;
    }
    const std::uint64_t dropped = std::min(bottom - low, config.slots_max);
    for (std::uint64_t i = 0; i < dropped; ++i) {
        release(at(Slot{low + i}));
    }
    low = bottom;
    book.forget_below(Slot{low});
    for (Ranges& kept : ranges) {
        std::size_t left = 0;
        for (std::size_t i = 0; i < kept.count; ++i) {
            if (kept.ranges[i].last.value >= low) {
                kept.ranges[left++] = kept.ranges[i];
            }
        }
        kept.count = left;
    }
}

const HeldBlock* CertificateGadget::State::held(const BlockName& block) const
{
    if (!in_window(block.slot)) {
        return nullptr;
    }
    const SlotState& slot = at(block.slot);
    return slot.votes ? slot.votes->find(block.id) : nullptr;
}

bool CertificateGadget::State::is_notarized(const BlockName& block) const
{
    if (!in_window(block.slot)) {
        return false;
    }
    const SlotState& slot = at(block.slot);
    return slot.notarized != no_candidate && slot.votes->candidates[slot.notarized].id == block.id;
}

/// The block's chain reaches the base, and its first block above that may yet be notarized.
bool CertificateGadget::State::hopeful(Tick at_tick, const BlockName& block,
                                       std::uint64_t chance_ns) const
{
    BlockName child = block;
    while (child.slot > base.slot) {
        const HeldBlock* step = held(child);
        if (step == nullptr) {
            return false;
        }
        if (step->parent == base) {
            const SlotState& slot = at(child.slot);
            return !slot.skip_certified || at_tick.value < slot.skip_certified_at.value + chance_ns;
        }
        child = step->parent;
    }
    return child == base;
}

const StakeTable& CertificateGadget::State::table(Slot slot) const
{
    return book.at(slot);
}

bool CertificateGadget::State::is_quorum(const StakeTable& stakes, Stake part) const
{
    if (config.defects.quorum_is_at_least) {
        return part > Stake{} && Uint128{part.value} * 3 >= Uint128{stakes.total().value} * 2;
    }
    if (config.defects.quorum_short_by_one) {
        part = Stake{part.value + stakes.stake(ValidatorIndex{0}).value};
    }
    return stakes.is_more_than(part, two_thirds);
}

Tick CertificateGadget::State::in(std::uint64_t ms) const
{
    return Tick{now.value + ms * ns_per_ms};
}

ValidatorIndex CertificateGadget::State::self() const
{
    BELFRY_CHECK(config.self);
    return *config.self;
}

// ---- What happened ------------------------------------------------------------------------------

CertificateGadget::CertificateGadget(const GadgetConfig& config, JournalCounter& counter)
    : state_(std::make_unique<State>(config, counter))
{
}

CertificateGadget::~CertificateGadget() = default;

void CertificateGadget::hear(Tick now, const VoteMessage& message, Effects& effects)
{
    state_->now = now;
    state_->hear(message, effects);
    state_->act(effects);
}

void CertificateGadget::first_shred(Slot slot)
{
    if (state_->in_window(slot)) {
        state_->at(slot).first_shred = true;
    }
}

void CertificateGadget::ready(Tick now, const Ready& ready, Effects& effects)
{
    State& state = *state_;
    state.now = now;
    if (!state.in_window(ready.block.slot) || ready.block.slot <= ready.parent.slot) {
        ++state.counters.blocks_refused;
        return;
    }
    if (state.held(ready.block) != nullptr) {
        return;
    }
    SlotState& slot = state.at(ready.block.slot);
    SlotVotes& votes = state.votes_of(slot);
    const bool certified = state.is_notarized(ready.block);
    const HeldBlock block{
        .name = ready.block, .parent = ready.parent, .valid = ready.validity == Validity::valid};
    if (votes.block_count < versions_per_slot_max) {
        votes.blocks[votes.block_count++] = block;
    } else if (certified) {
        votes.blocks[0] = block; // the others can never be
    } else {
        ++state.counters.blocks_refused;
        return;
    }
    slot.first_shred = true;
    state.newest_block = std::max(state.newest_block, ready.block.slot);
    state.notarize_due = true;
    if (certified) {
        state.move_base(ready.block);
        state.settle(ready.block.slot, effects);
    }
    state.act(effects);
}

void CertificateGadget::tick(Tick now, Slot slot, Effects& effects)
{
    state_->now = now;
    state_->tick(slot, effects);
    state_->look_at_deadlines();
    state_->act(effects);
}

void CertificateGadget::wake(Tick now, Effects& effects)
{
    state_->now = now;
    state_->armed.reset();
    state_->look_at_deadlines();
    state_->act(effects);
}

void CertificateGadget::persisted(Tick now, JournalSequence upto, Effects& effects)
{
    State& state = *state_;
    state.now = now;
    std::size_t durable = 0;
    while (durable < state.under_way.size() && state.under_way[durable].sequence <= upto) {
        // Only now does it count: before, a crash could still take it back.
        state.count(state.under_way[durable].statement, nullptr, effects);
        ++durable;
    }
    state.under_way.erase(state.under_way.begin(),
                          state.under_way.begin() + static_cast<std::ptrdiff_t>(durable));
    state.act(effects);
}

void CertificateGadget::begin_epoch(Tick now, const EpochInfo& epoch, Effects& effects)
{
    State& state = *state_;
    state.now = now;
    auto stakes = StakeTable::make(epoch.stakes);
    if (!stakes) {
        state.stop(FaultReason::stake_table_refused, effects);
        return;
    }
    const bool first = state.voter_count == 0;
    state.voter_count = std::max(state.voter_count, stakes->count());
    state.book.set(epoch.first_slot, *stakes);
    state.epoch_begin = std::max(state.epoch_begin, epoch.first_slot);
    state.peers.resize(state.voter_count);
    state.ranges.resize(state.voter_count);
    for (SlotState& slot : state.ring) {
        if (slot.votes) {
            slot.votes->choices.resize(state.voter_count, {no_candidate, no_candidate});
            slot.votes->notarizations.resize(state.voter_count);
            slot.votes->finals.resize(state.voter_count);
        }
    }
    state.recount(effects);
    if (first && state.config.self) {
        // What the journal gave back counts like received votes.
        for (const SignedStatement& vote : state.restored) {
            state.count(vote.statement, &vote.signature, effects);
        }
        state.restored = {};
        state.count_own(effects);
    }
    state.act(effects);
}

void CertificateGadget::prune(const BlockName& finalized)
{
    State& state = *state_;
    if (finalized.slot <= state.finalized.slot) {
        return;
    }
    state.finalized = finalized;
    if (state.base.slot < finalized.slot) {
        state.base = finalized;
        state.base_at = state.now;
    }
    state.slide(finalized.slot);
    state.notarize_due = true;
    state.standstill_at.reset();
}

Result<void, RestoreError> CertificateGadget::restore(const JournalRecord& record)
{
    State& state = *state_;
    if (record.bytes.empty() || record.bytes[0] < record_kind_first ||
        record.bytes[0] > record_kind_first + 2) {
        return std::unexpected(RestoreError::malformed_record);
    }
    const auto kind = static_cast<StatementKind>(record.bytes[0] - 1);
    constexpr std::size_t finalize_bytes = 2 + 8;
    const ByteView bytes = record.bytes.subspan(1);
    const bool has_votes = kind == StatementKind::finalize && bytes.size() > finalize_bytes;
    const auto statement = decode_statement(kind, has_votes ? bytes.first(finalize_bytes) : bytes);
    std::optional<Certificate> votes;
    if (has_votes) {
        const auto decoded = decode_certificate(bytes.subspan(finalize_bytes));
        votes = decoded ? std::optional{*decoded} : std::nullopt;
    }
    const bool fits = statement && votes && votes->kind == StatementKind::notarize &&
                      votes->slot == statement->first;
    if (!statement || (has_votes && !fits)) {
        return std::unexpected(RestoreError::malformed_record);
    }
    if (state.config.self != statement->voter) {
        return std::unexpected(RestoreError::not_ours);
    }
    if (state.denies(*statement)) {
        return std::unexpected(RestoreError::goes_back);
    }
    if (!state.config.defects.journal_not_replayed) {
        state.restore_own(*statement, record.sequence, votes ? &*votes : nullptr);
    }
    return {};
}

void CertificateGadget::discard_above(Slot slot)
{
    State& state = *state_;
    for (std::uint64_t i = 0; i < state.config.slots_max; ++i) {
        const Slot one{state.low + i};
        if (one > slot) {
            state.skips_due -= state.at(one).own.skip_due ? 1U : 0U;
            state.at(one).own = OwnSlot{};
        }
    }
    std::erase_if(state.restored,
                  [&](const SignedStatement& vote) { return vote.statement.first > slot; });
    state.silent_through = Slot{};
    state.newest_said = std::min(state.newest_said, slot);
}

void CertificateGadget::begin_signing()
{
    State& state = *state_;
    state.listening = false;
    state.notarize_due = true;
    state.finalize_due = true;
    // What came due in the meantime was not said. It is due again after the patience with one slot,
    // also where the clock is kept back and no slot ends.
    state.expired = state.finalized.slot.next();
    if (state.slot_now) {
        state.ends.clear();
        state.ends.push_back(
            {.end = state.watched, .at = state.in(state.config.times.notarized_ms)});
    }
    state.pass_over(state.finalized);
}

void CertificateGadget::stop_signing()
{
    state_->signing = false;
}

// ---- What is so ---------------------------------------------------------------------------------

const BlockName& CertificateGadget::finalized() const
{
    return state_->finalized;
}

const BlockName& CertificateGadget::base() const
{
    return state_->base;
}

BlockName CertificateGadget::parent_for(Tick now, Slot slot, const BlockName& best_leaf) const
{
    const State& state = *state_;
    const std::uint64_t chance_ns =
        (4 * state.config.times.delay_bound_ms + state.config.times.notarized_ms) * ns_per_ms;
    if (now.value < state.base_at.value + chance_ns || state.hopeful(now, best_leaf, chance_ns)) {
        return best_leaf;
    }
    const std::uint64_t newest = std::min(state.newest_block.value, slot.value - 1);
    for (std::uint64_t i = newest; i > state.base.slot.value && state.in_window(Slot{i}); --i) {
        const SlotState& one = state.at(Slot{i});
        for (std::size_t k = 0; one.votes && k < one.votes->block_count; ++k) {
            const HeldBlock& block = one.votes->blocks[k];
            if (block.valid && state.hopeful(now, block.name, chance_ns)) {
                return block.name;
            }
        }
    }
    return state.base;
}

bool CertificateGadget::may_sign() const
{
    return state_->signing;
}

bool CertificateGadget::has_certificate(StatementKind kind, Slot slot) const
{
    if (!state_->in_window(slot)) {
        return false;
    }
    const SlotState& one = state_->at(slot);
    switch (kind) {
    case StatementKind::notarize:
        return one.notarized != no_candidate;
    case StatementKind::skip:
        return one.skip_certified;
    case StatementKind::finalize:
        return one.final_certified;
    case StatementKind::tower_vote:
        break;
    }
    return false;
}

std::optional<BlockName> CertificateGadget::notarized(Slot slot) const
{
    if (!has_certificate(StatementKind::notarize, slot)) {
        return std::nullopt;
    }
    const SlotState& one = state_->at(slot);
    return BlockName{.slot = slot, .id = one.votes->candidates[one.notarized].id};
}

std::optional<Certificate> CertificateGadget::certificate(StatementKind kind, Slot slot) const
{
    return state_->certificate(kind, slot);
}

std::vector<Bytes> CertificateGadget::latest_certificates() const
{
    std::vector<Bytes> all;
    const auto add = [&](StatementKind kind, Slot slot) {
        if (const auto found = certificate(kind, slot)) {
            all.emplace_back();
            encode_certificate(*found, all.back());
        }
    };
    add(StatementKind::finalize, state_->finalized.slot);
    add(StatementKind::notarize, state_->finalized.slot);
    if (state_->base != state_->finalized) {
        add(StatementKind::notarize, state_->base.slot);
    }
    return all;
}

CertificateGadget::Said CertificateGadget::said(Slot slot) const
{
    if (!state_->in_window(slot)) {
        return {};
    }
    const OwnSlot& own = state_->at(slot).own;
    return {.notarized = own.notarized ? std::optional{own.id} : std::nullopt,
            .skipped = own.skipped,
            .finalized = own.finalized};
}

Slot CertificateGadget::window_end() const
{
    return state_->end();
}

Slot CertificateGadget::slot_limit() const
{
    const State& state = *state_;
    Slot settled = state.base.slot;
    while (state.in_window(settled.next()) && state.at(settled.next()).skip_certified) {
        settled = settled.next();
    }
    const std::uint64_t kept = state.config.slots_max / kept_share;
    const Slot free_end{state.end().value - kept};
    // A slot is settled some time after it ended.
    const Slot settled_end{settled.value + slots_to_settle};
    return std::min(std::max(free_end, settled_end), state.end());
}

const GadgetCounters& CertificateGadget::counters() const
{
    return state_->counters;
}

const std::vector<Bytes>& CertificateGadget::conflicting_certificates() const
{
    return state_->conflicting;
}

std::uint64_t CertificateGadget::digest() const
{
    std::uint64_t print = 0xCBF29CE484222325; // FNV-1a, only to tell two runs apart
    const auto add = [&](std::uint64_t value) {
        for (unsigned i = 0; i < 8; ++i) {
            print = (print ^ (value >> (8 * i) & 0xFF)) * 0x100000001B3;
        }
    };
    const State& state = *state_;
    for (const BlockName& name : {state.finalized, state.base}) {
        add(name.slot.value);
        for (const std::uint8_t byte : name.id.bytes) {
            add(byte);
        }
    }
    add(state.signing ? 1 : 0);
    for (std::uint64_t i = 0; i < state.config.slots_max; ++i) {
        const SlotState& one = state.at(Slot{state.low + i});
        add(one.skip_stake.value);
        add(one.final_stake.value);
        add((one.own.notarized ? 1U : 0U) + (one.own.skipped ? 2U : 0U) +
            (one.own.finalized ? 4U : 0U));
        for (std::size_t k = 0; one.votes && k < one.votes->candidates.size(); ++k) {
            add(one.votes->candidates[k].stake.value);
        }
    }
    return print;
}

std::optional<std::string_view> CertificateGadget::check() const
{
    const State& state = *state_;
    const Slot last = std::min(state.newest_spoken_of, Slot{state.end().value - 1});
    // Slots that were skipped together have the same voters: each sum is made once for a run.
    struct Run {
        const StakeTable* stakes = nullptr;
        ValidatorSet voters;
        Stake sum;
        bool is_sum_of(const StakeTable& table, const ValidatorSet& who, Stake tally)
        {
            if (stakes != &table || voters != who) {
                *this = {.stakes = &table, .voters = who, .sum = table.of(who)};
            }
            return sum == tally;
        }
    };
    Run skips;
    Run finals;
    for (Slot slot{state.low}; slot <= last; slot = slot.next()) {
        const SlotState& one = state.at(slot);
        const bool nothing_said = !one.votes && one.skip_voters.empty() &&
                                  one.final_voters.empty() && one.skip_stake == Stake{} &&
                                  one.final_stake == Stake{} && !one.own.skipped;
        if (nothing_said) {
            continue;
        }
        const StakeTable& stakes = state.table(slot);
        if (!skips.is_sum_of(stakes, one.skip_voters, one.skip_stake) ||
            !finals.is_sum_of(stakes, one.final_voters, one.final_stake)) {
            return "a tally is not the stake of its voters";
        }
        const bool said = one.own.skipped && one.own.finalized;
        if (said) {
            return "a slot was skipped and finalized";
        }
        if (!one.votes) {
            continue;
        }
        for (const Candidate& candidate : one.votes->candidates) {
            if (stakes.of(candidate.voters) != candidate.stake) {
                return "a block's tally is not the stake of its voters";
            }
            if (candidate.certified && !stakes.is_more_than(candidate.stake, two_thirds)) {
                return "a certificate with too little stake";
            }
        }
    }
    return std::nullopt;
}

} // namespace belfry::consensus
