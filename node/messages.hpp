// SPDX-License-Identifier: Apache-2.0
#pragma once
// messages.hpp: what travels over the links between tiles. Plain values; who sends what to whom
// stands in topology.hpp.
// Threads  a message belongs to one tile at a time.

#include "base/bytes.hpp"
#include "base/strong.hpp"
#include "dataplane/net/endpoint.hpp"
#include "dataplane/wire.hpp"
#include "exec/bank.hpp"
#include "ledger/model/block.hpp"
#include "ledger/model/block_ref.hpp"
#include "ledger/model/shred_set.hpp"
#include "ledger/model/transaction.hpp"
#include "ledger/store/block_store.hpp"
#include "ledger/store/proof_store.hpp"
#include "node/rpc/backend.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace belfry::node {

/// A datagram on its way in or out. peer is where to (out); in, the lane tells what it is.
struct Packet {
    dataplane::Lane lane = dataplane::Lane::transactions;
    std::uint16_t payload_bytes = 0;
    dataplane::Endpoint peer;
    std::array<std::uint8_t, dataplane::datagram_bytes_max> bytes;

    [[nodiscard]] ByteView payload() const { return ByteView(bytes).first(payload_bytes); }
    /// Precondition: payload fits.
    void set_payload(ByteView payload)
    {
        payload_bytes = static_cast<std::uint16_t>(payload.size());
        std::ranges::copy(payload, bytes.begin());
    }
};

/// verify -> bank
struct AdmittedTransaction {
    std::optional<ledger::Transaction> transaction; // always set in a message
    bool forwarded = false;                         // by a validator: never forwarded again
};

// bank -> shred
/// The next piece of the own block's stream; `last` closes the block.
struct OwnStream {
    Slot slot;
    ledger::BlockRef parent;
    Bytes piece;
    bool last = false;
};

// shred -> bank
struct CompleteBlock {
    std::unique_ptr<ledger::Block> block;
};
/// The own block has its id now.
struct SealedBlock {
    ledger::BlockRef ref;
    std::vector<Hash> set_roots;
};
using ShredToBank = std::variant<CompleteBlock, SealedBlock>;

// consensus -> bank
struct BuildOrder {
    Slot slot;
    ledger::BlockRef parent;
    std::uint64_t begin_ns = 0; // monotonic; the slot's hashes are spread from here
    std::uint64_t deadline_ns = 0;
    std::vector<Bytes> certificates{}; // to travel in the block
    bool pack = true;                  // false: an empty block, for finality is far behind
};
struct ProcessedBlock { // the fork this node stands on
    ledger::BlockRef ref;
};
struct ConfirmedBlock {
    ledger::BlockRef ref;
};
struct FinalizedBlock {
    ledger::BlockRef ref;
};
/// The slot clock: what the pool's forwarding goes by.
struct SlotBegun {
    Slot slot;
};
using ConsensusToBank =
    std::variant<BuildOrder, ProcessedBlock, ConfirmedBlock, FinalizedBlock, SlotBegun>;

// consensus -> shred
struct ShredPosition {
    ledger::BlockRef finalized;
    Slot replayed;
    Slot local;
};
struct WantedBlock {
    ledger::BlockRef ref;
};
/// Voters that must know have reached this slot.
struct SlotSeen {
    Slot slot;
};
using ConsensusToShred = std::variant<ShredPosition, WantedBlock, SlotSeen>;

// shred -> consensus
/// The first valid shred of the slot's block.
struct SlotSighted {
    Slot slot;
};
/// Its leader signed two sets that cannot belong to one block.
struct TwoVersions {
    Slot slot;
    Hash first_root;
    Hash second_root;
};
using ShredToConsensus = std::variant<SlotSighted, TwoVersions>;

// bank -> consensus
struct ReplayedBlock {
    ledger::BlockRef ref;
    ledger::BlockRef parent;
    bool valid = false;
    bool stored_already = false; // replayed from the own ledger at start
    Hash state_hash{};
    std::vector<Bytes> certificates{}; // that the block carries, unchecked
};

// bank -> store
struct StoreBlock {
    ledger::BlockRecord record; // its sets are on the way from the shred tile, or there
};
/// Newly final blocks, oldest first, with what became of their transactions.
struct StoreFinalized {
    std::vector<ledger::BlockRef> blocks;
    std::vector<ledger::SignatureRecord> signatures;
};
struct StoreAccounts {
    exec::Flush flush;
};
using BankToStore = std::variant<StoreBlock, StoreFinalized, StoreAccounts>;

// shred -> store
struct StoreSet {
    std::unique_ptr<ledger::ShredSet> set;
};

// consensus -> store
struct StoreProof {
    ledger::Proof proof;
};

// store -> consensus
struct DurableBlock {
    ledger::BlockRef ref;
};

// rpc -> bank, bank -> rpc
struct RpcQuestion {
    RequestId id = 0;
    Request request;
};

// rpc -> history
/// A question that the bank has answered as far as memory goes.
struct HistoryQuestion {
    Request request;
    Reply so_far;
};

} // namespace belfry::node
