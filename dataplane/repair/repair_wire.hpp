// SPDX-License-Identifier: Apache-2.0
#pragma once
// repair_wire.hpp: the datagrams of repair: signed requests, and lists of blocks as answers.
// Layout   request (kind 2), 135 bytes, all fields always there, unused ones zero:
//             0   5  prefix | 5 u8 kind 2
//             6  64  signature of the sender over "belfry.repair.1" | genesis hash | bytes 70..134
//            70  u16 sender, index in the roster | 72 u16 target, index in the roster
//            74  u64 sequence: rises with every request of a sender, over restarts too
//            82  u8  what: 1 set, 2 successor, 3 block sets, 4 chain
//            83  u64 slot
//            91  u32 set index
//            95  32  root
//           127  u64 bits
//          what 1 set        (slot, set index, root): the shreds that bits names
//               2 successor  a set that carries (slot, set index, root) as the one before it; bits
//               0 3 block sets of block (slot, root): bits (1..4) sets from set index on; index
//               2^32-1
//                            and bits 1: its last set
//               4 chain      blocks after slot on the chain of the asked one; the others 0
//          answers to 1, 2, 3 are shred datagrams (kind 1, shred.hpp): they prove themselves.
//          answer to 4 (kind 3), at most 1,247 bytes, an untrusted hint:
//             0   5  prefix | 5 u8 kind 3
//             6  u64 echo: first 8 bytes of the request's signature
//            14  u64 slot of the asked one's tip | 22 u64 slot of the request
//            30  u8  count 0..32, then count times, slots rising:
//                    u32 slot - slot of the request (>= 1) | 32 block id | u16 number of sets
// Rule     answers go to the roster's address of the sender, never to where a request came from,
// and
//          only if its signature holds: a forged source address gains nothing.
// Errors   RepairWireError.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "dataplane/shred/shred.hpp"
#include "dataplane/wire.hpp"
#include "ledger/model/block_ref.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace belfry::dataplane {

inline constexpr std::uint8_t kind_repair_request = 2;
inline constexpr std::uint8_t kind_chain_hints = 3;
inline constexpr std::size_t repair_request_bytes = 135;
inline constexpr std::size_t chain_hints_max = 32;
inline constexpr std::uint32_t tail_set_index = UINT32_MAX;
inline constexpr std::uint64_t block_sets_per_request_max = 4;

enum class RepairWireError : std::uint8_t {
    wrong_length,
    wrong_prefix,
    wrong_kind,
    bad_what, // unknown, or a field that it does not use is not zero
    bad_slot,
    bad_index,
    bad_bits,
    bad_count,
    bad_order, // slots of hints do not rise
    count,
};

/// What a datagram of the repair socket is, before anything is checked; 0 when too short.
[[nodiscard]] std::uint8_t kind_of_datagram(ByteView datagram);

enum class RepairWhat : std::uint8_t { set = 1, successor = 2, block_sets = 3, chain = 4 };

struct RepairRequest {
    std::uint16_t sender = 0;
    std::uint16_t target = 0;
    std::uint64_t sequence = 0;
    RepairWhat what = RepairWhat::set;
    SetKey key; // block sets: root is the block id; chain: only the slot
    std::uint64_t bits = 0;
    friend bool operator==(const RepairRequest&, const RepairRequest&) = default;
};

/// A request as received; the signature is for the caller, who knows the sender's key.
struct SignedRepairRequest {
    RepairRequest request;
    Signature signature;
    ByteView body; // of the datagram
};

/// What the sender signs. Precondition: body is that of a request.
[[nodiscard]] Bytes repair_statement(const Hash& genesis, ByteView body);
[[nodiscard]] Bytes write_repair_request(const RepairRequest& request, const Hash& genesis,
                                         const std::function<Signature(ByteView)>& sign);
[[nodiscard]] Result<SignedRepairRequest, RepairWireError>
parse_repair_request(ByteView datagram, const Prefix& prefix);
/// Links an answer to its request; cannot be guessed by who has not seen the request.
[[nodiscard]] std::uint64_t echo_of(const Signature& request_signature);

/// One block of a peer's chain. Untrusted.
struct ChainHint {
    ledger::BlockRef block;
    std::uint16_t set_count = 0; // 1..block_sets_max
    friend bool operator==(const ChainHint&, const ChainHint&) = default;
};

struct ChainHints {
    std::uint64_t echo = 0;
    Slot tip;
    Slot after;                   // of the request
    std::vector<ChainHint> hints; // at most chain_hints_max, slots rising, above `after`
};

/// Precondition: the bounds above hold.
[[nodiscard]] Bytes write_chain_hints(const ChainHints& hints, const Prefix& prefix);
[[nodiscard]] Result<ChainHints, RepairWireError> parse_chain_hints(ByteView datagram,
                                                                    const Prefix& prefix);

} // namespace belfry::dataplane
