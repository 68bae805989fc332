// SPDX-License-Identifier: Apache-2.0
#pragma once
// ledger_questions.hpp: questions about blocks and transactions that are, and what the bank says to
// them before the ledger is asked; a part of backend.hpp.
// Shapes   the bank answers with a Place or a ChainAnswer from memory, the history tile completes
//          that with the ledger and gives a JsonAnswer: a block's text is made there and not on the
//          one thread that serves all clients.

#include "base/bytes.hpp"
#include "base/strong.hpp"
#include "exec/block_state.hpp"
#include "ledger/model/block_ref.hpp"
#include "node/rpc/commitment.hpp"
#include "node/rpc/json_rpc.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace belfry::node {

enum class TransactionEncoding : std::uint8_t { json, json_parsed, base58, base64 };
enum class TransactionDetails : std::uint8_t { full, accounts, signatures, none };

struct TransactionStyle {
    TransactionEncoding encoding = TransactionEncoding::json;
    std::optional<std::uint64_t> version_max; // nullopt: legacy only, and no version is shown
};

struct GetTransaction {
    Signature signature;
    Commitment commitment = Commitment::finalized; // not processed
    TransactionStyle style = {};
};
struct GetBlock {
    Slot slot;
    Commitment commitment = Commitment::finalized; // not processed
    TransactionStyle style = {};
    TransactionDetails details = TransactionDetails::full;
    bool rewards = true;
};
/// Slots of blocks from first on, up to last, at most count_max.
struct GetBlocks {
    Slot first;
    std::optional<Slot> last = {};
    std::uint64_t count_max = 0;
    Commitment commitment = Commitment::finalized; // not processed
};
struct GetBlockTime {
    Slot slot;
};
struct GetFirstAvailableBlock {};
/// The certificates of a slot; of no slot: the newest evidence against validators.
struct GetProofs {
    std::optional<Slot> slot = {};
};
inline constexpr std::size_t evidence_per_answer_max = 256;
struct GetSignaturesForAddress {
    Pubkey address;
    std::optional<Signature> before = {};
    std::optional<Signature> until = {};
    std::uint64_t count_max = 1000;
    Commitment commitment = Commitment::finalized; // not processed
};
struct GetBlockProduction {
    std::optional<Pubkey> identity = {};
    std::optional<Slot> first = {}; // nullopt: of the current epoch
    std::optional<Slot> last = {};
};
struct GetRecentPerformanceSamples {
    std::uint64_t count_max = 720;
};
/// What became of the transactions of one block, for subscriptions to logs. By name, so that it
/// is the block of the event and no other of its slot.
struct GetBlockLogs {
    ledger::BlockRef block;
};

inline constexpr std::uint64_t blocks_per_request_max = 500'000;
inline constexpr std::uint64_t signatures_per_address_max = 1000;
inline constexpr std::uint64_t performance_samples_max = 720;
inline constexpr std::size_t answer_text_bytes_max = std::size_t{64} << 20;

// --- what the bank says ------------------------------------------------------------------------

/// To GetTransaction; nullopt: not in memory at that level.
struct TransactionPlaceAnswer {
    struct Place {
        ledger::BlockRef block;
        std::size_t index = 0;
        exec::TransactionStatus status;
    };
    std::optional<Place> place;
};
/// To GetBlock and GetBlockLogs: statuses of a block above finalized, where they are only in
/// memory. ref is nullopt when the slot has no block there (or is not above finalized).
struct BlockPlaceAnswer {
    Slot tip;       // of the commitment
    Slot finalized; // newest
    std::optional<ledger::BlockRef> ref;
    std::vector<exec::TransactionStatus> statuses;
    bool in_ledger = false; // of ref: it is final, and its outcomes are (or will be) in the ledger
};
/// To the other questions about the chain: its blocks above finalized up to the commitment's own.
struct ChainAnswer {
    Slot tip;
    Slot finalized;
    std::vector<Slot> above; // rising
};

/// To GetSignaturesForAddress: the blocks above finalized up to the commitment's own, newest first,
/// each with how its transactions ended, which only memory knows. When there are more than
/// unfinal_blocks_max, for nothing has become final for long, the newest are left out.
struct UnfinalChainAnswer {
    struct Block {
        ledger::BlockRef ref;
        std::vector<exec::TransactionError> errors; // one a transaction
    };
    Slot finalized;
    std::vector<Block> above;
};
inline constexpr std::size_t unfinal_blocks_max = 256;

// --- the last word -----------------------------------------------------------------------------

/// The result's JSON text.
struct JsonAnswer {
    std::string json;
};
/// A JSON-RPC error made behind the port.
struct RpcRefusal {
    RpcErrorText error;
};
/// To GetBlockLogs.
struct LogsAnswer {
    struct Entry {
        Signature signature;
        exec::TransactionError error;
        std::vector<std::string> logs;
        std::vector<Pubkey> accounts;
    };
    ledger::BlockRef block;
    std::vector<Entry> entries;
};
/// To GetRecentPerformanceSamples, newest first.
struct PerformanceAnswer {
    struct Sample {
        Slot slot;
        std::uint64_t slot_count = 0;
        std::uint64_t transaction_count = 0;
    };
    std::vector<Sample> samples;
};

/// Without a vote for more slots than that a validator counts as delinquent, as Solana counts.
inline constexpr std::uint64_t delinquent_slots = 128;
struct GetVoteAccounts {
    std::optional<Pubkey> only;
    std::uint64_t delinquent_distance = delinquent_slots;
};
/// To GetVoteAccounts.
struct VoteAccountsAnswer {
    struct Voter {
        Pubkey key;
        Stake stake;
        std::optional<Slot> last_vote;
        Slot root;
        bool delinquent = false;
    };
    std::vector<Voter> voters;
};

} // namespace belfry::node
