// SPDX-License-Identifier: Apache-2.0
#pragma once
// packer.hpp: transactions that wait at this node: which ones the next entry takes, and which ones
//          are forwarded to the leaders to come.
// Rules    the higher priority fee first, then the earlier arrival. At most conflict_chain_max of
//          one batch write the same account. A transaction with an unknown blockhash waits: it may
//          be known on the next fork. A direct one is planned for forwarding once per window until
//          it is seen in a processed block or has expired; a forwarded one never.
// Bounds   transactions_max in all: when full the lowest fee goes (a newcomer must pay more);
//          waiting_max with an unknown blockhash. Each loss has a counter.
// Threads  one owner, the bank tile.

#include "base/bytes.hpp"
#include "base/strong.hpp"
#include "exec/block_builder.hpp"
#include "exec/block_state.hpp"
#include "exec/key_index.hpp"
#include "exec/program.hpp"
#include "ledger/model/transaction.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace belfry::exec {

/// How a transaction reached this node.
enum class Origin : std::uint8_t { direct, forwarded };

enum class InsertResult : std::uint8_t {
    inserted,
    duplicate, // the message is in the pool
    full,      // every other pays at least as much
};

/// What happens to a transaction at the pool, for who wants to be told of each.
enum class PoolEvent : std::uint8_t {
    inserted,
    duplicate,
    refused_full,
    evicted_by_fee,
    waiting, // for its blockhash; told once
    dropped_waiting_full,
    packed,
    dropped_duplicate,
    dropped_payer,
    expired,
    expired_unknown,
    quarantined,
};

struct PoolCounters {
    std::uint64_t inserted = 0;
    std::uint64_t duplicate = 0;
    std::uint64_t refused_full = 0;
    std::uint64_t evicted_by_fee = 0;
    std::uint64_t dropped_waiting_full = 0;
    std::uint64_t expired = 0;         // blockhash too old
    std::uint64_t expired_unknown = 0; // blockhash never became known
    std::uint64_t packed = 0;          // included in a block of this node
    std::uint64_t dropped_duplicate = 0;
    std::uint64_t dropped_payer = 0;
    std::uint64_t seen_processed = 0;
    std::uint64_t forwards_planned = 0;
};

class TransactionPool {
public:
    struct Options {
        std::size_t transactions_max = 32'768;
        std::size_t waiting_max = 4096;
        std::size_t conflict_chain_max = 32;
        std::uint64_t unknown_slots_max = 150; // how long an unknown blockhash may stay unknown
    };
    struct BatchLimits {
        std::size_t transactions_max = 256;
        std::size_t stream_bytes_max = SIZE_MAX; // of the entry
    };
    /// On the fork that a block will extend; BlockBuilder::blockhash_age, for one.
    using AgeOf = std::function<BlockhashAge(const Hash& blockhash)>;

    TransactionPool(const Options& options, const ExecutionRules& rules);

    /// Called for each event, before the pool forgets the transaction. It must not call the pool.
    using Observer = std::function<void(PoolEvent event, const ledger::Transaction& transaction)>;
    void observe(Observer observer) { observer_ = std::move(observer); }

    /// The signatures were verified. received: the slot by the local clock.
    InsertResult insert(const ledger::Transaction& transaction, Origin origin, Slot received);

    /// The best transactions for the next entry; they stay in the pool until settle(), which must
    /// follow before any other call. The pointers live until then.
    [[nodiscard]] std::span<const ledger::Transaction* const> take_batch(const BatchLimits& limits,
                                                                         const AgeOf& age_of);
    /// What BlockBuilder::add said of the batch. Included ones stay, out of the way, until
    /// on_block_processed() or release_packed().
    void settle(std::span<const PackOutcome> outcomes);
    /// This node's block was given up: what it included is ready again.
    void release_packed();

