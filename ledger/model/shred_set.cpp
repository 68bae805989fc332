// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/shred_set.hpp"

#include "base/check.hpp"

namespace belfry::ledger {

bool shred_set_shape_is_valid(const ShredSet& set)
{
    return set.parent_slot < set.slot && set.index < block_sets_max && set.data_count >= 1 &&
           set.data_count <= set_data_shreds_max && set.parity_count >= 1 &&
           set.parity_count <= set_parity_shreds_max && !set.payload.empty() &&
           set.payload.size() <= set_payload_bytes_max;
}

Bytes encode_shred_set(const ShredSet& set)
{
    BELFRY_CHECK(shred_set_shape_is_valid(set));
    Bytes encoded;
    encoded.reserve(160 + set.payload.size());
    ByteWriter writer(encoded);
    writer.u64(set.slot.value);
    writer.u64(set.parent_slot.value);
    writer.u32(set.index);
    writer.u8(set.data_count);
    writer.u8(set.parity_count);
    writer.u8(set.last ? 1 : 0);
    writer.u16(set.version);
    writer.bytes(set.chained_root.view());
    writer.bytes(set.root.view());
    writer.bytes(set.signature.view());
    writer.u32(static_cast<std::uint32_t>(set.payload.size()));
    writer.bytes(set.payload);
    return encoded;
}

Result<ShredSet, ShredSetError> decode_shred_set(ByteView encoded)
{
    ByteReader reader(encoded);
    ShredSet set;
    set.slot = Slot{reader.u64()};
    set.parent_slot = Slot{reader.u64()};
    set.index = reader.u32();
    set.data_count = reader.u8();
    set.parity_count = reader.u8();
    const std::uint8_t last = reader.u8();
    set.last = last == 1;
    set.version = reader.u16();
    set.chained_root = reader.fixed<Hash>();
    set.root = reader.fixed<Hash>();
    set.signature = reader.fixed<Signature>();
    const std::uint32_t payload_bytes = reader.u32();
    const ByteView payload = reader.bytes(payload_bytes);
    if (!reader.ok()) {
        return std::unexpected(ShredSetError::truncated);
    }
    if (!reader.finished()) {
        return std::unexpected(ShredSetError::trailing_bytes);
    }
    if (payload.size() > set_payload_bytes_max || last > 1) {
        return std::unexpected(ShredSetError::out_of_bounds);
    }
    set.payload.assign(payload.begin(), payload.end());
    if (!shred_set_shape_is_valid(set)) {
        return std::unexpected(ShredSetError::out_of_bounds);
    }
    return set;
}

} // namespace belfry::ledger
