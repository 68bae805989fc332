// SPDX-License-Identifier: Apache-2.0
#include "dataplane/repair/repair_planner.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <bit>
#include <tuple>

namespace belfry::dataplane {
namespace {

constexpr std::uint32_t failures_until_avoided = 4;
constexpr std::uint64_t avoid_ns = 250'000'000; // doubled by every further failure, four times
constexpr std::uint32_t slow_turn_every = 7;    // six requests to fast peers, one to any
constexpr std::size_t tail_set_shreds = 16;     // what a block's last set is taken to have
constexpr std::size_t missing_max = 2048;
constexpr std::size_t block_groups_max = 16; // of one block's sets, asked for at a time

std::size_t spare_for(std::size_t row_count)
{
    return 1 + row_count / 8;
}

constexpr std::size_t full_set_shreds = data_rows_max + 1 + data_rows_max / 8;

/// Shreds to ask for so that a set becomes whole: data first, some spare for loss on the way.
std::uint64_t missing_bits(const OpenSet& open)
{
    const auto have_count = static_cast<std::size_t>(std::popcount(open.have));
    const std::size_t needed =
        open.header.data_count - std::min<std::size_t>(open.header.data_count, have_count);
    std::size_t left = needed + spare_for(needed);
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < open.header.shred_count() && left > 0; ++i) {
        const std::uint64_t bit = std::uint64_t{1} << i;
        if ((open.have & bit) == 0) {
            bits |= bit;
            --left;
        }
    }
    return bits;
}

} // namespace

RepairPlanner::RepairPlanner(const Options& options, const crypto::Keypair& me,
                             FecResolver& resolver, BlockAssembler& assembler)
    : options_(options)
    , me_(me)
    , resolver_(resolver)
    , assembler_(assembler)
    , prefix_(options.genesis)
    , sequence_(options.first_sequence)
    , peers_(options.roster_count)
{
    BELFRY_CHECK(options.me < options.roster_count);
    BELFRY_CHECK(options.guides_max >= 1 && options.window_blocks >= 1);
}

void RepairPlanner::set_position(const Position& position)
{
    position_ = position;
    resolver_.set_window(position.finalized.slot, position.local);
    assembler_.set_finalized(position.finalized);
}

void RepairPlanner::want(const ledger::BlockRef& block)
{
    note_slot_seen(block.slot);
    want_far(block);
}

void RepairPlanner::note_slot_seen(Slot slot)
{
    if (slot.value <= slot_max) {
        highest_slot_seen_ = std::max(highest_slot_seen_, slot);
    }
}

bool RepairPlanner::catching_up() const
{
    return highest_slot_seen_.value > position_.replayed.value + options_.catch_up_gap;
}

void RepairPlanner::want_far(const ledger::BlockRef& block)
{
    if (block.slot <= position_.finalized.slot || assembler_.is_known(block) ||
        !assembler_.want(block)) {
        return;
    }
    if (assembler_.wanted().contains(block) && resolver_.want_slot(block.slot)) {
        far_slots_.insert(block.slot);
    }
}

void RepairPlanner::drop_far_slots()
{
    const std::set<ledger::BlockRef>& wanted = assembler_.wanted();
    std::erase_if(far_slots_, [&](Slot slot) {
        const auto at = wanted.lower_bound({slot, Hash{}});
        const bool still = at != wanted.end() && at->slot == slot;
        if (!still) {
            resolver_.unwant_slot(slot);
        }
        return !still;
    });
}

std::vector<RepairOut> RepairPlanner::plan(std::uint64_t now_ns)
{
    std::vector<RepairOut> out;
    if (options_.roster_count < 2) {
        return out;
    }
    ++round_;
    note_slot_seen(resolver_.take_highest_slot_seen());
    for (const SetKey& key : assembler_.take_evicted()) {
        resolver_.forget(key);
    }
    for (const ledger::BlockRef& parent : assembler_.unknown_parents()) {
        want_far(parent);
    }
    guide(now_ns, out);
    drop_far_slots();
    collect_candidates(now_ns);
    settle_items(now_ns);
    // What was asked least goes first, then the lowest slot: names that nobody can serve fall
    // behind instead of filling what may be in flight.
    std::ranges::sort(candidates_, {}, [this](const Candidate& candidate) {
        return std::tuple{std::min(items_[candidate.item].attempts, 4U), candidate.item.key.slot,
                          candidate.item};
    });
    for (const Candidate& candidate : candidates_) {
        const Item& item = items_[candidate.item];
        if (item.outstanding || now_ns < item.noticed_ns + candidate.grace_ns ||
            now_ns < candidate.eligible_ns) {
            continue;
        }
        const bool full = in_flight_shreds_ > 0 && in_flight_shreds_ + candidate.expected_shreds >
                                                       options_.in_flight_shreds_max;
        if (full || out.size() >= options_.requests_per_plan_max) {
            break;
        }
        ask(candidate, now_ns, out);
    }
    return out;
}

