// SPDX-License-Identifier: Apache-2.0
#pragma once
// shred.hpp: the layout of one shred datagram, and the parser that checks every bound of it.
// Layout   all integers little-endian; offsets in bytes
//             0   u8   protocol version 1             \ the prefix of every datagram
//             1   4    first bytes of the genesis hash /
//             5   u8   kind: 1 (a shred; repair requests and answers have others, repair_wire.hpp)
//             6   64   the leader's signature over "belfry.shred.1" | genesis hash 32 | set root 32
//            70   u16  shred format 1                  \.
//            72   u64  slot                             |
//            80   u32  slot - parent slot, 1..slot      |
//            84   u32  set index                        |
//            88   u8   k, data rows of the set          |  the Merkle leaf,
//            89   u8   m, parity rows                   |  data and parity alike
//            90   u8   shred index: < k data, else      |
//            91   u8   flags: bit 0 last set of block   |
//            92   u16  stream bytes in the set          |
//            94   32   chained root: the previous set's |
//                      root; set 0: parent's block id   |
//           126  1024  row                             /
//          1150   20 x ceil(log2(k + m)) proof nodes, from the leaf upwards
// Shapes   a set that is not the last holds exactly 32 x 1024 stream bytes; the last one 1 up to
//          that. k = ceil(stream bytes / 1024), m = max(k, 4): all shreds of a set have one length,
//          at most 1,270 bytes (1,320 with IPv6 and UDP headers). The end of the last data row is
//          zero. The block id is the root of the last set, so it commits to the whole ancestry.
// Rule     bounds are checked in the signed header of data and parity shreds alike, before anything
//          else is done with the datagram (oversized blocks stop here, not in the forwarders).
// Errors   ShredError, one counter each (fec_resolver.hpp).

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "dataplane/wire.hpp"
#include "ledger/model/shred_set.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace belfry::dataplane {

inline constexpr std::uint8_t kind_shred = 1; // behind the prefix, as in repair_wire.hpp
inline constexpr std::uint16_t shred_format = 1;
inline constexpr std::size_t row_bytes = ledger::shred_data_bytes;
inline constexpr std::size_t data_rows_max = ledger::set_data_shreds_max; // every set but the last
inline constexpr std::size_t parity_rows_min = 4; // a short set still survives the loss of four
inline constexpr std::size_t set_shreds_max = 2 * data_rows_max;
inline constexpr std::size_t set_stream_bytes_max = data_rows_max * row_bytes;
inline constexpr std::uint32_t block_sets_max = ledger::block_sets_max;
inline constexpr std::uint64_t slot_max = std::uint64_t{1} << 62;
inline constexpr std::size_t leaf_header_bytes = 56; // the leaf without its row
inline constexpr std::size_t leaf_offset = prefix_bytes + 1 + Signature::size_bytes;
inline constexpr std::size_t shred_header_bytes = leaf_offset + leaf_header_bytes;
inline constexpr std::size_t proof_node_bytes = 20;
inline constexpr std::size_t shred_bytes_max =
    shred_header_bytes + row_bytes + 6 * proof_node_bytes;
static_assert(shred_header_bytes == 126);
static_assert(shred_bytes_max <= datagram_bytes_max);
static_assert(set_shreds_max <= 64, "bitmaps of a set are 64 bits");

enum class ShredError : std::uint8_t {
    wrong_length,  // not the length that k + m asks for
    wrong_prefix,  // another protocol version or another genesis
    wrong_kind,    // no shred
    wrong_format,  // shred format, unknown flags
    bad_slot,      // slot 0, beyond slot_max, or a parent that is not before it
    bad_geometry,  // k, m, stream bytes and last flag do not belong together
    bad_index,     // shred index or set index out of range
    bad_proof,     // the row does not belong to any root under this geometry
    bad_signature, // the leader did not sign this set's root
    no_leader,     // the schedule knows no leader of this slot
    slot_old,      // at or below finalized
    slot_far,      // validly signed, but too far ahead; starts catch-up
    duplicate,     // seen before
    versions_full, // the leader signed too many versions of this set
    no_room,       // the memory for open sets is used up by this very slot
    malformed_set, // signed, but its shreds are of no one codeword or disagree in the header
    count,         // number of values
};

/// The enumerator's name, for counters.
[[nodiscard]] std::string_view to_string(ShredError error);

/// Names a set while its block still streams, and in every repair request: equivocating versions
/// of one set differ in the root.
struct SetKey {
    Slot slot;
    std::uint32_t set_index = 0;
    Hash root;
    friend constexpr auto operator<=>(const SetKey&, const SetKey&) = default;
};

/// What all shreds of one set have in common.
struct SetHeader {
    Slot slot;
    Slot parent_slot;
    std::uint32_t set_index = 0;
    std::uint8_t data_count = 0;
    std::uint8_t parity_count = 0;
    bool last = false;
    std::uint16_t stream_bytes = 0;
    Hash chained_root;
    friend constexpr bool operator==(const SetHeader&, const SetHeader&) = default;
    [[nodiscard]] std::size_t shred_count() const { return std::size_t{data_count} + parity_count; }
};

/// A parsed shred. The views are valid as long as the datagram.
struct ShredView {
    SetHeader header;
    std::uint8_t shred_index = 0;
    Signature signature;
    ByteView leaf;  // the bytes that the Merkle leaf covers
    ByteView row;   // row_bytes
    ByteView proof; // 20-byte nodes
};

/// k for a set of stream_bytes (1..32 KiB), and m for k.
[[nodiscard]] std::size_t data_count_for(std::size_t stream_bytes);
[[nodiscard]] std::size_t parity_count_for(std::size_t data_count);
/// Length of every shred of a set of shred_count shreds.
[[nodiscard]] std::size_t shred_bytes_for(std::size_t shred_count);

/// Checks every bound of the layout above; no signature, no hash.
[[nodiscard]] Result<ShredView, ShredError> parse_shred(ByteView datagram, const Prefix& prefix);

/// The root of the set that this shred claims to belong to, by its proof.
[[nodiscard]] Result<Hash, ShredError> root_of_shred(const ShredView& shred);

inline constexpr std::size_t set_statement_bytes = 14 + 32 + 32; // tag, genesis hash, root
/// What the leader signs for a set.
[[nodiscard]] std::array<std::uint8_t, set_statement_bytes> set_statement(const Hash& genesis,
                                                                          const Hash& root);

/// Writes the signed part of a shred's header (the leaf without its row) into out. Precondition:
/// the header is one that parse_shred accepts, out has the 56 bytes.
void write_leaf_header(const SetHeader& header, std::uint8_t shred_index,
                       std::span<std::uint8_t> out);

} // namespace belfry::dataplane
