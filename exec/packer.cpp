// SPDX-License-Identifier: Apache-2.0
#include "exec/packer.hpp"

#include "base/check.hpp"
#include "exec/executor.hpp"
#include "exec/in_flight.hpp"
#include "exec/programs/compute_budget.hpp"
#include "ledger/model/entry.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace belfry::exec {

TransactionPool::TransactionPool(const Options& options, const ExecutionRules& rules)
    : options_(options)
    , rules_(rules)
{
    BELFRY_CHECK(options.transactions_max >= 1 && options.transactions_max < no_entry);
}

InsertResult TransactionPool::insert(const ledger::Transaction& transaction, Origin origin,
                                     Slot received)
{
    BELFRY_CHECK(batch_.empty());
    if (find(transaction.message_hash()) != no_entry) {
        ++counters_.duplicate;
        tell(PoolEvent::duplicate, transaction);
        return InsertResult::duplicate;
    }
    const TransactionInFlight mark(transaction);
    const std::uint64_t priority_fee = compute_budget_of(transaction, rules_).priority_fee.value;
    if (size_ == options_.transactions_max && !make_room(priority_fee)) {
        ++counters_.refused_full;
        tell(PoolEvent::refused_full, transaction);
        return InsertResult::full;
    }
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(entries_.size()));
        entries_.emplace_back();
    }
    const std::uint32_t place = free_.back();
    free_.pop_back();
    Entry& entry = entries_[place];
    entry.transaction.emplace(transaction);
    entry.priority_fee = priority_fee;
    entry.arrival = arrivals_++;
    entry.received = received;
    entry.writable_mask = writable_mask_of(transaction);
    entry.origin = origin;
    entry.told_waiting = false;
    entry.older = newest_;
    entry.newer = no_entry;
    (newest_ != no_entry ? entries_[newest_].newer : oldest_) = place;
    newest_ = place;
    by_message_.insert(fingerprint_of(transaction.message_hash()), place);
    ++size_;
    set_stage(place, Stage::ready);
    if (origin == Origin::direct) {
        to_forward_.push_back(Forward{entry.arrival, place});
    }
    ++counters_.inserted;
    tell(PoolEvent::inserted, place);
    return InsertResult::inserted;
}

std::uint32_t TransactionPool::find(const Hash& message_hash) const
{
    return by_message_
        .find(fingerprint_of(message_hash),
              [&](std::uint32_t place) {
                  return transaction_of(entries_[place]).message_hash() == message_hash;
              })
        .value_or(no_entry);
}

bool TransactionPool::make_room(std::uint64_t priority_fee)
{
    if (ready_.empty() || ready_.rbegin()->priority_fee >= priority_fee) {
        return false;
    }
    ++counters_.evicted_by_fee;
    drop(PoolEvent::evicted_by_fee, ready_.rbegin()->entry);
    return true;
}

const ledger::Transaction& TransactionPool::transaction_of(const Entry& entry)
{
    BELFRY_CHECK(entry.transaction.has_value());
    return *entry.transaction;
}

TransactionPool::Rank TransactionPool::rank_of(const Entry& entry, std::uint32_t place)
{
    return Rank{entry.priority_fee, entry.arrival, place};
}

void TransactionPool::set_stage(std::uint32_t place, Stage stage)
{
    Entry& entry = entries_[place];
    if (entry.stage == Stage::ready) {
        ready_.erase(rank_of(entry, place));
    } else if (entry.stage == Stage::waiting) {
        --waiting_count_;
    }
    entry.stage = stage;
    if (stage == Stage::ready) {
        ready_.insert(rank_of(entry, place));
    } else if (stage == Stage::waiting) {
        ++waiting_count_;
    }
}

void TransactionPool::remove(std::uint32_t place)
{
    set_stage(place, Stage::free);
    Entry& entry = entries_[place];
    by_message_.erase(fingerprint_of(transaction_of(entry).message_hash()), place);
    (entry.older != no_entry ? entries_[entry.older].newer : oldest_) = entry.newer;
    (entry.newer != no_entry ? entries_[entry.newer].older : newest_) = entry.older;
    entry.transaction.reset();
    free_.push_back(place);
    --size_;
}

std::span<const ledger::Transaction* const> TransactionPool::take_batch(const BatchLimits& limits,
                                                                        const AgeOf& age_of)
{
    BELFRY_CHECK(batch_.empty());
    batch_transactions_.clear();
    locks_.clear();
    lock_index_.clear();
    std::vector<std::uint32_t> unknown;
    std::vector<std::uint32_t> expired;
    std::size_t bytes = ledger::transactions_entry_overhead(0);
    // What is passed over for its locks is looked at again by the next batch; this bounds it.
    std::size_t looks_left = 4 * limits.transactions_max;
    for (auto at = ready_.begin();
         at != ready_.end() && looks_left > 0 &&
         batch_.size() < std::min<std::size_t>(limits.transactions_max, UINT16_MAX);
         ++at, --looks_left) {
        const Entry& entry = entries_[at->entry];
        const BlockhashAge age = age_of(transaction_of(entry).recent_blockhash());
        if (age != BlockhashAge::valid) {
            (age == BlockhashAge::unknown ? unknown : expired).push_back(at->entry);
            continue;
        }
        const std::size_t more = 2 + transaction_of(entry).wire().size();
        if (bytes + more > limits.stream_bytes_max) {
            break;
        }
        if (lock_accounts(entry)) {
            bytes += more;
            batch_.push_back(at->entry);
            batch_transactions_.push_back(&transaction_of(entry));
        }
    }
    for (const std::uint32_t place : expired) {
        ++counters_.expired;
        drop(PoolEvent::expired, place);
    }
    for (const std::uint32_t place : unknown) {
        wait(place);
    }
    return batch_transactions_;
}

