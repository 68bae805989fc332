// SPDX-License-Identifier: Apache-2.0
#pragma once
// pool_gate.hpp: which verified transactions may enter the pool, and with it be forwarded.
// Rule     a signature costs its maker nothing: anyone can sign without end for keys that own
//          nothing, or on blockhashes that never were. So, judged at the block this node stands on,
//          the fee payer must hold the fee and the blockhash must be alive. One that is unknown may
//          be of a block that is still on its way: it waits here, outside of the pool, and is not
//          forwarded until it becomes known. Whatever way it came, UDP, RPC or
//          from another validator, it passes here.
// Bounds   early_max wait, each for early_slots_max slots; when full, newcomers are refused.
// Errors   none; each refusal has a counter.
// Threads  one owner, the bank tile.

#include "base/strong.hpp"
#include "exec/block_tree.hpp"
#include "exec/packer.hpp"
#include "ledger/model/transaction.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

namespace belfry::exec {

class PoolGate {
public:
    struct Options {
        std::size_t early_max = 2048;
        std::uint64_t early_slots_max = 16;
    };
    struct Arrival {
        ledger::Transaction transaction;
        Origin origin = Origin::direct;
        Slot received; // by the slot clock
    };
    /// The state at the block that this node stands on.
    struct View {
        std::function<BlockhashAge(const Hash& blockhash)> age_of;
        std::function<bool(const ledger::Transaction& transaction)> can_pay;
        std::function<bool(const ledger::Transaction& transaction)> quarantined = {};
    };
    struct Counters {
        std::uint64_t expired = 0;       // blockhash too old
        std::uint64_t quarantined = 0;   // has killed this node before
        std::uint64_t cannot_pay = 0;    // the payer does not hold the fee
        std::uint64_t early = 0;         // began to wait
        std::uint64_t early_full = 0;    // no room to wait
        std::uint64_t early_expired = 0; // waited in vain
    };
    explicit PoolGate(const Options& options);

    /// Told of each refusal and of who begins to wait, as by the pool.
    void observe(TransactionPool::Observer observer) { observer_ = std::move(observer); }

    /// What becomes of an arrival: only `enter` is for the pool, and now.
    enum class Verdict : std::uint8_t { enter, waits, full, expired, cannot_pay, quarantined };
    [[nodiscard]] Verdict admit(const Arrival& arrival, const View& view);
    /// Once per slot: those that may enter by now, in the order of their arrival.
    [[nodiscard]] std::vector<Arrival> look_again(Slot now, const View& view);

    [[nodiscard]] std::size_t early_count() const { return early_.size(); }
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    [[nodiscard]] Verdict judge(const ledger::Transaction& transaction, const View& view);
    void tell(PoolEvent event, const ledger::Transaction& transaction) const
    {
        if (observer_) {
            observer_(event, transaction);
        }
    }

    Options options_;
    TransactionPool::Observer observer_;
    std::deque<Arrival> early_; // oldest first
    Counters counters_;
};

} // namespace belfry::exec