void RepairPlanner::collect_candidates(std::uint64_t now_ns)
{
    candidates_.clear();
    wanted_keys_.clear();
    open_places_.clear();
    open_after_.clear();
    const std::vector<OpenSet> open_sets = resolver_.open_sets();
    for (const OpenSet& open : open_sets) {
        open_places_.insert({open.key.slot, open.key.set_index});
        if (open.key.set_index > 0) {
            open_after_.insert({open.key.slot, open.key.set_index - 1, open.header.chained_root});
        }
    }
    const std::vector<Missing> missing = assembler_.missing(position_.local, missing_max);
    for (const Missing& item : missing) {
        if (item.wanted) {
            wanted_keys_.insert(item.key);
        }
        collect_missing(item);
    }
    for (const OpenSet& open : open_sets) {
        collect_open_set(open);
    }
    for (const ledger::BlockRef& block : assembler_.wanted()) {
        if (const auto set_count = assembler_.set_count(block)) {
            collect_block_ranges(block, *set_count, now_ns);
        }
    }
    std::erase_if(candidates_, [&](const Candidate& candidate) {
        const auto found = items_.find(candidate.item);
        if (found != items_.end()) {
            found->second.round = round_;
            return false;
        }
        if (items_.size() >= options_.items_max) {
            ++counters_.items_refused;
            return true;
        }
        items_[candidate.item] = {.noticed_ns = now_ns, .round = round_};
        return false;
    });
}

void RepairPlanner::collect_open_set(const OpenSet& open)
{
    // Other versions of a slot that is whole are fetched only when somebody names them.
    if (assembler_.slot_has_known_block(open.key.slot) && !wanted_keys_.contains(open.key)) {
        return;
    }
    const std::uint64_t bits = missing_bits(open);
    if (bits == 0) {
        return;
    }
    Candidate candidate;
    candidate.item = {RepairWhat::set, open.key};
    candidate.asked = open.key;
    candidate.bits = bits;
    candidate.eligible_ns = open.newest_arrival_ns + options_.arrival_grace_ns;
    candidate.expected_shreds = static_cast<std::size_t>(std::popcount(bits));
    candidates_.push_back(candidate);
}

void RepairPlanner::collect_missing(const Missing& missing)
{
    Candidate candidate;
    candidate.asked = missing.key;
    candidate.grace_ns = grace_of(missing.key.slot);
    candidate.expected_shreds = full_set_shreds;
    switch (missing.kind) {
    case Missing::Kind::set:
        // Every set that another follows is a full one.
        if (resolver_.malformed(missing.key)) {
            return;
        }
        static_cast<void>(resolver_.want_set(missing.key));
        if (resolver_.open_set(missing.key)) {
            return;
        }
        candidate.item = {RepairWhat::set, missing.key};
        candidate.bits = (std::uint64_t{1} << full_set_shreds) - 1;
        break;
    case Missing::Kind::successor:
        if (open_after_.contains(missing.key)) {
            return;
        }
        candidate.item = {RepairWhat::successor, missing.key};
        candidate.grace_ns = options_.tail_grace_ns;
        break;
    case Missing::Kind::block:
        candidate.item = {RepairWhat::block_sets, missing.key};
        candidate.item.key.set_index = tail_set_index;
        candidate.asked = candidate.item.key;
        candidate.bits = 1;
        candidate.expected_shreds = tail_set_shreds;
        break;
    }
    candidates_.push_back(candidate);
}

void RepairPlanner::collect_block_ranges(const ledger::BlockRef& block, std::uint32_t set_count,
                                         std::uint64_t now_ns)
{
    // Groups have fixed borders, so that an item keeps its name while parts of it arrive. The last
    // set has an item of its own.
    constexpr auto group_sets = static_cast<std::uint32_t>(block_sets_per_request_max);
    std::size_t groups_left = block_groups_max;
    for (std::uint32_t group = 0; group + 1 < set_count && groups_left > 0; group += group_sets) {
        Candidate candidate;
        candidate.item = {RepairWhat::block_sets, {block.slot, group, block.id}};
        const auto item = items_.find(candidate.item);
        // While the answer is on its way a set counts once it is whole; later it counts when some
        // of it is here, and is completed by its root.
        const bool on_its_way =
            item != items_.end() && item->second.outstanding && now_ns < item->second.deadline_ns;
        const auto here = [&](std::uint32_t set_index) {
            return assembler_.has_set_at(block.slot, set_index) ||
                   (!on_its_way && open_places_.contains({block.slot, set_index}));
        };
        std::uint32_t first = group;
        std::uint32_t end = std::min(group + group_sets, set_count - 1);
        while (first < end && here(first)) {
            ++first;
        }
        while (end > first && here(end - 1)) {
            --end;
        }
        if (first == end) {
            continue;
        }
        --groups_left;
        candidate.asked = {block.slot, first, block.id};
        candidate.bits = end - first;
        candidate.grace_ns = grace_of(block.slot);
        candidate.expected_shreds = (end - first) * full_set_shreds;
        candidates_.push_back(candidate);
    }
}

