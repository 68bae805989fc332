// SPDX-License-Identifier: Apache-2.0
#pragma once
// backend.hpp: what RPC asks the node, as plain values, and the asynchronous port it asks through.
// Shapes   a Request is answered by exactly one Reply with the same id: the answer type named
// beside
//          the question, or a BackendError. Replies may come in any order.
// Rule     a question with a commitment is answered from the state of exactly that block (the tip
//          of the heaviest fork, the newest confirmed, the newest finalized), never from the tip
//          for all three; before the first final block, finalized is genesis. Reply::context is
//          that block's slot. RPC compares it with minContextSlot for reads; the backend does so
//          for SendTransaction, which has an effect.
// Bounds   post() returns false when the link is full; RPC then answers "node is busy".
// Threads  post(), poll() and reply_event_fd() belong to the RPC thread; the other end is a tile.

#include "base/bytes.hpp"
#include "base/strong.hpp"
#include "exec/block_state.hpp"
#include "exec/transaction_error.hpp"
#include "node/rpc/account_questions.hpp"
#include "node/rpc/commitment.hpp"
#include "node/rpc/json_rpc.hpp"
#include "node/rpc/ledger_questions.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace belfry::node {

// --- questions -----------------------------------------------------------------------------------

struct GetSlot {
    Commitment commitment = Commitment::finalized;
};
struct GetBlockHeight {
    Commitment commitment = Commitment::finalized;
};
struct GetTransactionCount {
    Commitment commitment = Commitment::finalized;
};
struct GetEpochInfo {
    Commitment commitment = Commitment::finalized;
    bool for_inflation = false; // for RPC: the rate in that epoch is wanted, which is 0
};
/// The least that a validator may hold as its stake.
struct GetStakeMinimum {
    Commitment commitment = Commitment::finalized;
};
struct GetBalance {
    Pubkey account;
    Commitment commitment = Commitment::finalized;
};
struct GetLatestBlockhash {
    Commitment commitment = Commitment::finalized;
};
struct IsBlockhashValid {
    Hash blockhash;
    Commitment commitment = Commitment::finalized;
};
struct GetFeeForMessage {
    Bytes wire; // the message as a transaction whose signatures are zeros; it parses
    Commitment commitment = Commitment::finalized;
};
struct GetSignatureStatuses {
    std::vector<Signature> signatures; // at most signatures_per_request_max
    bool search_history = false;
};
/// Leaders of slots [first, first + slot_count); nullopt: from the commitment's own slot on.
struct GetSlotLeaders {
    std::optional<Slot> first;
    std::uint64_t slot_count = 1;
    Commitment commitment = Commitment::finalized;
    bool only_one = false; // for RPC: the client wants a name, not a list
};
/// The leader schedule of the epoch that holds `slot`; nullopt: the commitment's own slot.
struct GetLeaderSchedule {
    std::optional<Slot> slot;
    Commitment commitment = Commitment::finalized;
};
/// The wire bytes parsed, passed all sanity rules and carry good signatures. The backend looks at
/// health and (unless skipped) executes on the preflight commitment's state, then takes it in.
struct SendTransaction {
    Bytes wire;
    bool skip_preflight = false;
    Commitment preflight_commitment = Commitment::finalized;
    std::optional<Slot> min_context_slot;
};
struct GetHealth {};
/// May clients be sent here? For load balancers.
struct GetReadiness {};
/// One block that this node holds on its own fork, for tools that compare nodes.
struct GetBlockSummary {
    Slot slot;
};
struct GetNodeStatus {};
/// What this node did with a transaction, as far as memory goes.
struct GetTransactionTrail {
    Signature signature;
};

using Request =
    std::variant<GetSlot, GetBlockHeight, GetTransactionCount, GetEpochInfo, GetBalance,
                 GetStakeMinimum, GetLatestBlockhash, IsBlockhashValid, GetFeeForMessage,
                 GetSignatureStatuses, GetSlotLeaders, GetLeaderSchedule, SendTransaction,
                 GetHealth, GetBlockSummary, GetNodeStatus, GetAccounts, SimulateTransaction,
                 RequestAirdrop, GetSupply, GetTransaction, GetBlock, GetBlocks, GetBlockTime,
                 GetFirstAvailableBlock, GetSignaturesForAddress, GetBlockProduction,
                 GetRecentPerformanceSamples, GetBlockLogs, GetVoteAccounts, GetProofs,
                 GetReadiness, GetTransactionTrail>;

