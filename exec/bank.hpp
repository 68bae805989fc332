// SPDX-License-Identifier: Apache-2.0
#pragma once
// bank.hpp: the executed blocks of this node: replays blocks, builds its own, and answers what an
//          account, a transaction or a blockhash is at any of them.
// Shapes   accounts are in memory at one block (`position`) with a log of undo and redo per block;
//          replay moves the position to the parent first. Blocks form a tree from `finalized` up;
//          below it the newest history_blocks keep hashes and statuses.
// Rules    a block names a recent blockhash of the last recent_blocks blocks of its own fork and
//          repeats no message of those; see BlockError for every other rule. An invalid block
//          leaves no trace.
// Bounds   blocks_max blocks above finalized; history_blocks below; the log of dirty accounts is
//          bounded by the number of accounts.
// Errors   BlockError for what a peer can cause; the constructors throw std::runtime_error.
// Threads  one owner, the bank tile; inside it executes on Options::threads threads.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "crypto/ed25519.hpp"
#include "exec/account_table.hpp"
#include "exec/arena.hpp"
#include "exec/block_builder.hpp"
#include "exec/block_state.hpp"
#include "exec/block_tree.hpp"
#include "exec/executor.hpp"
#include "exec/quarantine.hpp"
#include "ledger/model/block.hpp"
#include "ledger/model/genesis.hpp"
#include "ledger/model/transaction.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace belfry::exec {

/// Why a block was not taken. The first three and below_finalized say nothing about its validity.
enum class BlockError : std::uint8_t {
    unknown_parent,         // not in the tree (yet)
    too_many_blocks,        // blocks_max are open above finalized
    quarantined,            // it, or a transaction in it, has killed this node before
    below_finalized,        // its slot is not above finalized: it can never matter
    wrong_parent_slot,      // the parent known by this id stands at another slot
    slot_not_after_parent,  //
    malformed_entries,      // ledger::EntryError
    wrong_tick_hash_count,  // a tick that is not hashes_per_tick after the one before
    wrong_tick_count,       // not (slot - parent slot) * ticks_per_slot, or hashes after the last
    wrong_chain_hash,       // proof of history does not hold, or the footer names another end
    malformed_transaction,  // ledger::TransactionError
    bad_signature,          //
    blockhash_not_found,    // no block of this fork ever had it
    blockhash_expired,      // of a block more than recent_blocks back
    duplicate_transaction,  // in the window of this fork, or twice in the block
    too_many_compute_units, // the sum of limits is over the genesis's block_units_max
    payer_cannot_pay,       //
    wrong_state_hash,       // the footer's is not ours
};
inline constexpr std::size_t block_error_count = 18;
/// The enumerator's name, for counters and logs.
[[nodiscard]] std::string_view to_string(BlockError error);
/// False for errors that only say that the block cannot be judged here and now.
[[nodiscard]] bool proves_invalid(BlockError error);

/// A block of the duplicate window, from the store, for a restart.
struct WindowBlock {
    ledger::BlockRef ref = {};
    Height height = {};
    Hash blockhash = {};
    std::vector<TransactionStatus> statuses = {}; // without outcomes only the hashes are used
    bool outcomes_known = false;                  // error and fee of the statuses are real
};

/// What a restart takes from the store.
struct RestoredState {
    Anchor anchor;
    std::vector<std::pair<Pubkey, ledger::Account>> accounts; // all, at the anchor
    /// Ascending heights without a gap, the last is the anchor's own block; recent_blocks of them,
    /// or all back to genesis (height 0, the genesis hash as blockhash).
    std::vector<WindowBlock> window;
};

/// For the store: accounts that changed up to `anchor` since the flush before. Zero lamports: gone.
struct Flush {
    Anchor anchor;
    std::vector<std::pair<Pubkey, ledger::Account>> accounts; // sorted by key
};

struct LeaderSlot {
    Slot slot = {};
    Hash parent_id = {};
    Pubkey leader = {}; // gets the fees
};

struct ReplayInput {
    const ledger::Block* block = nullptr;
    Pubkey leader = {}; // of the block's slot, gets the fees
    /// True only if exactly these bytes, signatures included, were verified before.
    std::function<bool(const ledger::Transaction&)> verified_before = {};
    /// The parent's chain after each tick of silence, hashed here before; need not reach far.
    std::span<const Hash> known_ticks = {};
};

