// SPDX-License-Identifier: Apache-2.0
#include "exec/bank.hpp"

#include "base/check.hpp"
#include "exec/closing.hpp"
#include "exec/state_hash.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace belfry::exec {

std::string_view to_string(BlockError error)
{
    static constexpr std::array<std::string_view, block_error_count> names{
        "unknown_parent",         "too_many_blocks",       "quarantined",
        "below_finalized",        "wrong_parent_slot",     "slot_not_after_parent",
        "malformed_entries",      "wrong_tick_hash_count", "wrong_tick_count",
        "wrong_chain_hash",       "malformed_transaction", "bad_signature",
        "blockhash_not_found",    "blockhash_expired",     "duplicate_transaction",
        "too_many_compute_units", "payer_cannot_pay",      "wrong_state_hash",
    };
    return names.at(static_cast<std::size_t>(error));
}

bool proves_invalid(BlockError error)
{
    return error != BlockError::unknown_parent && error != BlockError::too_many_blocks &&
           error != BlockError::quarantined && error != BlockError::below_finalized;
}

namespace {

ExecutionRules rules_of(const ledger::Genesis& genesis, const Bank::Options& options)
{
    ExecutionRules rules = ExecutionRules::from(genesis);
    rules.dies_of = options.dies_of;
    return rules;
}

[[nodiscard]] std::vector<std::unique_ptr<crypto::Ed25519BatchVerifier>>
make_verifiers(std::size_t count)
{
    std::vector<std::unique_ptr<crypto::Ed25519BatchVerifier>> verifiers(count);
    for (auto& verifier : verifiers) {
        verifier = std::make_unique<crypto::Ed25519BatchVerifier>(
            crypto::Ed25519BatchVerifier::Options{.jobs_max = 1024});
    }
    return verifiers;
}

} // namespace

Bank::Bank(Empty, const ledger::Genesis& genesis, const Options& options)
    : genesis_(genesis)
    , options_(options)
    , genesis_hash_(ledger::genesis_hash(genesis))
    , arena_(options.threads)
    , executor_(rules_of(genesis, options), arena_)
    , verifiers_(make_verifiers(options.threads))
    , tree_(options.history_blocks)
{
}

Bank::Bank(const ledger::Genesis& genesis, const Options& options)
    : Bank(Empty{}, genesis, options)
{
    put_genesis();
}

Bank::Bank(const ledger::Genesis& genesis, const Options& options, RestoredState restored)
    : Bank(Empty{}, genesis, options)
{
    put_restored(restored);
}

Bank::~Bank() = default;

void Bank::put_genesis()
{
    for (const ledger::GenesisAccount& entry : genesis_.accounts) {
        if (entry.account.lamports.value == 0) {
            continue;
        }
        accounts_.put(entry.pubkey, entry.account);
        dirty_.put(entry.pubkey, entry.account);
    }
    BlockState root;
    root.anchor.block = {Slot{0}, genesis_hash_};
    root.anchor.parent = root.anchor.block;
    root.anchor.parent_state_hash = genesis_hash_;
    root.anchor.blockhash = genesis_hash_;
    root.lattice = lattice_of(accounts_, arena_);
    root.anchor.state_hash = chain_state_hash(genesis_hash_, root.lattice);
    position_ = &tree_.put_root(std::move(root));
    flush_due_ = true; // the store has nothing yet
}

namespace {

[[noreturn]] void refuse(const std::string& why)
{
    throw std::runtime_error("stored state: " + why +
                             "; remove the data directory to fetch it from the cluster again");
}

/// The window must tell of every block that a later one could be a duplicate of.
void check_window_is_whole(const RestoredState& restored)
{
    const Anchor& anchor = restored.anchor;
    const std::vector<WindowBlock>& window = restored.window;
    if (window.empty() || window.back().ref != anchor.block ||
        window.back().height != anchor.height || window.back().blockhash != anchor.blockhash) {
        refuse("the newest block of the recent ones is not the block of the accounts");
    }
    for (std::size_t i = 1; i < window.size(); ++i) {
        if (window[i].height.value != window[i - 1].height.value + 1) {
            refuse("a recent block is missing above height " +
                   std::to_string(window[i - 1].height.value));
        }
    }
    if (window.front().height.value != 0 && window.size() < recent_blocks) {
        refuse("only " + std::to_string(window.size()) + " of the " +
               std::to_string(recent_blocks) + " recent blocks are there");
    }
}

[[nodiscard]] BlockState state_of(WindowBlock& block)
{
    BlockState state;
    state.anchor.block = block.ref;
    state.anchor.height = block.height;
    state.anchor.blockhash = block.blockhash;
    state.statuses = std::move(block.statuses);
    state.outcomes_known = block.outcomes_known;
    return state;
}

} // namespace

