// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/consensus_tile.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace belfry::node {
namespace {

constexpr std::uint64_t slots_ahead_max = 8;
constexpr std::size_t blocks_held_max = ChainFinality::blocks_max;
constexpr std::uint64_t listen_slots = 2; // after start, before the first own block
constexpr std::uint64_t behind_slots = 8;
constexpr std::uint64_t finality_lag_no_blocks = 1024;
constexpr std::uint64_t consensus_publish_interval_ns = 50'000'000;

consensus::BlockName name_of(const ledger::BlockRef& ref)
{
    return {.slot = ref.slot, .id = ref.id};
}
std::vector<consensus::BlockName> names_of(const std::vector<ledger::BlockRef>& refs)
{
    std::vector<consensus::BlockName> names;
    names.reserve(refs.size());
    for (const ledger::BlockRef& ref : refs) {
        names.push_back(name_of(ref));
    }
    return names;
}
consensus::EngineConfig engine_config(const ConsensusTile::Options& options, bool may_sign)
{
    const ledger::FinalityParameters& finality = options.genesis.finality;
    consensus::EngineConfig config;
    config.tower.self = consensus::ValidatorIndex{options.roster.me};
    config.tower.finalized = name_of(options.finalized);
    config.tower.final_chain = names_of(options.final_chain);
    config.tower.may_sign = may_sign;
    config.tower.hard_fork = options.hard_fork;
    config.tower.listens_first = true;
    for (const ReplayedBlock& block : options.replayed) {
        const auto same_slot = [&block](const ReplayedBlock& other) {
            return other.ref.slot == block.ref.slot && other.ref.id < block.ref.id;
        };
        if (std::ranges::any_of(options.replayed, same_slot)) {
            config.tower.duplicate_slots.push_back(block.ref.slot);
        }
    }
    config.certificates = finality.certificates;
    config.times = {.first_shred_ms = finality.first_shred_ms,
                    .notarized_ms = finality.notarized_ms,
                    .delay_bound_ms = finality.delay_bound_ms,
                    .standstill_ms = finality.standstill_ms};
    return config;
}
std::vector<Pubkey> keys_of(const Roster& roster)
{
    std::vector<Pubkey> keys;
    keys.reserve(roster.validators.size());
    for (const RosterEntry& entry : roster.validators) {
        keys.push_back(entry.key);
    }
    return keys;
}

} // namespace

ConsensusTile::ConsensusTile(Options options, std::unique_ptr<ledger::VoteJournal> journal,
                             crypto::Keypair key, Links& links, NodeStop& node, Logger& logger,
                             const Latch& stop)
    : options_(std::move(options))
    , genesis_hash_(ledger::genesis_hash(options_.genesis))
    , prefix_(genesis_hash_)
    , slot_ns_(std::uint64_t{options_.genesis.slot_ms} * 1'000'000)
    , journal_(std::move(journal))
    , key_(std::move(key))
    , links_(links)
    , node_(node)
    , log_(logger, {.tile = "consensus",
                    .interval = std::chrono::milliseconds(options_.genesis.slot_ms * 3 / 4)})
    , stop_(stop)
    , schedule_(make_leader_schedule(options_.genesis))
    , engine_(consensus::make_engine(engine_config(options_, journal_ != nullptr)))
    , clock_(slot_ns_, options_.tip.slot, monotonic_ns())
    , chain_(schedule_.stakes())
    , started_ns_(monotonic_ns())
    , words_(options_.roster.validators.size())
    , recall_({.me = consensus::ValidatorIndex{options_.roster.me},
               .stakes = schedule_.stakes(),
               .first_nonce = options_.first_nonce})
    , reminded_ns_(options_.roster.validators.size())
    , intake_(genesis_hash_, keys_of(options_.roster))
    , evidence_(options_.roster.validators.size())
    , slot_built_(options_.tip.slot)
    , highest_replayed_(options_.tip.slot)
    , highest_given_(options_.tip.slot)
    , finalized_(options_.finalized)
{
    for (const RosterEntry& entry : options_.roster.validators) {
        stakes_.push_back(entry.stake);
    }
    if (journal_ != nullptr) {
        restore(*journal_);
    } else {
        log_.warning(
            "journal",
            "{}: this node follows and signs nothing. If its key has never voted, start it "
            "with --new-identity; else bring its data directory back",
            to_string(Silence::no_journal));
    }
    publish(started_ns_);
}

