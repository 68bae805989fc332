// SPDX-License-Identifier: Apache-2.0
#include "exec/block_builder.hpp"

#include "base/check.hpp"
#include "crypto/poh.hpp"
#include "exec/bank.hpp"
#include "exec/closing.hpp"
#include "exec/in_flight.hpp"
#include "exec/programs/compute_budget.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace belfry::exec {

std::string_view to_string(PackResult result)
{
    static constexpr std::array<std::string_view, pack_result_count> names{
        "included",  "blockhash_not_found", "blockhash_expired",
        "duplicate", "payer_cannot_pay",    "block_full",
    };
    return names.at(static_cast<std::size_t>(result));
}

BlockBuilder::BlockBuilder(Bank& bank, const BlockState& parent, const LeaderSlot& leader_slot)
    : bank_(bank)
    , slot_(leader_slot.slot)
    , parent_(parent.ref())
    , leader_(leader_slot.leader)
    , hashes_per_tick_(bank.genesis_.hashes_per_tick)
    , ticks_total_((slot_.value - parent_.slot.value) * bank.genesis_.ticks_per_slot)
    , hashes_total_(ticks_total_ * hashes_per_tick_)
    , chain_(parent.blockhash())
    , writer_(stream_)
    , fees_(std::make_unique<BlockFees>())
{
}

BlockBuilder::~BlockBuilder() = default;

std::uint64_t BlockBuilder::advance(std::uint64_t hash_count)
{
    const std::uint64_t wanted = std::min(hash_count, hashes_total_ - hashes_done_);
    std::uint64_t left = wanted;
    while (left > 0) {
        const std::uint64_t step =
            std::min(left, hashes_per_tick_ - hashes_done_ % hashes_per_tick_);
        chain_ = crypto::poh_append(chain_, step);
        hashes_done_ += step;
        hashes_since_entry_ += step;
        left -= step;
        if (hashes_done_ % hashes_per_tick_ == 0) {
            writer_.tick(static_cast<std::uint32_t>(hashes_since_entry_), chain_);
            hashes_since_entry_ = 0;
        }
    }
    return wanted;
}

void BlockBuilder::do_ticks(std::uint64_t tick_count)
{
    const std::uint64_t last = std::min(ticks_total_ - ticks_done(), tick_count) + ticks_done();
    advance(last * hashes_per_tick_ - hashes_done_);
}

void BlockBuilder::take_known_ticks(std::span<const Hash> ticks)
{
    BELFRY_CHECK(hashes_done_ == 0);
    const std::uint64_t before_own = ticks_total_ - bank_.genesis_.ticks_per_slot;
    const std::size_t count = std::min<std::size_t>(ticks.size(), before_own);
    for (const Hash& after : ticks.first(count)) {
        writer_.tick(static_cast<std::uint32_t>(hashes_per_tick_), after);
        chain_ = after;
        hashes_done_ += hashes_per_tick_;
    }
}

std::size_t BlockBuilder::stream_bytes_left() const
{
    const std::size_t used = stream_taken_bytes_ + stream_.size();
    const std::size_t reserved =
        ledger::entry_footer_bytes +
        ledger::entry_header_bytes * static_cast<std::size_t>(ticks_total_ - ticks_done());
    return used + reserved < ledger::block_stream_bytes_max
               ? ledger::block_stream_bytes_max - used - reserved
               : 0;
}

BlockhashAge BlockBuilder::blockhash_age(const Hash& blockhash) const
{
    const BlockState* parent = bank_.tree_.find(parent_.id);
    return parent != nullptr ? bank_.tree_.blockhash_age(*parent, blockhash)
                             : BlockhashAge::unknown;
}

std::span<const PackOutcome>
BlockBuilder::add(std::span<const ledger::Transaction* const> transactions)
{
    BELFRY_CHECK(!finished_);
    outcomes_.assign(transactions.size(), PackOutcome{});
    const BlockState* parent = bank_.tree_.find(parent_.id);
    // A mixed-in entry takes one hash, and the tick behind it needs one of its own.
    if (hashes_per_tick_ - hashes_done_ % hashes_per_tick_ < 2) {
        advance(1);
    }
    if (parent == nullptr || hashes_total_ - hashes_done_ < 2) {
        return outcomes_;
    }
    sift(*parent, transactions);
    if (batch_.empty()) {
        return outcomes_;
    }
    bank_.move_to(*parent);
    results_.assign(batch_.size(), ExecutionOutcome{});
    bank_.executor_.execute(
        batch_, working_, [this](const Pubkey& key) { return bank_.accounts_.find(key); },
        results_);
    wires_.clear();
    hashes_.clear();
    for (std::size_t i = 0; i < batch_.size(); ++i) {
        PackOutcome& outcome = outcomes_[batch_places_[i]];
        outcome.error = results_[i].error;
        outcome.fee = results_[i].fee;
        if (!results_[i].charged) {
            outcome.result = PackResult::payer_cannot_pay;
            messages_.erase(batch_[i]->message_hash());
            compute_units_ -= compute_budget_of(*batch_[i], bank_.executor_.rules()).unit_limit;
            continue;
        }
        outcome.result = PackResult::included;
        fees_->add(results_[i]);
        statuses_.push_back(status_of(*batch_[i], results_[i]));
        wires_.push_back(batch_[i]->wire());
        hashes_.push_back(batch_[i]->message_hash());
    }
    if (!wires_.empty()) {
        chain_ = crypto::poh_mix(chain_, ledger::entry_mixin(hashes_));
        ++hashes_done_;
        writer_.transactions(static_cast<std::uint32_t>(hashes_since_entry_ + 1), chain_, wires_);
        hashes_since_entry_ = 0;
    }
    return outcomes_;
}

