// SPDX-License-Identifier: Apache-2.0
#include "consensus/tower/tower_engine.hpp"

#include "base/check.hpp"
#include "consensus/leader_schedule.hpp"
#include "consensus/tower/tower_journal.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace belfry::consensus {

TowerEngine::TowerEngine(const TowerConfig& config, JournalCounter* shared)
    : config_(config)
    , signing_(config.may_sign && config.self.has_value())
    , listening_(config.listens_first)
    , forks_(config.finalized, config.blocks_max)
    , notes_(config.blocks_max)
    , own_(config.finalized)
    , counter_(shared == nullptr ? own_counter_ : *shared)
    , built_(config.finalized.slot)
    , stand_(config.finalized)
    , confirmed_(config.finalized)
    , super_rooted_(config.finalized)
    , switch_judge_({.counts_old_votes = config.defects.old_votes_switch,
                     .counts_own_side = config.defects.own_side_switches,
                     .counts_voter_twice = config.defects.voter_counted_twice,
                     .wrong_epoch = config.defects.wrong_epoch})
{
    BELFRY_CHECK(!config.self || config.self->value < validator_count_max);
    scratch_.reserve(tower_record_bytes_max);
    awaited_finals_.reserve(awaited_finals_max);
    chosen_ahead_.reserve(chosen_ahead_max);
    duplicates_.reserve(config.slots_max);
    for (const Slot slot : config.duplicate_slots) {
        (void)add_duplicate(slot);
    }
}

void TowerEngine::step(Tick /*now*/, const Input& input, Effects& effects)
{
    begin(effects);
    std::visit([&](const auto& what) { on(what, effects); }, input);
}

void TowerEngine::begin(Effects& effects)
{
    if (std::exchange(begun_, true) || !signing_ || !config_.hard_fork ||
        fork_declared_ == config_.hard_fork) {
        return;
    }
    // Written down, so that the next start does not discard what is voted from here on.
    const Slot slot = *config_.hard_fork;
    const JournalSequence sequence = next_sequence();
    scratch_.clear();
    encode_tower_record(ForkRecord{.voter = self(), .slot = slot}, scratch_);
    effects.persist(sequence, scratch_);
    discard_above(slot);
}

void TowerEngine::discard_above(Slot slot)
{
    fork_declared_ = slot;
    own_.discard_above(config_.finalized, slot);
    if (newest_ && newest_->vote.block().slot > slot) {
        newest_.reset();
    }
}

Result<void, RestoreError> TowerEngine::restore(std::span<const JournalRecord> records)
{
    for (const JournalRecord& record : records) {
        if (!counter_.restore(record.sequence)) {
            return std::unexpected(RestoreError::sequence_gap);
        }
        const auto done = restore_record(record);
        if (!done) {
            return done;
        }
    }
    return {};
}

Result<void, RestoreError> TowerEngine::restore_record(const JournalRecord& record)
{
    const std::optional<TowerRecord> decoded = decode_tower_record(record.bytes);
    if (!decoded) {
        return std::unexpected(RestoreError::malformed_record);
    }
    if (const auto* built = std::get_if<SlotRecord>(&*decoded)) {
        if (config_.self != built->builder) {
            return std::unexpected(RestoreError::not_ours);
        }
        built_ = std::max(built_, built->slot);
        return {};
    }
    if (const auto* fork = std::get_if<ForkRecord>(&*decoded)) {
        if (config_.self != fork->voter) {
            return std::unexpected(RestoreError::not_ours);
        }
        discard_above(fork->slot);
        return {};
    }
    const auto& cast = std::get<VoteRecord>(*decoded);
    if (config_.self != cast.vote.voter) {
        return std::unexpected(RestoreError::not_ours);
    }
    if (newest_ && cast.vote.block().slot <= newest_->vote.block().slot) {
        return std::unexpected(RestoreError::goes_back);
    }
    if (config_.defects.journal_not_replayed) {
        return {};
    }
    newest_ = OwnStatement{.after = record.sequence, .vote = cast.vote};
    newest_is_durable_ = true;
    own_.restore(cast);
    own_.begin_at(config_.finalized, config_.final_chain);
    if (config_.certificates && !config_.defects.lost_votes_bind) {
        own_.release(config_.finalized);
    }
    if (config_.defects.root_not_persisted) {
        own_.forget_root(config_.finalized);
    }
    return {};
}

