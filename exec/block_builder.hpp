// SPDX-License-Identifier: Apache-2.0
#pragma once
// block_builder.hpp: this node's own block while it grows: transactions in, entry bytes out, and
//          the proof-of-history chain that they are mixed into.
// Rule     the chain has hashes_total() hashes; ticks are written at their places by whoever moves
//          it on. Pacing is the caller's: this object knows no time.
// Bounds   stream_bytes_max of stream, the genesis's block_units_max of compute units.
// Threads  the bank's owner. The bank must outlive it.

#include "base/bytes.hpp"
#include "base/strong.hpp"
#include "exec/block_state.hpp"
#include "exec/block_tree.hpp"
#include "exec/executor.hpp"
#include "exec/transaction_error.hpp"
#include "exec/working_set.hpp"
#include "ledger/model/entry.hpp"
#include "ledger/model/transaction.hpp"

#include <memory>
#include <span>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace belfry::exec {

class Bank;
struct BlockFees;
struct LeaderSlot;

enum class PackResult : std::uint8_t {
    included,            // PackOutcome::error says whether it took effect
    blockhash_not_found, // unknown on this fork: it may become known
    blockhash_expired,
    duplicate,        // in the window of this fork or earlier in this block
    payer_cannot_pay, // PackOutcome::error says why
    block_full,       // no hash, byte or compute unit left; try the next block
};
inline constexpr std::size_t pack_result_count = 6;
[[nodiscard]] std::string_view to_string(PackResult result);

struct PackOutcome {
    PackResult result = PackResult::block_full;
    TransactionError error = {};
    Lamports fee = {};
};

struct BlockFooter {
    std::uint64_t transaction_count = 0;
    Hash state_hash;
    Hash blockhash;
};

class BlockBuilder {
public:
    ~BlockBuilder();
    BlockBuilder(const BlockBuilder&) = delete;
    BlockBuilder& operator=(const BlockBuilder&) = delete;

    [[nodiscard]] Slot slot() const { return slot_; }
    [[nodiscard]] const ledger::BlockRef& parent() const { return parent_; }

    [[nodiscard]] std::uint64_t hashes_total() const { return hashes_total_; }
    [[nodiscard]] std::uint64_t hashes_done() const { return hashes_done_; }
    [[nodiscard]] std::uint64_t ticks_total() const { return ticks_total_; }
    [[nodiscard]] std::uint64_t ticks_done() const { return hashes_done_ / hashes_per_tick_; }
    /// Moves the chain on by at most that many hashes, never past its end. Returns those done.
    std::uint64_t advance(std::uint64_t hash_count);
    /// Moves the chain to the end of that many more ticks.
    void do_ticks(std::uint64_t tick_count);
    /// Writes ticks that were hashed before (SilentChain), as many as lie before this block's own
    /// slot. Precondition: nothing was hashed or added yet; the hashes follow the parent.
    void take_known_ticks(std::span<const Hash> ticks);

    /// Executes the transactions in this order and mixes those that are included in, as one entry.
    /// Signatures were verified by the caller. The answers live until the next call.
    /// After the parent was pruned every answer is block_full. Precondition: not finished.
    std::span<const PackOutcome> add(std::span<const ledger::Transaction* const> transactions);
    /// On this block's fork.
    [[nodiscard]] BlockhashAge blockhash_age(const Hash& blockhash) const;
    [[nodiscard]] std::size_t transaction_count() const { return statuses_.size(); }
    /// Bytes that transactions can still take.
    [[nodiscard]] std::size_t stream_bytes_left() const;

    /// The stream's bytes since the last call: the caller cuts them into sets.
    [[nodiscard]] Bytes take_stream();
    [[nodiscard]] std::size_t stream_bytes_waiting() const { return stream_.size(); }

    /// Does the hashes that are left, pays the leader, writes the certificates for which there is
    /// room, and the footer. Once. Precondition: at most block_certificates_max of them, none
    /// empty. When the parent was pruned the block is worthless and seal() will refuse it.
    BlockFooter finish(std::span<const Bytes> certificates = {});
    [[nodiscard]] bool finished() const { return finished_; }

private:
    friend class Bank;
    BlockBuilder(Bank& bank, const BlockState& parent, const LeaderSlot& leader_slot);
    /// Chooses what of the transactions is executed; the others get their answer.
    void sift(const BlockState& parent, std::span<const ledger::Transaction* const> transactions);

    Bank& bank_;
    Slot slot_;
    ledger::BlockRef parent_;
    Pubkey leader_;
    std::uint64_t hashes_per_tick_;
    std::uint64_t ticks_total_;
    std::uint64_t hashes_total_;
    std::uint64_t hashes_done_ = 0;
    std::uint64_t hashes_since_entry_ = 0;
    Hash chain_;

    Bytes stream_;
    std::size_t stream_taken_bytes_ = 0;
    ledger::EntryWriter writer_;
    WorkingSet working_;
    std::vector<TransactionStatus> statuses_;
    std::unordered_set<Hash, FixedBytesHasher> messages_; // asked only, never walked
    std::uint64_t compute_units_ = 0;
    std::unique_ptr<BlockFees> fees_;
    BlockState state_; // filled by finish()
    bool finished_ = false;

    // Of one add(), kept for their memory.
    std::vector<PackOutcome> outcomes_;
    std::vector<const ledger::Transaction*> batch_; // what is executed
    std::vector<std::size_t> batch_places_;         // in outcomes_
    std::vector<ExecutionOutcome> results_;         // of batch_
    std::vector<ByteView> wires_;                   // of what is included
    std::vector<Hash> hashes_;
};

} // namespace belfry::exec