void BlockBuilder::sift(const BlockState& parent,
                        std::span<const ledger::Transaction* const> transactions)
{
    batch_.clear();
    batch_places_.clear();
    const std::size_t bytes_left = stream_bytes_left();
    std::size_t bytes = ledger::transactions_entry_overhead(0);
    Hash last_blockhash;
    BlockhashAge age = bank_.tree_.blockhash_age(parent, last_blockhash);
    for (std::size_t i = 0; i < transactions.size(); ++i) {
        const ledger::Transaction& transaction = *transactions[i];
        const TransactionInFlight mark(transaction);
        PackOutcome& outcome = outcomes_[i];
        if (const Hash blockhash = transaction.recent_blockhash(); blockhash != last_blockhash) {
            last_blockhash = blockhash;
            age = bank_.tree_.blockhash_age(parent, blockhash);
        }
        if (age != BlockhashAge::valid) {
            outcome.result = age == BlockhashAge::unknown ? PackResult::blockhash_not_found
                                                          : PackResult::blockhash_expired;
            continue;
        }
        if (messages_.contains(transaction.message_hash()) ||
            bank_.tree_.in_window(parent, transaction.message_hash())) {
            outcome.result = PackResult::duplicate;
            continue;
        }
        const std::size_t more = 2 + transaction.wire().size();
        const std::uint64_t units =
            compute_budget_of(transaction, bank_.executor_.rules()).unit_limit;
        if (bytes + more > bytes_left || batch_.size() == UINT16_MAX ||
            compute_units_ + units > bank_.genesis_.compute.block_units_max) {
            continue; // block_full
        }
        bytes += more;
        compute_units_ += units;
        messages_.insert(transaction.message_hash());
        batch_.push_back(&transaction);
        batch_places_.push_back(i);
    }
}

Bytes BlockBuilder::take_stream()
{
    stream_taken_bytes_ += stream_.size();
    return std::exchange(stream_, {});
}

BlockFooter BlockBuilder::finish(std::span<const Bytes> certificates)
{
    BELFRY_CHECK(!finished_);
    advance(hashes_total_ - hashes_done_);
    finished_ = true;
    const std::uint64_t transaction_count = statuses_.size();
    if (const BlockState* parent = bank_.tree_.find(parent_.id); parent != nullptr) {
        bank_.move_to(*parent);
        Bank::Closing closing{.parent = *parent,
                              .working = working_,
                              .fees = *fees_,
                              .statuses = std::move(statuses_),
                              .slot = slot_,
                              .leader = leader_,
                              .blockhash = chain_};
        state_ = bank_.close_block(closing);
        state_.parent = nullptr; // seal() looks it up again: it may be pruned before
    }
    for (const Bytes& certificate : certificates) {
        if (certificate.size() + ledger::certificate_entry_overhead <= stream_bytes_left()) {
            writer_.certificate(certificate);
        }
    }
    writer_.footer(state_.state_hash(), chain_);
    return BlockFooter{transaction_count, state_.state_hash(), chain_};
}

Result<std::unique_ptr<BlockBuilder>, BlockError> Bank::start_block(const LeaderSlot& leader_slot)
{
    const BlockState* parent = tree_.find(leader_slot.parent_id);
    if (parent == nullptr) {
        return std::unexpected(BlockError::unknown_parent);
    }
    if (leader_slot.slot <= parent->slot()) {
        return std::unexpected(BlockError::slot_not_after_parent);
    }
    if (tree_.size() >= options_.blocks_max) {
        return std::unexpected(BlockError::too_many_blocks);
    }
    return std::unique_ptr<BlockBuilder>(new BlockBuilder(*this, *parent, leader_slot));
}

Result<const BlockState*, BlockError> Bank::seal(std::unique_ptr<BlockBuilder> builder,
                                                 const Hash& block_id)
{
    BELFRY_CHECK(builder != nullptr && builder->finished_);
    if (const BlockState* known = tree_.find(block_id); known != nullptr) {
        return known;
    }
    const BlockState* parent = tree_.find(builder->parent_.id);
    if (parent == nullptr) {
        return std::unexpected(BlockError::unknown_parent);
    }
    move_to(*parent);
    BlockState state = std::move(builder->state_);
    state.parent = parent;
    state.anchor.block.id = block_id;
    ++counters_.blocks_built;
    return commit(std::move(state));
}

} // namespace belfry::exec
