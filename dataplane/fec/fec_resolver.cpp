// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fec/fec_resolver.hpp"

#include "base/check.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/reed_solomon.hpp"
#include "dataplane/shred/shredder.hpp"

#include <algorithm>
#include <utility>

namespace belfry::dataplane {
namespace {

std::uint64_t bit(std::uint8_t shred_index)
{
    return std::uint64_t{1} << shred_index;
}

} // namespace

FecResolver::FecResolver(Options options)
    : options_(std::move(options))
    , prefix_(options_.genesis)
{
    BELFRY_CHECK(options_.leader_of != nullptr);
    BELFRY_CHECK(options_.versions_max >= 1 && options_.records_max >= 1);
}

Result<Accepted, ShredError> FecResolver::accept(ByteView datagram, const Arrival& arrival)
{
    Result<Accepted, ShredError> result = accept_checked(datagram, arrival);
    if (result) {
        ++counters_.accepted;
    } else {
        ++counters_.errors[static_cast<std::size_t>(result.error())];
    }
    return result;
}

Result<Accepted, ShredError> FecResolver::accept_checked(ByteView datagram, const Arrival& arrival)
{
    BELFRY_TRY(shred, parse_shred(datagram, prefix_));
    if (shred.header.slot <= finalized_) {
        return std::unexpected(ShredError::slot_old);
    }
    BELFRY_TRY(root, root_of_shred(shred));
    Accepted accepted;
    accepted.set = {shred.header.slot, shred.header.set_index, root};
    accepted.shred_index = shred.shred_index;

    auto record = records_.find(accepted.set);
    const bool is_new = record == records_.end();
    if (is_new) {
        BELFRY_TRY(opened, open_record(accepted.set, shred, datagram));
        record = opened;
    } else if (const auto known = check_known(record, shred); !known) {
        return std::unexpected(known.error());
    }

    const std::uint64_t seen_before = record->second.seen;
    BELFRY_TRY(completed, place(record, shred));
    Record& placed = record->second;
    placed.newest_arrival_ns = arrival.now_ns;
    if (completed && arrival.source == ShredSource::repair) {
        completed->repaired = true;
    } else if (arrival.source == ShredSource::repair) {
        placed.repaired = true;
    }
    if (completed) {
        ++counters_.sets_completed;
        counters_.sets_recovered += completed->recovered ? 1U : 0U;
        counters_.sets_repaired += completed->repaired ? 1U : 0U;
    }
    accepted.completed = std::move(completed);
    if (is_new) {
        accepted.equivocation = find_equivocation(record);
    }
    accepted.retransmit = arrival.source == ShredSource::turbine &&
                          (seen_before & bit(shred.shred_index)) == 0 &&
                          !forgetful_slots_.contains(shred.header.slot);
    return accepted;
}

Result<void, ShredError> FecResolver::check_signature(const ShredView& shred, const Hash& root)
{
    const std::optional<Pubkey> leader = options_.leader_of(shred.header.slot);
    if (!leader) {
        return std::unexpected(ShredError::no_leader);
    }
    ++counters_.signatures_checked;
    const auto statement = set_statement(options_.genesis, root);
    if (!crypto::ed25519_verify(
            {.message = statement, .key = &*leader, .signature = &shred.signature})) {
        return std::unexpected(ShredError::bad_signature);
    }
    return {};
}

Result<void, ShredError> FecResolver::check_known(Records::iterator record, const ShredView& shred)
{
    Record& known = record->second;
    const std::uint64_t here = known.state == State::open ? known.have : known.seen;
    if ((here & bit(shred.shred_index)) != 0) {
        return std::unexpected(ShredError::duplicate);
    }
    // Another signature of the same root is checked, not refused: a leader who signs one set twice
    // must not be able to make its shreds useless to those who saw the other signature first.
    if (shred.signature != known.signature) {
        if (const auto checked = check_signature(shred, record->first.root); !checked) {
            return checked;
        }
    }
    // Both headers are proven under one signed root, so the leader made a set that is none.
    if (known.state == State::malformed || shred.header != known.header) {
        known.state = State::malformed;
        drop_rows(known);
        return std::unexpected(ShredError::malformed_set);
    }
    return {};
}

Result<FecResolver::Records::iterator, ShredError>
FecResolver::open_record(const SetKey& key, const ShredView& shred, ByteView datagram)
{
    if (const auto checked = check_signature(shred, key.root); !checked) {
        return std::unexpected(checked.error());
    }
    highest_slot_seen_ = std::max(highest_slot_seen_, key.slot);
    if (!within_upper_end(key)) {
        return std::unexpected(ShredError::slot_far);
    }
    const auto first = records_.lower_bound({key.slot, key.set_index, Hash{}});
    std::size_t version_count = 0;
    for (auto at = first;
         at != records_.end() && at->first.slot == key.slot && at->first.set_index == key.set_index;
         ++at) {
        ++version_count;
    }
    if (version_count >= options_.versions_max && !wanted_sets_.contains(key)) {
        return std::unexpected(ShredError::versions_full);
    }
    if (!make_record_room(key)) {
        return std::unexpected(ShredError::no_room);
    }
    Record record;
    record.header = shred.header;
    record.signature = shred.signature;
    record.first_datagram.assign(datagram.begin(), datagram.end());
    return records_.emplace(key, std::move(record)).first;
}

Result<std::optional<CompletedSet>, ShredError> FecResolver::place(Records::iterator record,
                                                                   const ShredView& shred)
{
    Record& open = record->second;
    if (open.state == State::complete) {
        open.seen |= bit(shred.shred_index);
        return std::nullopt;
    }
    if (open.room_bytes == 0 && !take_room(record)) {
        return std::unexpected(ShredError::no_room);
    }
    open.seen |= bit(shred.shred_index);
    open.have |= bit(shred.shred_index);
    open.rows.insert(open.rows.end(), shred.row.begin(), shred.row.end());
    open.row_indexes.push_back(shred.shred_index);
    if (open.row_indexes.size() < open.header.data_count) {
        return std::nullopt;
    }

    std::optional<Bytes> stream = rebuild(open);
    const std::uint64_t data_bits = (std::uint64_t{1} << open.header.data_count) - 1;
    const bool recovered = (open.have & data_bits) != data_bits;
    drop_rows(open);
    // Not malformed by the bytes at hand alone but by what the leader signed: every node that has
    // any k rows of this root comes to the same verdict.
    if (!stream || root_of_set(open.header, *stream) != record->first.root) {
        open.state = State::malformed;
        return std::unexpected(ShredError::malformed_set);
    }
    open.state = State::complete;
    CompletedSet completed;
    completed.recovered = recovered;
    completed.repaired = open.repaired;
    ledger::ShredSet& set = completed.set;
    set.slot = open.header.slot;
    set.parent_slot = open.header.parent_slot;
    set.index = open.header.set_index;
    set.data_count = open.header.data_count;
    set.parity_count = open.header.parity_count;
    set.last = open.header.last;
    set.chained_root = open.header.chained_root;
    set.root = record->first.root;
    set.signature = open.signature;
    set.version = shred_format;
    set.payload = std::move(*stream);
    return completed;
}

std::optional<Bytes> FecResolver::rebuild(const Record& record)
{
    const std::size_t data_count = record.header.data_count;
    Bytes stream(data_count * row_bytes);
    const std::span<std::uint8_t> out{stream};
    std::vector<crypto::RsRow> rows;
    for (std::size_t i = 0; i < data_count; ++i) {
        const ByteView row = ByteView{record.rows}.subspan(i * row_bytes, row_bytes);
        const std::size_t index = record.row_indexes[i];
        rows.push_back({.index = index, .bytes = row});
        if (index < data_count) {
            copy_bytes_exactly(out.subspan(index * row_bytes, row_bytes), row);
        }
    }
    std::vector<std::size_t> wanted_index;
    std::vector<std::span<std::uint8_t>> wanted;
    for (std::size_t i = 0; i < data_count; ++i) {
        if ((record.have & bit(static_cast<std::uint8_t>(i))) == 0) {
            wanted_index.push_back(i);
            wanted.push_back(out.subspan(i * row_bytes, row_bytes));
        }
    }
    if (!wanted.empty() &&
        !crypto::rs_recover(data_count, record.header.parity_count, rows, wanted_index, wanted)) {
        return std::nullopt;
    }
    // Bytes behind the stream are not looked at: encoding puts zeros there, so others change the
    // root.
    stream.resize(record.header.stream_bytes);
    return stream;
}

} // namespace belfry::dataplane
