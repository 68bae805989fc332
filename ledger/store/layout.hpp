// SPDX-License-Identifier: Apache-2.0
#pragma once
// layout.hpp: what lies on disk, complete enough to be read by a program that shares no code.
//
// The data directory
//   LOCK         held with flock(LOCK_EX) while a node runs
//   ledger.mdb   LMDB environment opened with MDB_NOSUBDIR (beside it ledger.mdb-lock); until it
//                is whole its name is ledger.mdb.new
//   votes        the vote journal (vote_journal.hpp)
//   history/     a directory of the same kind without votes, of which only "meta" and "addresses"
//                are used: an index that can be removed and is made again from the ledger
//
// Values   every value is  content | crc32c u32, the checksum over  database name | key | content
//          (name without a final zero), so a record in the wrong place is found too.
// Integers little-endian in contents. In KEYS slots and indexes are BIG-endian, so that LMDB's byte
//          order is the order of the chain.
//
// database    key                                    content
// "meta"      "schema"                               u32 schema_version
//             "genesis"                              genesis hash 32
//             "commit"                               u64, LMDB's number of the transaction that
//                                                    wrote this: every one that changes anything
//             "anchor"                               the finalized block of "accounts": slot u64 |
//                                                    block id 32 | height u64 | state hash 32 |
//                                                    last chain hash 32 | account count u64 |
//                                                    metadata bytes u32 | metadata
//             "hard_fork"                            the slot of the last declared hard fork, u64
// "sets"      slot u64 BE | set index u32 BE |       a set as encode_shred_set writes it
//             set root 32                            (ledger/model/shred_set.hpp)
// "blocks"    slot u64 BE | block id 32              parent slot u64 | parent block id 32 |
//                                                    height u64 | set count u32 | set roots 32 each
// "chain"     slot u64 BE                            block id 32: the finalized block of the slot
// "signatures" span u64 BE | transaction's first     slot u64 | block id 32 | index in block u32 |
//             signature 64                           outcome bytes u16 | outcome
// "accounts"  address 32                             lamports u64 | owner 32 | executable u8 |
//                                                    data bytes u32 | data
// "proofs"    slot u64 BE | kind u8 | about u16 BE   a certificate (kinds 2..4) or evidence (33..),
//                                                    as consensus/ writes them
// "meta"      "indexed" (in history/)                slot u64 | block id 32: the index is whole up
//                                                    to it
// "addresses" span u64 BE | address 32 |             the first signature, 64, of a final
//             slot u64 BE | index in block u32 BE    transaction that names the address
//
// A span is the last slot of the 1,024 that the final block's slot belongs to (span_key.hpp).
//
// To read the entries of a finalized block: "chain"[slot] = id, "blocks"[slot, id] = set roots,
// "sets"[slot, i, root i] = sets whose payloads, joined in order of i, are the stream of
// ledger/model/entry.hpp. Genesis (slot 0) is in "chain" with the genesis hash as id and has
// neither block nor sets.

#include <cstddef>
#include <cstdint>

namespace belfry::ledger {

inline constexpr std::uint32_t schema_version = 2;
inline constexpr std::size_t record_checksum_bytes = 4;
inline constexpr const char* lock_file_name = "LOCK";
inline constexpr const char* ledger_file_name = "ledger.mdb";
inline constexpr const char* vote_journal_file_name = "votes";

} // namespace belfry::ledger