void TransactionPool::wait(std::uint32_t place)
{
    if (waiting_count_ == options_.waiting_max) {
        ++counters_.dropped_waiting_full;
        drop(PoolEvent::dropped_waiting_full, place);
    } else {
        if (!entries_[place].told_waiting) {
            entries_[place].told_waiting = true;
            tell(PoolEvent::waiting, place);
        }
        set_stage(place, Stage::waiting);
    }
}

bool TransactionPool::lock_accounts(const Entry& entry)
{
    const ledger::Transaction& transaction = transaction_of(entry);
    std::array<std::uint32_t, ledger::transaction_accounts_max> found{};
    for (std::uint64_t mask = entry.writable_mask; mask != 0; mask &= mask - 1) {
        const auto index = static_cast<std::size_t>(std::countr_zero(mask));
        const Pubkey key = transaction.account(index);
        found[index] = lock_index_
                           .find(fingerprint_of(key),
                                 [&](std::uint32_t place) { return locks_[place].key == key; })
                           .value_or(no_entry);
        if (found[index] != no_entry && locks_[found[index]].count >= options_.conflict_chain_max) {
            return false;
        }
    }
    for (std::uint64_t mask = entry.writable_mask; mask != 0; mask &= mask - 1) {
        const auto index = static_cast<std::size_t>(std::countr_zero(mask));
        if (found[index] != no_entry) {
            ++locks_[found[index]].count;
            continue;
        }
        const Pubkey key = transaction.account(index);
        lock_index_.insert(fingerprint_of(key), static_cast<std::uint32_t>(locks_.size()));
        locks_.push_back(LockCount{key, 1});
    }
    return true;
}

void TransactionPool::settle(std::span<const PackOutcome> outcomes)
{
    BELFRY_CHECK(outcomes.size() == batch_.size());
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const std::uint32_t place = batch_[i];
        switch (outcomes[i].result) {
        case PackResult::included:
            ++counters_.packed;
            tell(PoolEvent::packed, place);
            set_stage(place, Stage::packed);
            break;
        case PackResult::blockhash_not_found:
            wait(place);
            break;
        case PackResult::blockhash_expired:
            ++counters_.expired;
            drop(PoolEvent::expired, place);
            break;
        case PackResult::duplicate:
            ++counters_.dropped_duplicate;
            drop(PoolEvent::dropped_duplicate, place);
            break;
        case PackResult::payer_cannot_pay:
            ++counters_.dropped_payer;
            drop(PoolEvent::dropped_payer, place);
            break;
        case PackResult::block_full:
            break; // stays ready
        }
    }
    batch_.clear();
}

void TransactionPool::release_packed()
{
    for (std::uint32_t place = oldest_; place != no_entry; place = entries_[place].newer) {
        if (entries_[place].stage == Stage::packed) {
            set_stage(place, Stage::ready);
        }
    }
}

void TransactionPool::on_block_processed(std::span<const TransactionStatus> statuses)
{
    BELFRY_CHECK(batch_.empty());
    for (const TransactionStatus& status : statuses) {
        if (const std::uint32_t place = find(status.message_hash); place != no_entry) {
            ++counters_.seen_processed;
            remove(place);
        }
    }
}

void TransactionPool::expire(Slot now, const AgeOf& age_of)
{
    BELFRY_CHECK(batch_.empty());
    std::uint32_t next = no_entry;
    for (std::uint32_t place = oldest_; place != no_entry; place = next) {
        const Entry& entry = entries_[place];
        next = entry.newer;
        const BlockhashAge age = age_of(transaction_of(entry).recent_blockhash());
        const bool too_long_unknown = age == BlockhashAge::unknown &&
                                      now.value > entry.received.value &&
                                      now.value - entry.received.value > options_.unknown_slots_max;
        if (age == BlockhashAge::expired || too_long_unknown) {
            ++(too_long_unknown ? counters_.expired_unknown : counters_.expired);
            drop(too_long_unknown ? PoolEvent::expired_unknown : PoolEvent::expired, place);
        } else if (entry.stage == Stage::waiting) {
            set_stage(place, Stage::ready);
        }
    }
}

void TransactionPool::start_window(std::uint64_t window)
{
    forward_window_ = window + 1;
    to_forward_.clear();
    for (std::uint32_t place = oldest_; place != no_entry; place = entries_[place].newer) {
        if (entries_[place].origin == Origin::direct) {
            to_forward_.push_back(Forward{entries_[place].arrival, place});
        }
    }
}

std::size_t
TransactionPool::plan_forwards(std::uint64_t window, std::size_t count_max,
                               const std::function<void(const ledger::Transaction&)>& visitor)
{
    if (forward_window_ != window + 1) {
        start_window(window);
    }
    std::size_t count = 0;
    while (count < count_max && !to_forward_.empty()) {
        const Forward next = to_forward_.front();
        to_forward_.pop_front();
        const Entry& entry = entries_[next.entry];
        // The place may be free, or hold a later arrival, by now.
        if (entry.stage == Stage::free || entry.arrival != next.arrival ||
            entry.stage == Stage::packed) {
            continue;
        }
        visitor(transaction_of(entry));
        ++count;
    }
    counters_.forwards_planned += count;
    return count;
}

bool TransactionPool::holds_message(const Hash& message_hash) const
{
    return find(message_hash) != no_entry;
}

bool TransactionPool::holds_exactly(const ledger::Transaction& transaction) const
{
    const std::uint32_t place = find(transaction.message_hash());
    return place != no_entry &&
           std::ranges::equal(transaction_of(entries_[place]).wire(), transaction.wire());
}

} // namespace belfry::exec