struct StatusAnswer {
    ledger::BlockRef block;
    Height height;
    std::size_t transaction_index = 0;
    TransactionStatus status;
};

struct BlockhashAnswer {
    Hash blockhash;
    Height height;
    Height last_valid_height; // a transaction with it may stand in a block of at most this height
};

struct Simulation {
    bool would_be_included = false; // else error says why not
    TransactionError error;
    Lamports fee;
    std::uint64_t compute_units = 0;
    std::vector<std::uint64_t> balances; // of every account before, then after; else empty
    std::uint64_t loaded_bytes = 0;      // data of all its accounts
    /// After it, as wanted; nullopt: the transaction does not name it.
    std::vector<std::optional<ledger::Account>> accounts;
    bool accounts_too_large = false; // and so not there
};

struct SimulationRequest {
    Hash block_id = {};
    bool any_blockhash = false; // as if the transaction named the newest one
    std::span<const Pubkey> accounts_wanted = {};
    std::size_t account_bytes_max = 0; // data of those
};

struct BankCounters {
    std::uint64_t blocks_replayed = 0;
    std::uint64_t blocks_built = 0;
    std::uint64_t blocks_refused = 0; // replay() gave an error
    std::uint64_t transactions_executed = 0;
    std::uint64_t transactions_failed = 0; // of them: fee charged, no effect
    std::uint64_t signatures_verified = 0;
    std::uint64_t signatures_skipped = 0; // verified before
    std::uint64_t ticks_known = 0;        // of replayed blocks, hashed here before
    std::uint64_t fork_switches = 0;      // the position moved otherwise than to a child
    std::uint64_t blocks_undone = 0;
    std::uint64_t blocks_pruned = 0;
};

class Bank {
public:
    struct Options {
        std::size_t threads = 1;
        bool verify_signatures = true; // off only for measuring
        std::size_t history_blocks = recent_blocks;
        std::size_t blocks_max = 4096;
        Quarantine quarantine = {};
        std::optional<Pubkey> dies_of = {}; // for tests: ExecutionRules::dies_of
    };
    /// At genesis. Precondition: a validated genesis.
    Bank(const ledger::Genesis& genesis, const Options& options);
    /// At a stored anchor: the state hash is computed anew over all accounts and compared.
    Bank(const ledger::Genesis& genesis, const Options& options, RestoredState restored);
    ~Bank();
    Bank(const Bank&) = delete;
    Bank& operator=(const Bank&) = delete;

    /// Verifies and executes a block. That the id names these bytes and that the leader signed
    /// them is the business of whoever joined the block from its sets. A known block is answered
    /// again without work. The pointer lives until the block is pruned by set_finalized.
    [[nodiscard]] Result<const BlockState*, BlockError> replay(const ledger::Block& block,
                                                               const Pubkey& leader);
    [[nodiscard]] Result<const BlockState*, BlockError> replay(const ReplayInput& input);

    /// Begins this node's own block. Any number may be open; each works on its own fork.
    [[nodiscard]] Result<std::unique_ptr<BlockBuilder>, BlockError>
    start_block(const LeaderSlot& leader_slot);
    /// Takes a finished builder's block into the tree under the id that its sets gave it.
    /// unknown_parent when the parent has been pruned meanwhile. Precondition: finish() was called.
    [[nodiscard]] Result<const BlockState*, BlockError> seal(std::unique_ptr<BlockBuilder> builder,
                                                             const Hash& block_id);

    /// nullptr when it is not in the tree (pruned, or never taken).
    [[nodiscard]] const BlockState* find(const Hash& block_id) const;
    [[nodiscard]] const BlockState& finalized() const;
    /// The block whose state is in memory now; queries do not depend on it.
    [[nodiscard]] const BlockState& position() const;
    [[nodiscard]] const Hash& genesis_hash() const { return genesis_hash_; }
    [[nodiscard]] const Quarantine& quarantine() const { return options_.quarantine; }
    [[nodiscard]] std::size_t block_count() const; // finalized and above

