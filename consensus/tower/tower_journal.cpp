// SPDX-License-Identifier: Apache-2.0
#include "consensus/tower/tower_journal.hpp"

#include "base/check.hpp"

namespace belfry::consensus {

namespace {

constexpr std::uint8_t vote_kind = 1;
constexpr std::uint8_t slot_kind = 2;
constexpr std::uint8_t fork_kind = 7; // 3 to 6 are left to engines that build on this one

void encode_place(std::uint8_t kind, ValidatorIndex who, Slot slot, Bytes& out)
{
    ByteWriter writer(out);
    writer.u8(kind);
    writer.u16(who.value);
    writer.u64(slot.value);
}

void encode_vote(const VoteRecord& record, Bytes& out)
{
    BELFRY_CHECK(record.ids.size() == record.vote.tower.depth());
    BELFRY_CHECK(record.ids.back() == record.vote.block_id);
    ByteWriter writer(out);
    writer.u8(vote_kind);
    encode_tower_vote(record.vote, out);
    for (std::size_t i = 0; i + 1 < record.ids.size(); ++i) {
        writer.bytes(record.ids[i].view());
    }
    writer.bytes(record.root_id.view());
}

std::optional<TowerRecord> decode_vote(ByteView bytes)
{
    // The entry count stands at a fixed place and gives the length of the body.
    constexpr std::size_t count_at = 2 + 8;
    if (bytes.size() <= count_at || bytes[count_at] == 0) {
        return std::nullopt;
    }
    const std::size_t entry_count = bytes[count_at];
    const std::size_t body_bytes = count_at + 1 + entry_count * 9 + 2 * Hash::size_bytes;
    if (bytes.size() != body_bytes + entry_count * Hash::size_bytes) {
        return std::nullopt;
    }
    const auto vote = decode_tower_vote(bytes.first(body_bytes));
    if (!vote) {
        return std::nullopt;
    }
    VoteRecord record{.vote = *vote, .ids = {}, .root_id = {}};
    ByteReader reader(bytes.subspan(body_bytes));
    record.ids.reserve(entry_count);
    for (std::size_t i = 0; i + 1 < entry_count; ++i) {
        record.ids.push_back(reader.fixed<Hash>());
    }
    record.ids.push_back(vote->block_id);
    record.root_id = reader.fixed<Hash>();
    BELFRY_CHECK(reader.finished());
    return record;
}

std::optional<TowerRecord> decode_place(std::uint8_t kind, ByteView bytes)
{
    ByteReader reader(bytes);
    const ValidatorIndex who{reader.u16()};
    const Slot slot{reader.u64()};
    if (!reader.finished()) {
        return std::nullopt;
    }
    if (kind == fork_kind) {
        return ForkRecord{.voter = who, .slot = slot};
    }
    return SlotRecord{.builder = who, .slot = slot};
}

} // namespace

void encode_tower_record(const TowerRecord& record, Bytes& out)
{
    if (const auto* vote = std::get_if<VoteRecord>(&record)) {
        encode_vote(*vote, out);
        return;
    }
    if (const auto* fork = std::get_if<ForkRecord>(&record)) {
        encode_place(fork_kind, fork->voter, fork->slot, out);
        return;
    }
    const auto& built = std::get<SlotRecord>(record);
    encode_place(slot_kind, built.builder, built.slot, out);
}

std::optional<TowerRecord> decode_tower_record(ByteView bytes)
{
    if (bytes.empty()) {
        return std::nullopt;
    }
    switch (bytes[0]) {
    case vote_kind:
        return decode_vote(bytes.subspan(1));
    case slot_kind:
    case fork_kind:
        return decode_place(bytes[0], bytes.subspan(1));
    default:
        return std::nullopt;
    }
}

} // namespace belfry::consensus