void ConsensusTile::restore(ledger::VoteJournal& journal)
{
    const std::vector<ledger::JournalRecord> recovered = journal.take_recovered();
    std::vector<consensus::JournalRecord> records;
    for (const ledger::JournalRecord& record : recovered) {
        const auto sequence = consensus::JournalSequence::from(record.sequence);
        if (sequence && !record.body.empty()) {
            records.push_back({*sequence, record.body});
            remember(record.body);
        }
    }
    if (!engine_->restore(records)) {
        throw std::runtime_error(
            "vote journal: its records do not fit together; it was not written "
            "by this validator, or was changed. Do not vote with this key "
            "before you know why");
    }
    durable_sequence_ = journal.durable_sequence();
}

bool ConsensusTile::has_input() const
{
    return !links_.net_consensus.empty() || !links_.bank_consensus.empty() ||
           !links_.store_consensus.empty() || !links_.shred_consensus.empty();
}

std::chrono::nanoseconds ConsensusTile::sleep_max() const
{
    const std::uint64_t now = monotonic_ns();
    const Slot slot = clock_.slot_at(now);
    std::uint64_t wake = clock_.end_of(slot);
    const std::uint64_t half = clock_.start_of(slot) + (slot_ns_ / 2);
    if (half > now) {
        wake = half;
    }
    if (journal_ != nullptr) {
        wake = std::min(wake, recall_.next_question_ns());
    }
    for (const auto& [timer, at_ns] : timers_) {
        wake = std::min(wake, at_ns);
    }
    return std::chrono::nanoseconds(wake > now ? wake - now : 0);
}

bool ConsensusTile::work(std::uint64_t now_ns)
{
    bool busy = follow_clock(now_ns);
    busy = take_sightings(now_ns) || busy;
    busy = take_blocks(now_ns) || busy;
    busy = fire_timers(now_ns) || busy;
    busy = take_votes(now_ns) || busy;
    busy = recall(now_ns) || busy;
    busy = try_build(now_ns) || busy;
    links_.consensus_net.publish();
    if (busy || now_ns - published_ns_ >= consensus_publish_interval_ns) {
        publish(now_ns);
    }
    return busy;
}

// ---- time ---------------------------------------------------------------------------------------

bool ConsensusTile::follow_clock(std::uint64_t now_ns)
{
    const Slot slot = clock_.slot_at(now_ns);
    if (slot_begun_ && *slot_begun_ >= slot) {
        return false;
    }
    // Where more than a third are well past the limit, finality is: this node only has to catch up.
    const Slot end = engine_->slot_limit();
    const bool others_stand = counts_.cluster.value <= end.value + 2 * slots_ahead_max;
    if (slot >= end && others_stand) {
        const Slot kept{end.value - 1};
        clock_.hold(kept, now_ns);
        ++counts_.clock_held;
        if (slot_begun_ && *slot_begun_ >= kept) {
            step(consensus::Timer{.kind = consensus::TimerKind::slot_tick, .slot = *slot_begun_},
                 now_ns);
            return true;
        }
        begin_slot(kept, now_ns);
        return true;
    }
    begin_slot(slot, now_ns);
    return true;
}

void ConsensusTile::begin_slot(Slot slot, std::uint64_t now_ns)
{
    const bool first = !slot_begun_;
    slot_begun_ = slot;
    const Epoch epoch = schedule_.epoch_at(slot);
    if (!epoch_given_ || *epoch_given_ < epoch) {
        epoch_given_ = epoch;
        step(consensus::EpochInfo{.number = epoch,
                                  .first_slot = schedule_.first_slot(epoch),
                                  .stakes = stakes_,
                                  .schedule = schedule_.windows(epoch)},
             now_ns);
    }
    if (first) {
        for (const ReplayedBlock& block : options_.replayed) {
            give_block(block, now_ns);
        }
        options_.replayed.clear();
    }
    release_blocks(now_ns);
    step(consensus::Timer{.kind = consensus::TimerKind::slot_tick, .slot = slot}, now_ns);
    push_or_wait(links_.consensus_bank, ConsensusToBank(SlotBegun{slot}), stop_);
    tell_shred();
    const consensus::EngineStatus status = engine_->status();
    log_.info("slot", "{} best {} confirmed {} root {} finalized {} tower {}", slot.value,
              status.best.slot.value, status.confirmed.slot.value, status.rooted.slot.value,
              status.finalized.slot.value, status.tower_depth);
    log_.flush_due();
}