    /// Transactions of a block that was replayed or sealed here.
    void on_block_processed(std::span<const TransactionStatus> statuses);
    /// Once per slot: drops what is too old; what waits for its blockhash gets another chance.
    void expire(Slot now, const AgeOf& age_of);

    /// Visits direct transactions not yet visited in this window, at most count_max, oldest first.
    /// Returns how many. The visitor must not call the pool.
    std::size_t plan_forwards(std::uint64_t window, std::size_t count_max,
                              const std::function<void(const ledger::Transaction&)>& visitor);

    [[nodiscard]] bool holds_message(const Hash& message_hash) const;
    /// The very same bytes, signatures included: they were verified.
    [[nodiscard]] bool holds_exactly(const ledger::Transaction& transaction) const;
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t ready_count() const { return ready_.size(); }
    [[nodiscard]] std::size_t waiting_count() const { return waiting_count_; }
    [[nodiscard]] const PoolCounters& counters() const { return counters_; }

private:
    enum class Stage : std::uint8_t { free, ready, waiting, packed };
    static constexpr std::uint32_t no_entry = UINT32_MAX;
    struct Entry {
        std::optional<ledger::Transaction> transaction;
        std::uint64_t priority_fee = 0;
        std::uint64_t arrival = 0;
        Slot received;
        std::uint64_t writable_mask = 0;
        std::uint32_t older = no_entry; // list by arrival
        std::uint32_t newer = no_entry;
        Origin origin = Origin::direct;
        Stage stage = Stage::free;
        bool told_waiting = false;
    };
    struct Rank { // best first
        std::uint64_t priority_fee = 0;
        std::uint64_t arrival = 0;
        std::uint32_t entry = 0;
        friend bool operator<(const Rank& a, const Rank& b)
        {
            return a.priority_fee != b.priority_fee ? a.priority_fee > b.priority_fee
                                                    : a.arrival < b.arrival;
        }
    };
    struct Forward {
        std::uint64_t arrival = 0; // tells whether the place still holds what was meant
        std::uint32_t entry = 0;
    };
    struct LockCount {
        Pubkey key;
        std::size_t count = 0;
    };

    [[nodiscard]] std::uint32_t find(const Hash& message_hash) const;
    [[nodiscard]] bool make_room(std::uint64_t priority_fee);
    [[nodiscard]] static const ledger::Transaction& transaction_of(const Entry& entry);
    [[nodiscard]] static Rank rank_of(const Entry& entry, std::uint32_t place);
    void set_stage(std::uint32_t place, Stage stage);
    void remove(std::uint32_t place);
    void tell(PoolEvent event, const ledger::Transaction& transaction) const
    {
        if (observer_) {
            observer_(event, transaction);
        }
    }
    void tell(PoolEvent event, std::uint32_t place) const
    {
        tell(event, transaction_of(entries_[place]));
    }
    void drop(PoolEvent event, std::uint32_t place)
    {
        tell(event, place);
        remove(place);
    }
    [[nodiscard]] bool lock_accounts(const Entry& entry);
    void wait(std::uint32_t place);
    void start_window(std::uint64_t window);

    Options options_;
    ExecutionRules rules_;
    std::deque<Entry> entries_;
    std::vector<std::uint32_t> free_;
    PlaceIndex by_message_;
    std::set<Rank> ready_;
    std::uint32_t oldest_ = no_entry;
    std::uint32_t newest_ = no_entry;
    std::uint64_t arrivals_ = 0;
    std::size_t size_ = 0;
    std::size_t waiting_count_ = 0;
    std::vector<std::uint32_t> batch_;
    std::vector<const ledger::Transaction*> batch_transactions_;
    std::vector<LockCount> locks_; // of the batch that is being made
    PlaceIndex lock_index_;
    std::uint64_t forward_window_ = 0; // one more than the window of to_forward_, 0: none yet
    std::deque<Forward> to_forward_;   // oldest first
    PoolCounters counters_;
    Observer observer_;
};

} // namespace belfry::exec