void Bank::put_restored(RestoredState& restored)
{
    check_window_is_whole(restored);
    for (const auto& [key, account] : restored.accounts) {
        if (account.lamports.value == 0 || accounts_.find(key) != nullptr) {
            refuse("an account is there twice, or empty");
        }
        accounts_.put(key, account);
    }
    BlockState root = state_of(restored.window.back());
    root.anchor = restored.anchor;
    root.lattice = lattice_of(accounts_, arena_);
    if (chain_state_hash(root.anchor.parent_state_hash, root.lattice) != root.anchor.state_hash) {
        refuse("the accounts do not add up to the state hash of slot " +
               std::to_string(root.slot().value));
    }
    restored.window.pop_back();
    std::vector<BlockState> history;
    history.reserve(restored.window.size());
    for (WindowBlock& block : restored.window) {
        history.push_back(state_of(block));
    }
    position_ = &tree_.put_root(std::move(root));
    tree_.put_history(std::move(history));
}

BlockState Bank::close_block(Closing& closing)
{
    const BlockState& parent = closing.parent;
    BELFRY_CHECK(position_ == &parent);
    const AccountLookup lookup = [this](const Pubkey& key) {
        return accounts_.find(key);
    };
    closing.fees.pay(closing.leader, closing.working, lookup, executor_.rules());

    BlockState state;
    state.parent = &parent;
    state.statuses = std::move(closing.statuses);
    state.delta = closing.working.delta(lookup);
    state.fees = closing.fees.all();
    state.fees_burnt = closing.fees.burnt;
    state.lattice = parent.lattice;
    apply_to_lattice(state.lattice, state.delta, arena_);

    Anchor& anchor = state.anchor;
    anchor.block.slot = closing.slot;
    anchor.parent = parent.ref();
    anchor.height = parent.height().next();
    anchor.parent_state_hash = parent.state_hash();
    anchor.state_hash = chain_state_hash(parent.state_hash(), state.lattice);
    anchor.blockhash = closing.blockhash;
    anchor.transaction_count = parent.anchor.transaction_count + state.statuses.size();
    const auto burnt = parent.anchor.fees_burnt.plus(state.fees_burnt);
    BELFRY_CHECK(burnt); // all lamports fit into 64 bits, and what is burnt was among them
    anchor.fees_burnt = *burnt;
    return state;
}

const BlockState* Bank::commit(BlockState state)
{
    BELFRY_CHECK(state.parent == position_);
    for (const AccountChange& change : state.delta.changes()) {
        set_account(change.key, change.after);
    }
    counters_.transactions_executed += state.statuses.size();
    for (const TransactionStatus& status : state.statuses) {
        counters_.transactions_failed += status.error.ok() ? 0U : 1U;
    }
    position_ = &tree_.insert(std::move(state));
    return position_;
}

void Bank::set_account(const Pubkey& key, const ledger::Account& account)
{
    if (account.lamports.value == 0) {
        accounts_.erase(key);
    } else {
        accounts_.put(key, account);
    }
}

void Bank::move_to(const BlockState& target)
{
    if (position_ == &target) {
        return;
    }
    ++counters_.fork_switches;
    std::vector<const BlockState*> redo; // target first
    const BlockState* at = &target;
    while (at->height() > position_->height()) {
        redo.push_back(at);
        at = at->parent;
    }
    while (position_ != at) {
        for (const AccountChange& change : position_->delta.changes()) {
            set_account(change.key, change.before);
        }
        ++counters_.blocks_undone;
        position_ = position_->parent;
        if (at->height() > position_->height()) {
            redo.push_back(at);
            at = at->parent;
        }
    }
    for (auto block = redo.rbegin(); block != redo.rend(); ++block) {
        for (const AccountChange& change : (*block)->delta.changes()) {
            set_account(change.key, change.after);
        }
        position_ = *block;
    }
}

bool Bank::set_finalized(const Hash& block_id)
{
    const BlockState* block = tree_.find(block_id);
    if (block == nullptr) {
        return false;
    }
    if (block == &tree_.finalized()) {
        return true;
    }
    if (!tree_.is_ancestor(*block, *position_)) {
        move_to(*block);
    }
    counters_.blocks_pruned += tree_.set_finalized(*block, [this](const BlockState& final_block) {
        for (const AccountChange& change : final_block.delta.changes()) {
            dirty_.put(change.key, change.after);
        }
    });
    flush_due_ = true;
    return true;
}

std::optional<Flush> Bank::take_flush()
{
    if (!flush_due_) {
        return std::nullopt;
    }
    Flush flush;
    flush.anchor = tree_.finalized().anchor;
    flush.accounts.reserve(dirty_.size());
    for (std::size_t i = 0; i < dirty_.size(); ++i) {
        flush.accounts.emplace_back(dirty_.at(i).key, dirty_.at(i).account);
    }
    std::ranges::sort(flush.accounts, {}, [](const auto& entry) { return entry.first; });
    dirty_.clear();
    flush_due_ = false;
    return flush;
}

} // namespace belfry::exec