    // Queries at a block of the tree. nullopt: the block is not in it.
    /// A missing account is one of zero lamports.
    [[nodiscard]] std::optional<ledger::Account> account(const Hash& block_id,
                                                         const Pubkey& key) const;
    /// Of the account alone, which may be of many bytes.
    [[nodiscard]] std::optional<Lamports> lamports(const Hash& block_id, const Pubkey& key) const;
    [[nodiscard]] std::optional<BlockhashAnswer> latest_blockhash(const Hash& block_id) const;
    /// May a transaction in a child of this block name it?
    [[nodiscard]] std::optional<bool> is_blockhash_valid(const Hash& block_id,
                                                         const Hash& blockhash) const;
    /// For a transaction in a child of this block; unknown when the block is not in the tree.
    [[nodiscard]] BlockhashAge blockhash_age(const Hash& block_id, const Hash& blockhash) const;
    /// On the fork that ends in block_id, newest first where a signature was used twice.
    [[nodiscard]] std::optional<StatusAnswer> status(const Hash& block_id,
                                                     const Signature& first_signature) const;
    [[nodiscard]] std::optional<StatusAnswer> status_of_message(const Hash& block_id,
                                                                const Hash& message_hash) const;
    [[nodiscard]] Lamports fee_of(const ledger::Transaction& transaction) const;
    /// What the transaction would do in a child of this block. Signatures are not looked at.
    [[nodiscard]] std::optional<Simulation> simulate(const Hash& block_id,
                                                     const ledger::Transaction& transaction) const;
    [[nodiscard]] std::optional<Simulation> simulate(const SimulationRequest& request,
                                                     const ledger::Transaction& transaction) const;

    /// Makes a block and its ancestors final: whatever does not descend from it is pruned.
    /// Does nothing when it already is; false when the block is not in the tree.
    bool set_finalized(const Hash& block_id);
    /// Changed accounts up to finalized since the last call; nullopt when nothing was finalized.
    [[nodiscard]] std::optional<Flush> take_flush();

    [[nodiscard]] const BankCounters& counters() const { return counters_; }
    [[nodiscard]] std::size_t account_count() const { return accounts_.size(); }

private:
    friend class BlockBuilder;
    struct Replay;
    struct Closing;
    struct Empty {};
    Bank(Empty, const ledger::Genesis& genesis, const Options& options);

    // bank_replay.cpp: the steps of a replay in their order. Each finds errors of its own.
    [[nodiscard]] Result<const BlockState*, BlockError> place_of(const ledger::Block& block) const;
    [[nodiscard]] Result<void, BlockError> read_entries(Replay& replay);
    [[nodiscard]] Result<void, BlockError> read_transactions(Replay& replay);
    [[nodiscard]] Result<void, BlockError> check_window(Replay& replay);
    [[nodiscard]] Result<void, BlockError> verify_chain(Replay& replay);
    [[nodiscard]] Result<void, BlockError> verify_signatures(Replay& replay);
    [[nodiscard]] Result<const BlockState*, BlockError> execute(Replay& replay);
    [[nodiscard]] Result<const BlockState*, BlockError> run_replay(const ReplayInput& input);

    // bank.cpp
    void put_genesis();
    void put_restored(RestoredState& restored);
    [[nodiscard]] BlockState close_block(Closing& closing);
    const BlockState* commit(BlockState state);
    void move_to(const BlockState& target);
    void set_account(const Pubkey& key, const ledger::Account& account);

    // bank_query.cpp
    [[nodiscard]] const ledger::Account* account_at(const BlockState& block,
                                                    const Pubkey& key) const;
    [[nodiscard]] static std::optional<StatusAnswer> answer(const std::optional<Occurrence>& found);

    ledger::Genesis genesis_;
    Options options_;
    Hash genesis_hash_;
    Arena arena_;
    Executor executor_;
    std::vector<std::unique_ptr<crypto::Ed25519BatchVerifier>> verifiers_; // one per worker
    /// Of the block in replay. Kept between blocks: some 1.4 KiB each, whose pages would else be
    /// given back and cleared again for every block.
    std::vector<std::optional<ledger::Transaction>> parsed_;
    AccountTable accounts_; // at position_
    BlockTree tree_;
    const BlockState* position_ = nullptr;
    AccountTable dirty_; // finalized values since the last flush; zero lamports: gone
    bool flush_due_ = false;
    BankCounters counters_;
};

} // namespace belfry::exec
