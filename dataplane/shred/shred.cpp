// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shred/shred.hpp"

#include "base/check.hpp"
#include "crypto/keypair.hpp"
#include "crypto/merkle.hpp"

#include <algorithm>
#include <string_view>

namespace belfry::dataplane {
namespace {

constexpr std::string_view set_domain = crypto::signing_tag(crypto::SigningPurpose::shred_set);
static_assert(set_domain.size() + 2 * Hash::size_bytes == set_statement_bytes);
constexpr std::uint8_t flag_last = 1;

Result<SetHeader, ShredError> check_shape(const SetHeader& header)
{
    if (header.set_index >= block_sets_max) {
        return std::unexpected(ShredError::bad_index);
    }
    const std::size_t stream_bytes = header.stream_bytes;
    const bool size_fits = header.last ? stream_bytes >= 1 && stream_bytes <= set_stream_bytes_max
                                       : stream_bytes == set_stream_bytes_max;
    if (!size_fits || header.data_count != data_count_for(stream_bytes) ||
        header.parity_count != parity_count_for(header.data_count)) {
        return std::unexpected(ShredError::bad_geometry);
    }
    return header;
}

} // namespace

std::size_t data_count_for(std::size_t stream_bytes)
{
    return (stream_bytes + row_bytes - 1) / row_bytes;
}

std::size_t parity_count_for(std::size_t data_count)
{
    return std::max(data_count, parity_rows_min);
}

std::size_t shred_bytes_for(std::size_t shred_count)
{
    return shred_header_bytes + row_bytes +
           crypto::merkle_proof_nodes(shred_count) * proof_node_bytes;
}

Result<ShredView, ShredError> parse_shred(ByteView datagram, const Prefix& prefix)
{
    if (datagram.size() <= shred_header_bytes + row_bytes || datagram.size() > shred_bytes_max) {
        return std::unexpected(ShredError::wrong_length);
    }
    const Result<ByteView, WireError> body = prefix.strip(datagram);
    if (!body) {
        return std::unexpected(ShredError::wrong_prefix);
    }
    ByteReader reader(*body);
    if (reader.u8() != kind_shred) {
        return std::unexpected(ShredError::wrong_kind);
    }
    ShredView shred;
    shred.signature = reader.fixed<Signature>();
    if (reader.u16() != shred_format) {
        return std::unexpected(ShredError::wrong_format);
    }
    const std::uint64_t slot = reader.u64();
    const std::uint32_t parent_distance = reader.u32();
    if (slot == 0 || slot > slot_max || parent_distance == 0 || parent_distance > slot) {
        return std::unexpected(ShredError::bad_slot);
    }
    SetHeader header;
    header.slot = Slot{slot};
    header.parent_slot = Slot{slot - parent_distance};
    header.set_index = reader.u32();
    header.data_count = reader.u8();
    header.parity_count = reader.u8();
    shred.shred_index = reader.u8();
    const std::uint8_t flags = reader.u8();
    if (flags > flag_last) {
        return std::unexpected(ShredError::wrong_format);
    }
    header.last = flags == flag_last;
    header.stream_bytes = reader.u16();
    header.chained_root = reader.fixed<Hash>();
    BELFRY_TRY(checked, check_shape(header));
    if (shred.shred_index >= checked.shred_count()) {
        return std::unexpected(ShredError::bad_index);
    }
    if (datagram.size() != shred_bytes_for(checked.shred_count())) {
        return std::unexpected(ShredError::wrong_length);
    }
    shred.header = checked;
    shred.leaf = datagram.subspan(leaf_offset, leaf_header_bytes + row_bytes);
    shred.row = datagram.subspan(shred_header_bytes, row_bytes);
    shred.proof = datagram.subspan(shred_header_bytes + row_bytes);
    return shred;
}

Result<Hash, ShredError> root_of_shred(const ShredView& shred)
{
    const std::optional<Hash> root = crypto::merkle_root_from_proof(
        shred.leaf, shred.shred_index, shred.header.shred_count(), shred.proof);
    if (!root) {
        return std::unexpected(ShredError::bad_proof);
    }
    return *root;
}

std::array<std::uint8_t, set_statement_bytes> set_statement(const Hash& genesis, const Hash& root)
{
    std::array<std::uint8_t, set_statement_bytes> out{};
    auto end = std::copy(set_domain.begin(), set_domain.end(), out.begin());
    end = std::copy(genesis.bytes.begin(), genesis.bytes.end(), end);
    std::copy(root.bytes.begin(), root.bytes.end(), end);
    return out;
}

void write_leaf_header(const SetHeader& header, std::uint8_t shred_index,
                       std::span<std::uint8_t> out)
{
    BELFRY_CHECK(out.size() == leaf_header_bytes);
    BELFRY_CHECK(header.slot > header.parent_slot);
    BELFRY_CHECK(header.slot.value - header.parent_slot.value <= UINT32_MAX);
    Bytes bytes;
    bytes.reserve(leaf_header_bytes);
    ByteWriter writer(bytes);
    writer.u16(shred_format);
    writer.u64(header.slot.value);
    writer.u32(static_cast<std::uint32_t>(header.slot.value - header.parent_slot.value));
    writer.u32(header.set_index);
    writer.u8(header.data_count);
    writer.u8(header.parity_count);
    writer.u8(shred_index);
    writer.u8(header.last ? flag_last : 0);
    writer.u16(header.stream_bytes);
    writer.bytes(header.chained_root.view());
    copy_bytes_exactly(out, bytes);
}

std::string_view to_string(ShredError error)
{
    constexpr std::array<std::string_view, static_cast<std::size_t>(ShredError::count)> names{
        "wrong_length",  "wrong_prefix",  "wrong_kind", "wrong_format",
        "bad_slot",      "bad_geometry",  "bad_index",  "bad_proof",
        "bad_signature", "no_leader",     "slot_old",   "slot_far",
        "duplicate",     "versions_full", "no_room",    "malformed_set"};
    const auto place = static_cast<std::size_t>(error);
    return place < names.size() ? names[place] : "unknown";
}

} // namespace belfry::dataplane
