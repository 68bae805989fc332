// SPDX-License-Identifier: Apache-2.0
#pragma once
// block_state.hpp: what the node knows of one executed block: its place, hashes, and what became of
//          its transactions.
// Bounds   one per block from `finalized` up, and Bank::Options::history_blocks below it without
//          their deltas.

#include "base/bytes.hpp"
#include "base/strong.hpp"
#include "crypto/lthash.hpp"
#include "exec/state_delta.hpp"
#include "exec/transaction_error.hpp"
#include "ledger/model/block_ref.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace belfry::exec {

/// One transaction of a block.
struct TransactionStatus {
    Hash message_hash = {};
    Signature first_signature = {};
    TransactionError error = {}; // ok() when it took effect; the fee is charged either way
    Lamports fee = {};
    std::uint32_t compute_units = 0;
    std::vector<std::uint64_t> balances = {}; // of every account before, then after; or unknown
    friend bool operator==(const TransactionStatus&, const TransactionStatus&) = default;
};

inline constexpr std::size_t transaction_status_bytes =
    32 + 64 + TransactionError::encoded_bytes + 8;
/// Appends transaction_status_bytes bytes: the first four fields in their order.
void encode(const TransactionStatus& status, ByteWriter& out);
/// nullopt on too few bytes or an unknown error.
[[nodiscard]] std::optional<TransactionStatus> decode_transaction_status(ByteReader& in);

/// Totals since genesis on one fork, and the names of the state after a block. What a node must
/// keep beside the accounts to start again from them.
struct Anchor {
    ledger::BlockRef block;
    ledger::BlockRef parent;
    Height height;
    Hash parent_state_hash;
    Hash state_hash;
    Hash blockhash; // last hash of the proof-of-history chain
    std::uint64_t transaction_count = 0;
    Lamports fees_burnt;
    friend bool operator==(const Anchor&, const Anchor&) = default;
};
inline constexpr std::size_t anchor_bytes = 40 + 40 + 8 + 32 + 32 + 32 + 8 + 8;

/// Appends anchor_bytes bytes, in the order of the fields.
void encode(const Anchor& anchor, ByteWriter& out);
/// The reader says ok() == false when bytes are missing.
[[nodiscard]] Anchor decode_anchor(ByteReader& in);

/// How a transaction ended, as the ledger keeps it under its signature.
struct TransactionOutcome {
    TransactionError error = {};
    Lamports fee = {};
    std::uint32_t compute_units = 0;
    std::vector<std::uint64_t> balances = {}; // as in TransactionStatus
    friend bool operator==(const TransactionOutcome&, const TransactionOutcome&) = default;
};
/// Appends error | fee u64 | compute units u32 | balances u64 each.
void encode_outcome(const TransactionStatus& status, ByteWriter& out);
/// Reads to the end. nullopt for what encode_outcome never wrote.
[[nodiscard]] std::optional<TransactionOutcome> decode_outcome(ByteReader& in);

struct BlockState {
    Anchor anchor;
    const BlockState* parent = nullptr; // null for `finalized` and for what is below it
    crypto::LtHash lattice;             // of the whole account set after this block
    std::vector<TransactionStatus> statuses;
    StateDelta delta;
    std::uint32_t tree_place = 0; // the tree's own: where its indexes mean this block
    bool outcomes_known = true;   // errors and fees in statuses are real (not after a restart)
    Lamports fees;                // all that this block's transactions paid
    Lamports fees_burnt;          // the part that nobody got

    [[nodiscard]] const ledger::BlockRef& ref() const { return anchor.block; }
    [[nodiscard]] Slot slot() const { return anchor.block.slot; }
    [[nodiscard]] const Hash& id() const { return anchor.block.id; }
    [[nodiscard]] Height height() const { return anchor.height; }
    [[nodiscard]] const Hash& state_hash() const { return anchor.state_hash; }
    [[nodiscard]] const Hash& blockhash() const { return anchor.blockhash; }
};

} // namespace belfry::exec