void ConsensusTile::tell_shred()
{
    push_or_wait(links_.consensus_shred,
                 ConsensusToShred(ShredPosition{.finalized = finalized_,
                                                .replayed = highest_replayed_,
                                                .local = slot_begun_.value_or(Slot{})}),
                 stop_);
}

// ---- blocks -------------------------------------------------------------------------------------

bool ConsensusTile::take_blocks(std::uint64_t now_ns)
{
    std::size_t count = links_.bank_consensus.drain(256, [this](const ReplayedBlock& block) {
        if (held_.size() >= blocks_held_max) {
            ++counts_.blocks_dropped;
            return;
        }
        HeldBlock& held = held_[block.ref];
        held.replayed = block;
        held.durable = held.durable || !block.valid; // an invalid block is never voted for
        if (block.valid) {
            chain_.add_block(block.ref, block.parent);
            note_certificates(block);
        }
        highest_replayed_ = std::max(highest_replayed_, block.ref.slot);
    });
    count += links_.store_consensus.drain(256, [this](const DurableBlock& block) {
        if (held_.size() < blocks_held_max) {
            held_[block.ref].durable = true;
        }
    });
    if (count > 0) {
        release_blocks(now_ns);
    }
    return count > 0;
}

void ConsensusTile::release_blocks(std::uint64_t now_ns)
{
    const Slot limit{clock_.slot_at(now_ns).value + slots_ahead_max};
    bool moved = false;
    for (auto next = held_.begin(); next != held_.end();) {
        const auto here = next++;
        const HeldBlock& held = here->second;
        if (here->first.slot <= finalized_.slot) {
            held_.erase(here);
            continue;
        }
        if (!held.replayed || !held.durable) {
            continue;
        }
        if (here->first.slot >= engine_->window_end() && leap(now_ns)) {
            next = held_.begin(); // what was below the leap is dropped, what is above may go on
            continue;
        }
        if (here->first.slot > limit || here->first.slot >= engine_->window_end()) {
            ++counts_.blocks_early;
            break;
        }
        const ReplayedBlock block = *held.replayed;
        held_.erase(here);
        give_block(block, now_ns);
        moved = true;
    }
    if (moved) {
        tell_shred();
    }
}

/// Only for a node that is so far behind that its engine hears nothing of these slots: within the
/// window the engine has the certificates from the votes themselves.
void ConsensusTile::note_certificates(const ReplayedBlock& block)
{
    if (block.ref.slot < engine_->window_end()) {
        return;
    }
    std::vector<consensus::Certificate> decoded;
    for (const Bytes& bytes : block.certificates) {
        if (auto certificate = consensus::decode_certificate(bytes)) {
            decoded.push_back(std::move(*certificate));
        }
    }
    const auto is_true = [this](const consensus::Certificate& certificate) {
        return consensus::verify_certificate(
                   certificate, schedule_.stakes(),
                   [this](auto... statement) { return intake_.is_signed(statement...); })
            .has_value();
    };
    for (const consensus::Certificate& final : decoded) {
        for (const consensus::Certificate& notarized : decoded) {
            const bool together = final.kind == consensus::StatementKind::finalize &&
                                  notarized.kind == consensus::StatementKind::notarize &&
                                  final.slot == notarized.slot;
            const ledger::BlockRef ref{.slot = notarized.slot, .id = notarized.id};
            if (together && ref.slot > certified_.slot && chain_.knows(ref) && is_true(final) &&
                is_true(notarized)) {
                certified_ = ref;
            }
        }
    }
}

/// The engine holds a bounded run of slots above finalized. A node that is further behind takes
/// finalized from the certificates in the blocks it has replayed itself; without certificates,
/// from the signed towers of the others.
bool ConsensusTile::leap(std::uint64_t now_ns)
{
    const std::optional<ledger::BlockRef> final =
        options_.genesis.finality.certificates ? certified_ : chain_.final_block();
    if (!final || final->slot <= finalized_.slot) {
        return false;
    }
    ++counts_.leaps;
    log_.info("leap", "finalized moves from {} to {}", finalized_.slot.value, final->slot.value);
    engine_->prune(name_of(*final));
    set_finalized(*final);
    (void)clock_.slot_ended(final->slot, now_ns);
    return true;
}