// ---- Inputs -------------------------------------------------------------------------------------

void TowerEngine::on(const VoteMessage& message, Effects& effects)
{
    hear(message, decode_tower_vote(message.body), effects);
}

void TowerEngine::hear(const VoteMessage& message, const Result<TowerVote, TowerVoteError>& vote,
                       Effects& effects)
{
    begin(effects);
    if (message.kind != StatementKind::tower_vote || !vote || vote->voter != message.from) {
        ++counters_.votes_malformed;
        return;
    }
    if (message.from.value >= votes_.count() || !forks_.stakes().knows(message.from)) {
        ++counters_.votes_unknown_voter;
        return;
    }
    if (signing_ && config_.self == message.from) {
        // An echo of what this node said, or somebody who has its key.
        const bool newer = !newest_ || vote->block().slot > newest_->vote.block().slot;
        if (newer) {
            stop_signing(FaultReason::identity_elsewhere, effects);
        }
        ++counters_.votes_repeated;
        return;
    }
    if (hear(*vote, effects)) {
        decide_if_changed(effects);
    }
}

void TowerEngine::on(const FirstShred& /*first*/, Effects& /*effects*/)
{
    // A tower vote waits for the whole block.
}

void TowerEngine::on(const Ready& ready, Effects& effects)
{
    const Slot root = forks_.name(forks_.root()).slot;
    BELFRY_CHECK(ready.author.value < validator_count_max);
    if (ready.block.slot <= root || ready.block.slot >= window_end()) {
        ++counters_.blocks_outside_window;
        return;
    }
    const auto added = forks_.add({.name = ready.block,
                                   .parent = ready.parent,
                                   .valid = ready.validity == Validity::valid,
                                   .duplicate = is_known_duplicate(ready.block)});
    if (!added) {
        switch (added.error()) {
        case ForkTreeError::known_already:
            ++counters_.blocks_repeated;
            break;
        case ForkTreeError::unknown_parent:
            ++counters_.blocks_unknown_parent;
            break;
        default:
            ++counters_.blocks_refused;
        }
        return;
    }
    notes_[added->value] = {.state_hash = ready.state_hash, .author = ready.author};
    for (std::size_t i = 0; i < votes_.count(); ++i) {
        const ValidatorIndex who{static_cast<std::uint16_t>(i)};
        if (const auto heard = votes_.arrive(who, *added, forks_)) {
            account(who, ready.block, *heard, effects);
        }
    }
    if (std::ranges::binary_search(chosen_ahead_, ready.block)) {
        choose_version(*added, effects);
    }
    make_awaited_final(effects);
    decide(effects);
}

void TowerEngine::on(const Timer& timer, Effects& effects)
{
    if (timer.kind == TimerKind::build) {
        build(timer.slot, effects);
        return;
    }
    if (timer.kind == TimerKind::patience) {
        return; // not armed here
    }
    if (!said_this_slot_ && !config_.defects.no_refresh) {
        refresh(effects);
    }
    said_this_slot_ = false;
    want_last_vote(effects);
    if (config_.certificates) {
        follow_final_roots(effects);
    }
    decide(effects);
}

void TowerEngine::on(const Persisted& persisted, Effects& effects)
{
    if (!newest_ || newest_is_durable_ || persisted.upto < newest_->after) {
        return;
    }
    // Only now does the own vote count: before, a crash could still take it back.
    newest_is_durable_ = true;
    (void)hear(newest_->vote, effects);
    decide(effects);
}

void TowerEngine::on(const EpochInfo& epoch, Effects& effects)
{
    auto table = StakeTable::make(epoch.stakes);
    if (!table) {
        stop_signing(FaultReason::stake_table_refused, effects);
        return;
    }
    const bool first = votes_.count() == 0;
    StakeBook book = forks_.stakes();
    book.set(epoch.first_slot, *table);
    forks_.set_stakes(book);
    votes_.resize(std::max(votes_.count(), table->count()));
    led_[epoch.number.value % led_.size()] = Led{
        .first_slot = epoch.first_slot, .windows = {epoch.schedule.begin(), epoch.schedule.end()}};
    if (first && newest_ && newest_is_durable_) {
        (void)hear(newest_->vote,
                   effects); // what the journal gave back counts like a received vote
    }
    decide(effects);
}