inline constexpr std::size_t signatures_per_request_max = 256;
inline constexpr std::uint64_t leaders_per_request_max = 5000;

// --- answers -------------------------------------------------------------------------------------

/// To GetSlot, GetBlockHeight, GetTransactionCount.
struct NumberAnswer {
    std::uint64_t value = 0;
};
/// To GetEpochInfo.
struct EpochInfoAnswer {
    Slot absolute_slot;
    Height block_height;
    Epoch epoch;
    std::uint64_t slot_index = 0;
    std::uint64_t slots_in_epoch = 0;
    std::uint64_t transaction_count = 0;
};
/// To GetBalance and GetStakeMinimum; an account that does not exist has 0.
struct BalanceAnswer {
    Lamports lamports;
};
/// To GetLatestBlockhash. last_valid is the block height after which the hash is too old.
struct BlockhashAnswer {
    Hash blockhash;
    Height last_valid;
};
/// To IsBlockhashValid.
struct ValidAnswer {
    bool valid = false;
};
/// To GetFeeForMessage; nullopt when the message's blockhash is not valid in that block.
struct FeeAnswer {
    std::optional<Lamports> fee;
};
/// Level is the highest one that the block of the transaction has reached.
struct SignatureStatus {
    Slot slot;
    std::optional<std::uint64_t> confirmations; // nullopt once finalized
    exec::TransactionError error;               // ok(): it took effect
    Commitment level = Commitment::processed;
};
/// To GetSignatureStatuses, in the order of the question.
struct StatusesAnswer {
    std::vector<std::optional<SignatureStatus>> statuses;
};
/// To GetSlotLeaders and GetLeaderSchedule (there: every slot of the epoch, from its start).
struct LeadersAnswer {
    Slot first;
    std::vector<Pubkey> leaders; // empty: not known for these slots
};
/// To SendTransaction: taken in.
struct SentAnswer {};
/// To GetHealth, when healthy; else BackendError::unhealthy.
struct HealthyAnswer {};
/// To GetReadiness.
struct ReadinessAnswer {
    std::vector<std::string> reasons; // why not; empty: it is ready
    std::uint64_t slots_behind = 0;   // the cluster, as far as this node knows
    std::uint64_t slots_unfinal = 0;  // from finalized to the slot clock
    std::uint64_t peers_heard = 0;    // in the last peer_silence_ms
    std::uint64_t peers_total = 0;
    /// The shortest time within which more than two thirds of the stake, this node's own counted,
    /// have been heard voting; nullopt: not since the start.
    std::optional<std::uint64_t> quorum_ms_ago;
};
inline constexpr std::uint64_t peer_silence_ms = 10'000;
/// A consensus tile that has not looked up for so long writes its journal, or has no processor.
inline constexpr std::uint64_t consensus_still_ms = 3'000;
/// To GetBlockSummary; nullopt: no such block here (skipped, pruned or not yet come).
struct BlockSummary {
    Slot slot;
    Slot parent;
    Height height;
    Hash block_id;
    Hash blockhash;
    Hash state_hash;
    Pubkey leader;
    std::uint64_t transaction_count = 0; // in this block
};
struct BlockSummaryAnswer {
    std::optional<BlockSummary> block;
};