void ConsensusTile::set_finalized(const ledger::BlockRef& ref)
{
    finalized_ = ref;
    slots_replayed_.erase(slots_replayed_.begin(), slots_replayed_.lower_bound(ref.slot));
    chain_.prune(ref.slot);
    push_or_wait(links_.consensus_bank, ConsensusToBank(FinalizedBlock{ref}), stop_);
    tell_shred();
}

void ConsensusTile::give_block(const ReplayedBlock& block, std::uint64_t now_ns)
{
    highest_given_ = std::max(highest_given_, block.ref.slot);
    if (block.valid) {
        slots_replayed_.insert(block.ref.slot);
        if (!block.stored_already && clock_.slot_ended(block.ref.slot, now_ns)) {
            ++counts_.clock_moved;
        }
    }
    step(consensus::Ready{.block = name_of(block.ref),
                          .parent = name_of(block.parent),
                          .validity = block.valid ? consensus::Validity::valid
                                                  : consensus::Validity::invalid,
                          .state_hash = block.state_hash,
                          .author = schedule_.leader_at(block.ref.slot)},
         now_ns);
}

// ---- votes --------------------------------------------------------------------------------------

bool ConsensusTile::take_votes(std::uint64_t now_ns)
{
    const auto take = [this, now_ns](const consensus::VoteMessage& statement) {
        take_statement(statement, now_ns);
    };
    const auto talk = [this, now_ns](const StatementIntake::Talk& one) {
        take_talk(one, now_ns);
    };
    const std::size_t count = links_.net_consensus.drain(256, [&](const Packet& packet) {
        if (intake_.full()) {
            intake_.check(take, talk);
        }
        intake_.add(packet.payload());
        if (const auto evidence = intake_.take_evidence()) {
            take_evidence(*evidence);
        }
        if (const auto alive = intake_.take_copied_voter()) {
            counts_.peers[*alive % peers_shown_max].heard_ns = now_ns;
        }
    });
    intake_.check(take, talk);
    return count > 0;
}

void ConsensusTile::take_statement(const consensus::VoteMessage& statement, std::uint64_t now_ns)
{
    if (statement.kind == consensus::StatementKind::tower_vote) {
        const auto tower = consensus::decode_tower_vote(statement.body);
        if (tower && tower->voter == statement.from) {
            note_vote(statement.from.value, tower->block().slot, now_ns);
            chain_.note_vote(statement.from,
                             {.last = ref_of(tower->block()), .root = tower->tower.root()});
        }
    } else if (statement.kind != consensus::StatementKind::skip) {
        // A block of that slot was replayed there, though a bound tower may be silent about it.
        const auto vote = consensus::decode_statement(statement.kind, statement.body);
        if (vote && vote->voter == statement.from) {
            note_vote(statement.from.value, vote->first, now_ns);
        }
    }
    const LastWords::Age age = words_.note(statement);
    if (age == LastWords::Age::older && statement.kind == consensus::StatementKind::tower_vote) {
        remind(statement.from, now_ns);
    }
    step(statement, now_ns);
}

bool ConsensusTile::take_sightings(std::uint64_t now_ns)
{
    return links_.shred_consensus.drain(256, [&](const ShredToConsensus& sighting) {
        if (const auto* first = std::get_if<SlotSighted>(&sighting)) {
            step(consensus::FirstShred{.slot = first->slot}, now_ns);
        } else if (const auto* two = std::get_if<TwoVersions>(&sighting)) {
            step(consensus::Duplicate{.slot = two->slot,
                                      .first = two->first_root,
                                      .second = two->second_root},
                 now_ns);
        }
    }) > 0;
}

bool ConsensusTile::fire_timers(std::uint64_t now_ns)
{
    bool any = false;
    for (auto next = timers_.begin(); next != timers_.end();) {
        const auto here = next++;
        if (here->second > now_ns) {
            continue;
        }
        const consensus::Timer timer{.kind = here->first.first, .slot = here->first.second};
        timers_.erase(here);
        step(timer, now_ns); // may arm it again
        next = timers_.upper_bound({timer.kind, timer.slot});
        any = true;
    }
    return any;
}

