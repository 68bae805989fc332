// SPDX-License-Identifier: Apache-2.0
// The resolver's memory: windows, bounds, eviction and evidence.
#include "base/check.hpp"
#include "dataplane/fec/fec_resolver.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace belfry::dataplane {
namespace {

/// Charged for an open set besides its rows: header, datagram for evidence, tables.
constexpr std::size_t open_set_overhead_bytes = 2048;

SetKey lowest_key(Slot slot)
{
    return {slot, 0, Hash{}};
}

} // namespace

void FecResolver::set_window(Slot finalized, Slot local)
{
    BELFRY_CHECK(local.value <= slot_max);
    finalized_ = std::max(finalized_, finalized);
    local_ = local;
    const auto end = records_.lower_bound(lowest_key(finalized_.next()));
    for (auto at = records_.begin(); at != end; ++at) {
        drop_rows(at->second);
    }
    records_.erase(records_.begin(), end);
    wanted_sets_.erase(wanted_sets_.begin(),
                       wanted_sets_.lower_bound(lowest_key(finalized_.next())));
    wanted_slots_.erase(wanted_slots_.begin(), wanted_slots_.upper_bound(finalized_));
    reported_slots_.erase(reported_slots_.begin(), reported_slots_.upper_bound(finalized_));
    forgetful_slots_.erase(forgetful_slots_.begin(), forgetful_slots_.upper_bound(finalized_));
}

bool FecResolver::want_set(const SetKey& key)
{
    if (wanted_sets_.contains(key)) {
        return true;
    }
    if (key.slot <= finalized_ || wanted_sets_.size() >= options_.wanted_max) {
        return false;
    }
    wanted_sets_.insert(key);
    return true;
}

bool FecResolver::want_slot(Slot slot)
{
    if (wanted_slots_.contains(slot)) {
        return true;
    }
    if (slot <= finalized_ || wanted_slots_.size() >= options_.wanted_max) {
        return false;
    }
    wanted_slots_.insert(slot);
    return true;
}

void FecResolver::unwant_slot(Slot slot)
{
    wanted_slots_.erase(slot);
    wanted_sets_.erase(wanted_sets_.lower_bound(lowest_key(slot)),
                       wanted_sets_.lower_bound(lowest_key(slot.next())));
    for (auto at = records_.lower_bound(lowest_key(slot));
         at != records_.end() && at->first.slot == slot; ++at) {
        if (!within_upper_end(at->first)) {
            drop_rows(at->second);
        }
    }
}

void FecResolver::forget(const SetKey& key)
{
    const auto record = records_.find(key);
    if (record != records_.end() && record->second.state == State::complete) {
        record->second.state = State::open;
        record->second.repaired = false;
    }
}

std::vector<OpenSet> FecResolver::open_sets() const
{
    std::vector<OpenSet> out;
    for (const auto& [key, record] : records_) {
        if (record.state == State::open && record.have != 0) {
            out.push_back({key, record.header, record.have, record.newest_arrival_ns});
        }
    }
    return out;
}

std::optional<OpenSet> FecResolver::open_set(const SetKey& key) const
{
    const auto at = records_.find(key);
    if (at == records_.end() || at->second.state != State::open || at->second.have == 0) {
        return std::nullopt;
    }
    return OpenSet{key, at->second.header, at->second.have, at->second.newest_arrival_ns};
}

bool FecResolver::completed(const SetKey& key) const
{
    const auto at = records_.find(key);
    return at != records_.end() && at->second.state == State::complete;
}

bool FecResolver::malformed(const SetKey& key) const
{
    const auto at = records_.find(key);
    return at != records_.end() && at->second.state == State::malformed;
}

Slot FecResolver::take_highest_slot_seen()
{
    return std::exchange(highest_slot_seen_, Slot{});
}

bool FecResolver::within_upper_end(const SetKey& key) const
{
    return key.slot.value <= local_.value + options_.slots_ahead_max ||
           wanted_slots_.contains(key.slot) || wanted_sets_.contains(key);
}

bool FecResolver::take_room(Records::iterator record)
{
    Record& open = record->second;
    BELFRY_CHECK(open.room_bytes == 0);
    const std::size_t bytes = open.header.data_count * row_bytes + open_set_overhead_bytes;
    while (open_bytes_ + bytes > options_.open_bytes_max) {
        if (!evict_from_fullest_slot(record->first)) {
            return false;
        }
    }
    open.room_bytes = bytes;
    open.rows.reserve(open.header.data_count * row_bytes);
    open.row_indexes.reserve(open.header.data_count);
    open_bytes_ += bytes;
    open_bytes_by_slot_[record->first.slot] += bytes;
    return true;
}