std::uint64_t RepairPlanner::grace_of(Slot slot) const
{
    const bool under_way = !catching_up() && slot.value + 1 >= position_.local.value;
    return under_way ? options_.arrival_grace_ns : 0;
}

void RepairPlanner::settle_items(std::uint64_t now_ns)
{
    for (auto at = items_.begin(); at != items_.end();) {
        Item& item = at->second;
        const bool met = item.round != round_;
        if (item.outstanding && (met || now_ns >= item.deadline_ns)) {
            BELFRY_CHECK(in_flight_shreds_ >= item.expected_shreds);
            in_flight_shreds_ -= item.expected_shreds;
            item.outstanding = false;
            if (met) {
                ++counters_.requests_met;
                note_success(item.peer, now_ns - item.asked_ns);
            } else {
                ++counters_.requests_timed_out;
                note_failure(item.peer, now_ns);
            }
        }
        const SetKey& key = at->first.key;
        if (!met && !item.outstanding && item.attempts >= options_.block_attempts_max &&
            at->first.what == RepairWhat::block_sets && key.set_index == tail_set_index) {
            assembler_.unwant({key.slot, key.root});
            item.attempts = 0;
        }
        at = met ? items_.erase(at) : std::next(at);
    }
}

void RepairPlanner::ask(const Candidate& candidate, std::uint64_t now_ns,
                        std::vector<RepairOut>& out)
{
    Item& item = items_[candidate.item];
    const auto not_this = item.attempts == 0 ? std::nullopt : std::optional{item.peer};
    const std::optional<std::uint16_t> peer = choose_peer(not_this, now_ns);
    if (!peer) {
        return;
    }
    item.peer = *peer;
    item.asked_ns = now_ns;
    item.deadline_ns = now_ns + timeout_of(*peer, item.attempts);
    item.expected_shreds = candidate.expected_shreds;
    item.outstanding = true;
    ++item.attempts;
    in_flight_shreds_ += candidate.expected_shreds;
    out.push_back(
        {*peer, write_request(*peer, candidate.item.what, candidate.asked, candidate.bits)});
}

std::optional<std::uint16_t> RepairPlanner::choose_peer(std::optional<std::uint16_t> not_this,
                                                        std::uint64_t now_ns)
{
    ++turn_;
    std::uint64_t fastest_ns = UINT64_MAX;
    for (const Peer& peer : peers_) {
        if (peer.latency_ns != 0) {
            fastest_ns = std::min(fastest_ns, peer.latency_ns);
        }
    }
    // Each pass asks for less: a fast peer, one that answers, another than last time, any.
    for (int pass = turn_ % slow_turn_every == 0 ? 1 : 0; pass < 4; ++pass) {
        for (std::uint16_t step = 0; step < options_.roster_count; ++step) {
            const auto index =
                static_cast<std::uint16_t>((next_peer_ + step) % options_.roster_count);
            const Peer& peer = peers_[index];
            const bool slow = peer.latency_ns / 2 > fastest_ns;
            if (index == options_.me || (pass < 1 && slow) ||
                (pass < 2 && now_ns < peer.avoid_until_ns) || (pass < 3 && not_this == index)) {
                continue;
            }
            next_peer_ = static_cast<std::uint16_t>((index + 1) % options_.roster_count);
            return index;
        }
    }
    return std::nullopt;
}

std::uint64_t RepairPlanner::timeout_of(std::uint16_t peer, std::uint32_t attempts) const
{
    const std::uint64_t doubled = options_.timeout_ns << std::min(attempts / 2, 8U);
    const std::uint64_t by_latency = 3 * peers_[peer].latency_ns;
    return std::min(std::max(doubled, by_latency), options_.timeout_max_ns);
}

void RepairPlanner::note_failure(std::uint16_t peer, std::uint64_t now_ns)
{
    Peer& known = peers_[peer];
    if (++known.failures >= failures_until_avoided) {
        const std::uint32_t more = std::min(known.failures - failures_until_avoided, 4U);
        known.avoid_until_ns = now_ns + (avoid_ns << more);
    }
}

void RepairPlanner::note_success(std::uint16_t peer, std::uint64_t latency_ns)
{
    Peer& known = peers_[peer];
    known.failures = 0;
    known.avoid_until_ns = 0;
    const std::uint64_t at_least = std::max<std::uint64_t>(latency_ns, 1);
    known.latency_ns =
        known.latency_ns == 0 ? at_least : known.latency_ns - known.latency_ns / 8 + at_least / 8;
}

Bytes RepairPlanner::write_request(std::uint16_t peer, RepairWhat what, const SetKey& asked,
                                   std::uint64_t bits)
{
    RepairRequest request;
    request.sender = options_.me;
    request.target = peer;
    request.sequence = sequence_++;
    request.what = what;
    request.key = asked;
    request.bits = bits;
    ++counters_.requests_sent;
    return write_repair_request(request, options_.genesis, [this](ByteView statement) {
        return me_.sign(crypto::SigningPurpose::repair, statement);
    });
}

} // namespace belfry::dataplane