struct NamedCounter {
    std::string name;
    std::uint64_t value = 0;
};
struct NamedText {
    std::string name;
    std::string text;
};
struct TileStatus {
    std::string name;
    std::vector<NamedCounter> counters;
    std::vector<NamedCounter> drops; // by reason
};
struct PeerStatus {
    std::string name;
    Pubkey pubkey;
    Stake stake;
    std::optional<Slot> last_vote;
    std::optional<std::uint64_t> heard_ms_ago;
};
/// To GetNodeStatus: what `belfry status` shows.
struct NodeStatus {
    Pubkey identity;
    Slot clock_slot; // the slot whose turn it is by the slot clock
    Slot processed;
    Slot confirmed;
    Slot finalized;
    Slot root;                    // of this node's own tower
    Slot super_root;              // rooted by more than two thirds of stake
    Height block_height;          // of processed
    std::optional<Pubkey> leader; // of clock_slot
    std::optional<Slot> last_vote;
    std::string silence; // why this node signs nothing; empty: it signs
    std::uint64_t votes_sent = 0;
    std::uint64_t votes_received = 0;
    std::uint64_t transaction_count = 0; // finalized, since genesis
    std::uint64_t blocks_produced = 0;   // by this node since it started
    Hash finalized_block_id;
    Hash finalized_state_hash;
    std::uint64_t uptime_ms = 0;
    std::vector<NamedText> facts; // e.g. {"kernel.ed25519", "avx2"}
    std::vector<PeerStatus> peers;
    std::vector<TileStatus> tiles;
};

// --- refusals ------------------------------------------------------------------------------------

/// SendTransaction: the preflight execution failed.
struct PreflightFailed {
    SimulationAnswer simulation;
};
/// SendTransaction: the preflight commitment's slot is below min_context_slot (Reply::context).
struct MinContextSlotNotReached {};
/// The node does not take part at present; nullopt: it does not know how far it is behind.
struct NodeUnhealthy {
    std::optional<std::uint64_t> slots_behind;
};
/// A pool behind the port is full.
struct NodeBusy {};
/// The node cannot answer this (not kept, not offered), with one clear sentence.
struct NotAvailable {
    std::string why;
};

/// Told without being asked, when the blocks of a level change. Each list is what is new at its
/// level since the last event, rising, the newest event_blocks_max of it.
struct ChainEvent {
    struct Block {
        ledger::BlockRef ref;
        Slot parent;
    };
    std::vector<Block> processed; // of the fork that this node stands on
    std::vector<Block> confirmed;
    std::vector<Block> finalized;
    Slot root; // finalized
};
inline constexpr std::size_t event_blocks_max = 64;

using ReplyBody =
    std::variant<NumberAnswer, EpochInfoAnswer, BalanceAnswer, BlockhashAnswer, ValidAnswer,
                 FeeAnswer, StatusesAnswer, LeadersAnswer, SentAnswer, HealthyAnswer,
                 BlockSummaryAnswer, NodeStatus, PreflightFailed, MinContextSlotNotReached,
                 NodeUnhealthy, NodeBusy, NotAvailable, AccountsAnswer, SimulationAnswer,
                 AirdropAnswer, SupplyAnswer, TransactionPlaceAnswer, BlockPlaceAnswer, ChainAnswer,
                 JsonAnswer, RpcRefusal, LogsAnswer, PerformanceAnswer, VoteAccountsAnswer,
                 ChainEvent, ReadinessAnswer, UnfinalChainAnswer>;

using RequestId = std::uint64_t;               // chosen by RPC; unique while the request is open
inline constexpr RequestId chain_event_id = 0; // of no request

struct Reply {
    RequestId id = 0;
    Slot context; // the slot of the block the answer was read from
    ReplyBody body;
};

class RpcBackend {
public:
    virtual ~RpcBackend() = default;
    /// Hands a question over. False when the link is full; the request was not taken then.
    [[nodiscard]] virtual bool post(RequestId id, Request request) = 0;
    /// The next answer that is there, without waiting. After nullopt the event fd rings for the
    /// next one, whenever it comes: a backend whose bell must be armed arms it here, and looks once
    /// more.
    [[nodiscard]] virtual std::optional<Reply> poll() = 0;
    /// An eventfd (non-blocking) that becomes readable when an answer was added. RPC reads it, then
    /// polls until nothing is left. Valid as long as this object, which keeps and closes it.
    [[nodiscard]] virtual int reply_event_fd() const = 0;
};

} // namespace belfry::node