bool FecResolver::evict_from_fullest_slot(const SetKey& newcomer)
{
    const auto fullest = std::ranges::max_element(open_bytes_by_slot_, {},
                                                  [](const auto& entry) { return entry.second; });
    if (fullest == open_bytes_by_slot_.end()) {
        return false;
    }
    const Slot slot = fullest->first;
    if (slot == newcomer.slot && !wanted_sets_.contains(newcomer)) {
        return false;
    }
    for (auto at = records_.lower_bound(lowest_key(slot.next())); at != records_.begin();) {
        --at;
        if (at->first.slot != slot) {
            return false;
        }
        if (at->second.room_bytes != 0 && !wanted_sets_.contains(at->first)) {
            drop_rows(at->second);
            ++counters_.sets_evicted;
            return true;
        }
    }
    return false;
}

bool FecResolver::make_record_room(const SetKey& newcomer)
{
    if (records_.size() < options_.records_max) {
        return true;
    }
    // First the names of sets that wait for nothing, of the lowest slot that has any.
    std::optional<Slot> forgotten;
    for (auto at = records_.begin(); at != records_.end();) {
        if (forgotten && at->first.slot > *forgotten) {
            return true;
        }
        if (at->second.room_bytes != 0) {
            ++at;
            continue;
        }
        forgotten = at->first.slot;
        at = forget_record(at);
    }
    if (forgotten) {
        return true;
    }
    if (!evict_from_fullest_slot(newcomer)) {
        return false;
    }
    const auto evicted = std::ranges::find_if(
        records_, [](const auto& entry) { return entry.second.room_bytes == 0; });
    BELFRY_CHECK(evicted != records_.end());
    forget_record(evicted);
    return true;
}

FecResolver::Records::iterator FecResolver::forget_record(Records::iterator record)
{
    forgetful_slots_.insert(record->first.slot);
    ++counters_.records_forgotten;
    return records_.erase(record);
}

void FecResolver::drop_rows(Record& record)
{
    const Slot slot = record.header.slot;
    record.have = 0;
    record.rows = Bytes{};
    record.row_indexes = Bytes{};
    if (record.room_bytes == 0) {
        return;
    }
    BELFRY_CHECK(open_bytes_ >= record.room_bytes);
    open_bytes_ -= record.room_bytes;
    const auto of_slot = open_bytes_by_slot_.find(slot);
    BELFRY_CHECK(of_slot != open_bytes_by_slot_.end() && of_slot->second >= record.room_bytes);
    of_slot->second -= record.room_bytes;
    if (of_slot->second == 0) {
        open_bytes_by_slot_.erase(of_slot);
    }
    record.room_bytes = 0;
}

std::optional<Equivocation> FecResolver::find_equivocation(Records::const_iterator newest)
{
    const auto& [key, record] = *newest;
    if (reported_slots_.contains(key.slot)) {
        return std::nullopt;
    }
    using Kind = Equivocation::Kind;
    const auto conflict = [&](const SetKey& other_key, const Record& other) -> std::optional<Kind> {
        if (other_key.set_index == key.set_index) {
            return Kind::two_roots;
        }
        if (other.header.parent_slot != record.header.parent_slot) {
            return Kind::other_parent;
        }
        const bool newest_is_higher = key.set_index > other_key.set_index;
        const Record& lower = newest_is_higher ? other : record;
        const Record& higher = newest_is_higher ? record : other;
        const Hash& lower_root = newest_is_higher ? other_key.root : key.root;
        if (lower.header.last) {
            return Kind::beyond_last;
        }
        if (lower.header.set_index + 1 == higher.header.set_index &&
            higher.header.chained_root != lower_root) {
            return Kind::broken_chain;
        }
        return std::nullopt;
    };
    for (auto at = records_.lower_bound(lowest_key(key.slot));
         at != records_.end() && at->first.slot == key.slot; ++at) {
        if (at->first == key) {
            continue;
        }
        if (const std::optional<Kind> kind = conflict(at->first, at->second)) {
            reported_slots_.insert(key.slot);
            ++counters_.equivocations;
            return Equivocation{*kind, key.slot, at->second.first_datagram, record.first_datagram};
        }
    }
    return std::nullopt;
}

} // namespace belfry::dataplane
