// SPDX-License-Identifier: Apache-2.0
#include "dataplane/repair/repair_wire.hpp"

#include "base/check.hpp"
#include "crypto/keypair.hpp"

#include <algorithm>
#include <string_view>

namespace belfry::dataplane {
namespace {

constexpr std::string_view repair_domain = crypto::signing_tag(crypto::SigningPurpose::repair);
constexpr std::size_t body_offset = prefix_bytes + 1 + Signature::size_bytes;
constexpr std::size_t hints_header_bytes = prefix_bytes + 1 + 8 + 8 + 8 + 1;
constexpr std::size_t hint_bytes = 4 + Hash::size_bytes + 2;
static_assert(hints_header_bytes + chain_hints_max * hint_bytes <= datagram_bytes_max);

/// ok, or why a request with these fields is none.
RepairWireError check_request(const RepairRequest& request)
{
    const SetKey& key = request.key;
    if (key.slot.value > slot_max) {
        return RepairWireError::bad_slot;
    }
    const bool no_root = key.root == Hash{};
    switch (request.what) {
    case RepairWhat::set:
        if (key.set_index >= block_sets_max) {
            return RepairWireError::bad_index;
        }
        return request.bits == 0 ? RepairWireError::bad_bits : RepairWireError::count;
    case RepairWhat::successor:
        if (key.set_index >= block_sets_max) {
            return RepairWireError::bad_index;
        }
        return request.bits != 0 ? RepairWireError::bad_bits : RepairWireError::count;
    case RepairWhat::block_sets:
        if (key.set_index == tail_set_index) {
            return request.bits != 1 ? RepairWireError::bad_bits : RepairWireError::count;
        }
        if (key.set_index >= block_sets_max) {
            return RepairWireError::bad_index;
        }
        return request.bits == 0 || request.bits > block_sets_per_request_max
                   ? RepairWireError::bad_bits
                   : RepairWireError::count;
    case RepairWhat::chain:
        return key.set_index != 0 || !no_root || request.bits != 0 ? RepairWireError::bad_what
                                                                   : RepairWireError::count;
    }
    return RepairWireError::bad_what;
}

} // namespace

std::uint8_t kind_of_datagram(ByteView datagram)
{
    return datagram.size() > prefix_bytes ? datagram[prefix_bytes] : std::uint8_t{0};
}

Bytes repair_statement(const Hash& genesis, ByteView body)
{
    Bytes out(repair_domain.begin(), repair_domain.end());
    out.insert(out.end(), genesis.bytes.begin(), genesis.bytes.end());
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

Bytes write_repair_request(const RepairRequest& request, const Hash& genesis,
                           const std::function<Signature(ByteView)>& sign)
{
    BELFRY_CHECK(check_request(request) == RepairWireError::count);
    Bytes body;
    ByteWriter body_writer(body);
    body_writer.u16(request.sender);
    body_writer.u16(request.target);
    body_writer.u64(request.sequence);
    body_writer.u8(static_cast<std::uint8_t>(request.what));
    body_writer.u64(request.key.slot.value);
    body_writer.u32(request.key.set_index);
    body_writer.bytes(request.key.root.view());
    body_writer.u64(request.bits);

    Bytes out;
    out.reserve(repair_request_bytes);
    Prefix(genesis).append_to(out);
    ByteWriter writer(out);
    writer.u8(kind_repair_request);
    writer.bytes(sign(repair_statement(genesis, body)).view());
    writer.bytes(body);
    BELFRY_CHECK(out.size() == repair_request_bytes);
    return out;
}

Result<SignedRepairRequest, RepairWireError> parse_repair_request(ByteView datagram,
                                                                  const Prefix& prefix)
{
    if (datagram.size() != repair_request_bytes) {
        return std::unexpected(RepairWireError::wrong_length);
    }
    const Result<ByteView, WireError> stripped = prefix.strip(datagram);
    if (!stripped) {
        return std::unexpected(RepairWireError::wrong_prefix);
    }
    ByteReader reader(*stripped);
    if (reader.u8() != kind_repair_request) {
        return std::unexpected(RepairWireError::wrong_kind);
    }
    SignedRepairRequest out;
    out.signature = reader.fixed<Signature>();
    out.body = datagram.subspan(body_offset);
    RepairRequest& request = out.request;
    request.sender = reader.u16();
    request.target = reader.u16();
    request.sequence = reader.u64();
    const std::uint8_t what = reader.u8();
    if (what < static_cast<std::uint8_t>(RepairWhat::set) ||
        what > static_cast<std::uint8_t>(RepairWhat::chain)) {
        return std::unexpected(RepairWireError::bad_what);
    }
    request.what = static_cast<RepairWhat>(what);
    request.key.slot = Slot{reader.u64()};
    request.key.set_index = reader.u32();
    request.key.root = reader.fixed<Hash>();
    request.bits = reader.u64();
    BELFRY_CHECK(reader.finished());
    if (const RepairWireError error = check_request(request); error != RepairWireError::count) {
        return std::unexpected(error);
    }
    return out;
}

std::uint64_t echo_of(const Signature& request_signature)
{
    ByteReader reader(request_signature.view());
    return reader.u64();
}

Bytes write_chain_hints(const ChainHints& hints, const Prefix& prefix)
{
    BELFRY_CHECK(hints.hints.size() <= chain_hints_max);
    Bytes out;
    out.reserve(hints_header_bytes + hints.hints.size() * hint_bytes);
    prefix.append_to(out);
    ByteWriter writer(out);
    writer.u8(kind_chain_hints);
    writer.u64(hints.echo);
    writer.u64(hints.tip.value);
    writer.u64(hints.after.value);
    writer.u8(static_cast<std::uint8_t>(hints.hints.size()));
    Slot before = hints.after;
    for (const ChainHint& hint : hints.hints) {
        const Slot slot = hint.block.slot;
        BELFRY_CHECK(slot > before && slot.value - hints.after.value <= UINT32_MAX);
        before = slot;
        writer.u32(static_cast<std::uint32_t>(slot.value - hints.after.value));
        writer.bytes(hint.block.id.view());
        writer.u16(hint.set_count);
    }
    return out;
}

Result<ChainHints, RepairWireError> parse_chain_hints(ByteView datagram, const Prefix& prefix)
{
    if (datagram.size() < hints_header_bytes) {
        return std::unexpected(RepairWireError::wrong_length);
    }
    const Result<ByteView, WireError> stripped = prefix.strip(datagram);
    if (!stripped) {
        return std::unexpected(RepairWireError::wrong_prefix);
    }
    ByteReader reader(*stripped);
    if (reader.u8() != kind_chain_hints) {
        return std::unexpected(RepairWireError::wrong_kind);
    }
    ChainHints out;
    out.echo = reader.u64();
    out.tip = Slot{reader.u64()};
    out.after = Slot{reader.u64()};
    if (out.tip.value > slot_max || out.after.value > slot_max) {
        return std::unexpected(RepairWireError::bad_slot);
    }
    const std::size_t count = reader.u8();
    if (count > chain_hints_max) {
        return std::unexpected(RepairWireError::bad_count);
    }
    if (reader.left() != count * hint_bytes) {
        return std::unexpected(RepairWireError::wrong_length);
    }
    Slot before = out.after;
    for (std::size_t i = 0; i < count; ++i) {
        ChainHint hint;
        hint.block.slot = Slot{out.after.value + reader.u32()};
        hint.block.id = reader.fixed<Hash>();
        hint.set_count = reader.u16();
        if (hint.block.slot <= before) {
            return std::unexpected(RepairWireError::bad_order);
        }
        if (hint.block.slot.value > slot_max) {
            return std::unexpected(RepairWireError::bad_slot);
        }
        if (hint.set_count == 0 || hint.set_count > block_sets_max) {
            return std::unexpected(RepairWireError::bad_index);
        }
        before = hint.block.slot;
        out.hints.push_back(hint);
    }
    return out;
}

} // namespace belfry::dataplane
