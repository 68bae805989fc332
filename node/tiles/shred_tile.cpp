// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/shred_tile.hpp"

#include "crypto/sha256.hpp"

#include <algorithm>
#include <utility>

namespace belfry::node {
namespace {

using dataplane::Lane;
constexpr std::size_t shreds_per_turn = 512;
constexpr std::uint64_t plan_interval_ns = 5'000'000;
constexpr std::uint64_t shred_publish_interval_ns = 100'000'000;
constexpr std::size_t unknown_parents_wanted_max = 64;

std::vector<dataplane::TurbineValidator> turbine_roster(const Roster& roster)
{
    std::vector<dataplane::TurbineValidator> validators;
    validators.reserve(roster.validators.size());
    for (const RosterEntry& entry : roster.validators) {
        validators.push_back({entry.key, entry.stake});
    }
    return validators;
}

std::size_t requests_per_plan(std::uint64_t requests_per_second)
{
    return std::max<std::size_t>(1, requests_per_second * plan_interval_ns / 1'000'000'000);
}

} // namespace

ShredTile::ShredTile(Options options, consensus::LeaderSchedule schedule, crypto::Keypair key,
                     Links& links, const Latch& stop)
    : options_(std::move(options))
    , schedule_(std::move(schedule))
    , key_(std::move(key))
    , links_(links)
    , stop_(stop)
    , resolver_({.genesis = options_.genesis,
                 .leader_of = [this](Slot slot) -> std::optional<Pubkey> {
                     return options_.roster.validators[schedule_.leader_at(slot).value].key;
                 }})
    , assembler_(dataplane::BlockAssembler::Options{})
    , tree_({.genesis = options_.genesis,
             .roster = turbine_roster(options_.roster),
             .fanout = options_.fanout})
    , planner_({.genesis = options_.genesis,
                .me = options_.roster.me,
                .roster_count = static_cast<std::uint16_t>(options_.roster.validators.size()),
                .first_sequence = options_.first_repair_sequence,
                .requests_per_plan_max = requests_per_plan(options_.repair_requests_per_second)},
               key_, resolver_, assembler_)
{
    if (options_.equivocate) {
        equivocating_.emplace(options_.genesis, key_);
    }
    assembler_.note_known(options_.finalized);
    for (const ledger::BlockRef& block : options_.known) {
        assembler_.note_known(block);
    }
    planner_.set_position({.finalized = options_.finalized,
                           .replayed = options_.tip.slot,
                           .local = options_.tip.slot});
}

bool ShredTile::has_input() const
{
    return !links_.net_shred.empty() || !links_.bank_shred.empty() ||
           !links_.consensus_shred.empty();
}

std::chrono::nanoseconds ShredTile::sleep_max() const
{
    return waiting_.empty() ? std::chrono::milliseconds(10) : std::chrono::milliseconds(1);
}

bool ShredTile::work(std::uint64_t now_ns)
{
    bool busy = take_orders();
    busy = take_own_stream() || busy;
    busy = take_shreds(now_ns) || busy;
    busy = hand_over_blocks() || busy;
    if (now_ns - planned_ns_ >= plan_interval_ns) {
        planned_ns_ = now_ns;
        repair(now_ns);
    }
    links_.shred_net.publish();
    if (now_ns - published_ns_ >= shred_publish_interval_ns) {
        publish(now_ns);
    }
    return busy;
}

bool ShredTile::take_orders()
{
    return links_.consensus_shred.drain(256, [this](const ConsensusToShred& order) {
        if (const auto* position = std::get_if<ShredPosition>(&order)) {
            assembler_.set_finalized(position->finalized);
            planner_.set_position({.finalized = position->finalized,
                                   .replayed = position->replayed,
                                   .local = position->local});
        } else if (const auto* wanted = std::get_if<WantedBlock>(&order)) {
            planner_.want(wanted->ref);
        } else if (const auto* seen = std::get_if<SlotSeen>(&order)) {
            planner_.note_slot_seen(seen->slot);
        }
    }) > 0;
}

bool ShredTile::take_own_stream()
{
    return links_.bank_shred.drain(64, [this](OwnStream& own) {
        if (shredder_ == nullptr || own_slot_ != own.slot) {
            // A stream given up by the bank leaves its sets behind: nobody can finish that block.
            own_slot_ = own.slot;
            shredder_ = std::make_unique<dataplane::Shredder>(
                dataplane::Shredder::Options{
                    .genesis = options_.genesis, .slot = own.slot, .parent = own.parent},
                key_);
        }
        for (const dataplane::SetOut& out : shredder_->push(own.piece)) {
            send_own(out);
        }
        if (own.last) {
            send_own(shredder_->finish());
            shredder_.reset();
        }
        if (equivocating_) {
            for (const dataplane::SetOut& out : equivocating_->push(own)) {
                ++counts_.second_sets_made;
                send_to_half(out, Version::second);
            }
        }
    }) > 0;
}

void ShredTile::send_own(const dataplane::SetOut& out)
{
    ++counts_.sets_made;
    sight(out.set.slot);
    if (equivocating_) {
        send_to_half(out, Version::first);
        take_set(out.set, From::own_stream);
        return;
    }
    for (std::size_t i = 0; i < out.datagrams.count(); ++i) {
        const dataplane::ShredName name{.slot = out.set.slot,
                                        .set_index = out.set.index,
                                        .shred_index = static_cast<std::uint8_t>(i)};
        const std::optional<std::uint16_t> first = tree_.first(name, options_.roster.me);
        if (first) {
            ++counts_.shreds_sent;
            send(Lane::shreds, options_.roster.validators[*first].shreds, out.datagrams.at(i));
        }
    }
    links_.shred_net.publish();
    take_set(out.set, From::own_stream);
}

/// Straight to each of that half, so that nobody else decides who sees which version first.
void ShredTile::send_to_half(const dataplane::SetOut& out, Version version)
{
    for (std::uint16_t to = 0; to < options_.roster.validators.size(); ++to) {
        const bool second = EquivocatingLeader::gets_second(out.set.slot, to);
        if (to == options_.roster.me || second != (version == Version::second)) {
            continue;
        }
        for (std::size_t i = 0; i < out.datagrams.count(); ++i) {
            ++counts_.shreds_sent;
            send(Lane::shreds, options_.roster.validators[to].shreds, out.datagrams.at(i));
        }
    }
    links_.shred_net.publish();
}

bool ShredTile::take_shreds(std::uint64_t now_ns)
{
    return links_.net_shred.drain(shreds_per_turn, [this, now_ns](const Packet& packet) {
        take_shred(packet, now_ns);
    }) > 0;
}

void ShredTile::take_shred(const Packet& packet, std::uint64_t now_ns)
{
    const ByteView datagram = packet.payload();
    if (packet.lane == Lane::repair &&
        dataplane::kind_of_datagram(datagram) == dataplane::kind_chain_hints) {
        planner_.on_hints(datagram, now_ns);
        return;
    }
    ++counts_.shreds_received;
    Result<dataplane::Accepted, dataplane::ShredError> accepted = resolver_.accept(
        datagram, {.source = packet.lane == Lane::repair ? dataplane::ShredSource::repair
                                                         : dataplane::ShredSource::turbine,
                   .now_ns = now_ns});
    if (!accepted) {
        if (accepted.error() == dataplane::ShredError::slot_far) {
            planner_.note_slot_seen(resolver_.take_highest_slot_seen());
        }
        return; // the resolver counted it
    }
    sight(accepted->set.slot);
    if (accepted->retransmit) {
        retransmit(*accepted, datagram);
    }
    if (accepted->equivocation) {
        spread(*accepted->equivocation);
    }
    if (accepted->completed) {
        take_set(std::move(accepted->completed->set), From::network);
    }
}

/// Consensus waits for the first shred of a window; a lost message costs it only patience.
void ShredTile::sight(Slot slot)
{
    Slot& newest = sighted_[slot.value % sighted_.size()];
    if (newest < slot) {
        newest = slot;
        (void)links_.shred_consensus.push(SlotSighted{slot});
    }
}

/// Both shreds go to everybody: who has either sees for himself. Once for each slot, so that a
/// leader with a thousand versions is not worth more than one with two.
void ShredTile::spread(const dataplane::Equivocation& equivocation)
{
    Slot& newest = spread_[equivocation.slot.value % spread_.size()];
    if (newest >= equivocation.slot) {
        return;
    }
    newest = equivocation.slot;
    (void)links_.shred_consensus.push(
        TwoVersions{.slot = equivocation.slot,
                    .first_root = crypto::sha256(equivocation.first),
                    .second_root = crypto::sha256(equivocation.second)});
    for (std::size_t i = 0; i < options_.roster.validators.size(); ++i) {
        if (i != options_.roster.me) {
            send(Lane::shreds, options_.roster.validators[i].shreds, equivocation.first);
            send(Lane::shreds, options_.roster.validators[i].shreds, equivocation.second);
        }
    }
}

void ShredTile::retransmit(const dataplane::Accepted& accepted, ByteView datagram)
{
    const dataplane::ShredName name{.slot = accepted.set.slot,
                                    .set_index = accepted.set.set_index,
                                    .shred_index = accepted.shred_index};
    const std::uint16_t leader = schedule_.leader_at(name.slot).value;
    for (const std::uint16_t child : tree_.children_of(options_.roster.me, name, leader)) {
        ++counts_.shreds_retransmitted;
        send(Lane::shreds, options_.roster.validators[child].shreds, datagram);
    }
}

void ShredTile::take_set(ledger::ShredSet set, From from)
{
    push_or_wait(links_.shred_store, StoreSet{std::make_unique<ledger::ShredSet>(set)}, stop_);
    for (ledger::Block& block : assembler_.add(std::move(set))) {
        if (from == From::own_stream && block.ref.slot == own_slot_) {
            waiting_.emplace_back(SealedBlock{block.ref, block.set_roots});
        } else {
            waiting_.emplace_back(CompleteBlock{std::make_unique<ledger::Block>(std::move(block))});
        }
    }
    for (const dataplane::SetKey& key : assembler_.take_evicted()) {
        resolver_.forget(key);
    }
}

bool ShredTile::hand_over_blocks()
{
    bool any = false;
    while (!waiting_.empty() && links_.shred_bank.push(std::move(waiting_.front()))) {
        waiting_.pop_front();
        any = true;
    }
    return any;
}

void ShredTile::send(Lane lane, const dataplane::Endpoint& to, ByteView payload)
{
    Packet* const packet = links_.shred_net.claim();
    if (packet == nullptr) {
        ++counts_.net_link_full;
        return;
    }
    packet->lane = lane;
    packet->peer = to;
    packet->set_payload(payload);
    links_.shred_net.commit();
}

void ShredTile::repair(std::uint64_t now_ns)
{
    std::size_t wanted = 0;
    for (const ledger::BlockRef& parent : assembler_.unknown_parents()) {
        if (++wanted > unknown_parents_wanted_max) {
            break;
        }
        planner_.want(parent);
    }
    for (const dataplane::RepairOut& out : planner_.plan(now_ns)) {
        send(Lane::repair, options_.roster.validators[out.peer].repair, out.datagram);
    }
}

void ShredTile::publish(std::uint64_t now_ns)
{
    published_ns_ = now_ns;
    counts_.fec = resolver_.counters();
    counts_.assembler = assembler_.counters();
    counts_.repair = planner_.counters();
    counts_.open_bytes = resolver_.open_bytes();
    counts_.held_bytes = assembler_.held_bytes();
    counts_.catching_up = planner_.catching_up();
    published_.publish(counts_);
}

void ShredTile::finish()
{
    publish(monotonic_ns());
}

} // namespace belfry::node