void ConsensusTile::note_vote(std::uint16_t voter, Slot slot, std::uint64_t now_ns)
{
    PeerVote& peer = counts_.peers[voter % peers_shown_max];
    peer.heard_ns = now_ns;
    if (slot <= peer.last_vote) {
        return; // the first vote of any kind for a slot moves it
    }
    peer.last_vote = slot;
    // The highest slot that more than a third of the stake has voted at or above: at least one
    // honest validator saw it end.
    std::vector<std::pair<Slot, std::size_t>> by_slot;
    by_slot.reserve(stakes_.size());
    for (std::size_t i = 0; i < stakes_.size(); ++i) {
        by_slot.emplace_back(counts_.peers[i % peers_shown_max].last_vote, i);
    }
    std::ranges::sort(by_slot, std::greater<>());
    Stake sum{};
    for (const auto& [reached, index] : by_slot) {
        sum = sum.plus(stakes_[index]).value_or(sum);
        if (schedule_.stakes().is_more_than(sum, consensus::one_third)) {
            if (reached > counts_.cluster) {
                counts_.cluster = reached;
                if (clock_.slot_ended(reached, now_ns)) {
                    ++counts_.clock_moved;
                }
                push_or_wait(links_.consensus_shred, ConsensusToShred(SlotSeen{reached}), stop_);
            }
            return;
        }
    }
}

// ---- the own slots ------------------------------------------------------------------------------

/// When the slot may begin: at once if the slot before it is replayed, else at half of it.
std::optional<std::uint64_t> ConsensusTile::build_time(Slot slot) const
{
    if (slot == Slot{}) {
        return std::nullopt;
    }
    const Slot before{slot.value - 1};
    if (before <= options_.tip.slot || slots_replayed_.contains(before)) {
        return 0;
    }
    return clock_.start_of(slot) + (slot_ns_ / 2);
}

bool ConsensusTile::try_build(std::uint64_t now_ns)
{
    if (journal_ == nullptr || failed_ || !signing_begun_ ||
        now_ns - started_ns_ < listen_slots * slot_ns_ ||
        counts_.cluster.value > highest_given_.value + behind_slots) {
        return false;
    }
    // The slot after the one under way may begin early: its predecessor may be replayed already.
    const Slot now_slot = clock_.slot_at(now_ns);
    for (const Slot slot : {now_slot, now_slot.next()}) {
        if (slot <= slot_built_ || schedule_.leader_at(slot).value != options_.roster.me) {
            continue;
        }
        if (slot > now_slot && !slots_replayed_.contains(now_slot)) {
            continue;
        }
        const std::optional<std::uint64_t> begin = build_time(slot);
        if (!begin || *begin > now_ns) {
            continue;
        }
        slot_built_ = slot;
        if (slot.value > finalized_.slot.value + finality_lag_no_blocks) {
            continue;
        }
        ++counts_.builds;
        step(consensus::Timer{.kind = consensus::TimerKind::build, .slot = slot}, now_ns);
        return true;
    }
    return false;
}

// ---- what others may know --------------------------------------------------------------------

void ConsensusTile::publish(std::uint64_t now_ns)
{
    published_ns_ = now_ns;
    const consensus::EngineStatus status = engine_->status();
    counts_.clock_slot = clock_.slot_at(now_ns);
    counts_.clock_leader = schedule_.leader_at(counts_.clock_slot).value;
    counts_.best = status.best.slot;
    counts_.confirmed = status.confirmed.slot;
    counts_.rooted = status.rooted.slot;
    counts_.super_rooted = status.super_rooted.slot;
    counts_.finalized = status.finalized.slot;
    counts_.has_voted = status.last_vote.has_value();
    counts_.last_vote = status.last_vote ? status.last_vote->slot : Slot{};
    counts_.tower_depth = status.tower_depth;
    counts_.may_sign = status.may_sign;
    counts_.silence = silence();
    // Not by what was replayed: on a slow disk that is far ahead of what may be voted for.
    counts_.behind = counts_.cluster.value > status.best.slot.value + behind_slots;
    counts_.published_ns = now_ns;
    engine_counts_.clear();
    engine_->count(engine_counts_);
    counts_.engine_count = std::min(engine_counts_.size(), engine_counts_max);
    std::copy_n(engine_counts_.begin(), counts_.engine_count, counts_.engine.begin());
    const StatementIntake::Counters& intake = intake_.counters();
    counts_.votes_received = intake.good;
    counts_.votes_copied = intake.copied;
    counts_.bundles_received = intake.bundles;
    counts_.votes_bad_form = intake.bad_form;
    counts_.votes_other_genesis = intake.other_genesis;
    counts_.votes_unknown_voter = intake.unknown_voter;
    counts_.votes_bad_signature = intake.bad_signature;
    published_.publish(counts_);
}

void ConsensusTile::finish()
{
    publish(monotonic_ns());
    log_.flush_all();
}

} // namespace belfry::node