// ---- Votes heard --------------------------------------------------------------------------------

bool TowerEngine::hear(const TowerVote& vote, Effects& effects)
{
    if (vote.voter.value >= votes_.count()) {
        return false;
    }
    const VoteTable::Heard heard = votes_.hear(vote, forks_);
    account(vote.voter, vote.block(), heard, effects);
    return !heard.counted.is_none() || heard.outcome == VoteTable::Outcome::waiting;
}

void TowerEngine::account(ValidatorIndex who, const BlockName& named, const VoteTable::Heard& heard,
                          Effects& effects)
{
    using Outcome = VoteTable::Outcome;
    switch (heard.outcome) {
    case Outcome::applied:
    case Outcome::counted:
        ++counters_.votes_applied;
        break;
    case Outcome::waiting:
        ++counters_.votes_waiting;
        break;
    case Outcome::repeated:
        ++counters_.votes_repeated;
        break;
    case Outcome::old:
    case Outcome::ignored:
        ++counters_.votes_old;
        break;
    }
    if (heard.contradicts) {
        ++counters_.votes_equivocating;
        if (effects.has_room()) {
            effects.add(Accuse{.who = who, .first = *heard.contradicts, .second = named});
        }
    }
    if (heard.wanted && named.slot < window_end() && effects.has_room()) {
        effects.add(Want{.block = named});
    }
    if (!heard.counted.is_none()) {
        count_exact(heard.counted, effects);
    } else if (heard.outcome == Outcome::waiting) {
        count_waiting(named, effects);
    }
}

// ---- Own statements -----------------------------------------------------------------------------

void TowerEngine::refresh(Effects& effects)
{
    if (!signing_ || !newest_) {
        return;
    }
    scratch_.clear();
    encode_tower_vote(newest_->vote, scratch_);
    effects.send(newest_->after, StatementKind::tower_vote, scratch_);
}

void TowerEngine::want_last_vote(Effects& effects) const
{
    // Without its block nothing is known of the fork it is on, and little can free this node of it.
    const std::optional<OwnTower::Ballot> last = own_.last();
    const bool unknown = last && !last->settled && !last->lost && !last->replaced &&
                         last->block.slot < window_end() && forks_.find(last->block).is_none();
    if (unknown) {
        effects.add(Want{.block = last->block});
    }
}

JournalSequence TowerEngine::next_sequence()
{
    return counter_.next();
}

std::optional<ValidatorIndex> TowerEngine::leader_of(Slot slot) const
{
    std::optional<ValidatorIndex> leader;
    Slot newest_start;
    for (const std::optional<Led>& led : led_) {
        if (!led || slot < led->first_slot || (leader && led->first_slot < newest_start)) {
            continue;
        }
        const std::uint64_t window = (slot.value - led->first_slot.value) / slots_per_window;
        if (window < led->windows.size()) {
            leader = led->windows[window];
            newest_start = led->first_slot;
        }
    }
    return leader;
}

void TowerEngine::build(Slot slot, Effects& effects)
{
    const BlockIndex root = forks_.root();
    const bool mine = signing_ && !listening_ && leader_of(slot) == config_.self;
    if (!mine || slot <= built_ || slot <= forks_.name(root).slot || slot >= window_end()) {
        ++counters_.builds_refused;
        return;
    }
    const std::optional<BlockName> parent = parent_for(slot);
    if (!parent) {
        ++counters_.builds_refused;
        return;
    }
    built_ = slot;
    const JournalSequence sequence = next_sequence();
    scratch_.clear();
    encode_tower_record(SlotRecord{.builder = self(), .slot = slot}, scratch_);
    effects.persist(sequence, scratch_);
    effects.add(Build{.after = sequence, .slot = slot, .parent = *parent});
}

std::optional<BlockName> TowerEngine::parent_for(Slot slot) const
{
    BlockIndex lowest = forks_.root();
    if (base_ && base_->slot > forks_.name(lowest).slot) {
        lowest = forks_.find(*base_);
        if (lowest.is_none() || base_->slot >= slot) {
            return std::nullopt; // what is built beside the base can never become ready
        }
    }
    BlockIndex parent = forks_.find(stand_);
    if (!forks_.descends(parent, lowest)) {
        parent = forks_.heaviest_leaf(lowest);
    }
    while (forks_.name(parent).slot >= slot) { // ends at lowest, which is below slot
        parent = forks_.parent(parent);
    }
    return forks_.name(parent);
}

void TowerEngine::begin_signing()
{
    listening_ = false;
    undecided_ = true;
}

void TowerEngine::stop_signing(FaultReason why, Effects& effects)
{
    signing_ = false;
    effects.add(Fault{.why = why});
}

// ---- What others may ask ------------------------------------------------------------------------

Slot TowerEngine::slot_limit() const
{
    constexpr std::uint64_t kept_share = 8; // of the window, for after a long standstill
    constexpr std::uint64_t slots_after_confirmed = 16;
    // More than 2/3 vote for what is new: they will root something soon.
    const Slot confirmed_end{confirmed_.slot.value + slots_after_confirmed};
    const Slot free_end{window_end().value - config_.slots_max / kept_share};
    return std::min(std::max(free_end, confirmed_end), window_end());
}

Slot TowerEngine::window_end() const
{
    return Slot{forks_.name(forks_.root()).slot.value + config_.slots_max + 1};
}

EngineStatus TowerEngine::status() const
{
    return {.best = stand_,
            .confirmed = confirmed_,
            .rooted = own_.root(),
            .super_rooted = super_rooted_,
            .finalized = forks_.name(forks_.root()),
            .last_vote = newest_ ? std::optional{newest_->vote.block()} : std::nullopt,
            .tower_depth = own_.tower().depth(),
            .may_sign = signing_};
}

std::optional<std::string_view> TowerEngine::check() const
{
    if (!own_.consistent()) {
        return "T-S1: the tower has lost its shape";
    }
    if (forks_.find(stand_).is_none()) {
        return "the engine stands on a block that it does not hold";
    }
    for (std::size_t i = 0; i < votes_.count(); ++i) {
        const ValidatorIndex who{static_cast<std::uint16_t>(i)};
        const BlockIndex marked = forks_.marked(Mark::vote, who);
        const TowerVote* held = votes_.held(who);
        if (!marked.is_none() && (held == nullptr || held->block() != forks_.name(marked))) {
            return "a vote's mark is not where its voter's newest tower says";
        }
    }
    if (!undecided_) {
        const Choice choice = choose();
        if (forks_.name(choice.stand) != stand_) {
            return "what changed the choice of forks was missed";
        }
        if (!choice.candidate.is_none() && may_vote_for(choice.candidate)) {
            return "what allows a vote was missed";
        }
    }
    return forks_.check();
}

void TowerEngine::count(std::vector<NamedCount>& out) const
{
    const TowerCounters& counters = counters_;
    out.insert(out.end(), {{"votes_applied", counters.votes_applied},
                           {"votes_repeated", counters.votes_repeated},
                           {"votes_old", counters.votes_old},
                           {"votes_waiting", counters.votes_waiting},
                           {"votes_malformed", counters.votes_malformed},
                           {"votes_unknown_voter", counters.votes_unknown_voter},
                           {"votes_equivocating", counters.votes_equivocating},
                           {"blocks_outside_window", counters.blocks_outside_window},
                           {"blocks_unknown_parent", counters.blocks_unknown_parent},
                           {"blocks_refused", counters.blocks_refused},
                           {"blocks_repeated", counters.blocks_repeated},
                           {"builds_refused", counters.builds_refused},
                           {"roots_rolled_back", counters.roots_rolled_back},
                           {"switches", counters.switches},
                           {"slots_duplicate", counters.slots_duplicate},
                           {"versions_purged", counters.versions_purged},
                           {"finals_dropped", counters.finals_dropped}});
}

std::unique_ptr<Engine> make_tower(const TowerConfig& config)
{
    return std::make_unique<TowerEngine>(config);
}

} // namespace belfry::consensus
