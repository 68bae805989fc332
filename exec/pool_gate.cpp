// SPDX-License-Identifier: Apache-2.0
#include "exec/pool_gate.hpp"

#include "exec/in_flight.hpp"

#include <utility>

namespace belfry::exec {

PoolGate::PoolGate(const Options& options)
    : options_(options)
{
}

PoolGate::Verdict PoolGate::judge(const ledger::Transaction& transaction, const View& view)
{
    if (view.quarantined && view.quarantined(transaction)) {
        ++counters_.quarantined;
        tell(PoolEvent::quarantined, transaction);
        return Verdict::quarantined;
    }
    const TransactionInFlight mark(transaction);
    switch (view.age_of(transaction.recent_blockhash())) {
    case BlockhashAge::expired:
        ++counters_.expired;
        tell(PoolEvent::expired, transaction);
        return Verdict::expired;
    case BlockhashAge::unknown:
        return Verdict::waits;
    case BlockhashAge::valid:
        break;
    }
    if (!view.can_pay(transaction)) {
        ++counters_.cannot_pay;
        tell(PoolEvent::dropped_payer, transaction);
        return Verdict::cannot_pay;
    }
    return Verdict::enter;
}

PoolGate::Verdict PoolGate::admit(const Arrival& arrival, const View& view)
{
    const Verdict verdict = judge(arrival.transaction, view);
    if (verdict != Verdict::waits) {
        return verdict;
    }
    if (early_.size() >= options_.early_max) {
        ++counters_.early_full;
        tell(PoolEvent::dropped_waiting_full, arrival.transaction);
        return Verdict::full;
    }
    ++counters_.early;
    tell(PoolEvent::waiting, arrival.transaction);
    early_.push_back(arrival);
    return Verdict::waits;
}

std::vector<PoolGate::Arrival> PoolGate::look_again(Slot now, const View& view)
{
    std::vector<Arrival> entering;
    std::deque<Arrival> still;
    for (const Arrival& arrival : early_) {
        switch (judge(arrival.transaction, view)) {
        case Verdict::enter:
            entering.push_back(arrival);
            break;
        case Verdict::waits:
            if (now.value > arrival.received.value &&
                now.value - arrival.received.value > options_.early_slots_max) {
                ++counters_.early_expired;
                tell(PoolEvent::expired_unknown, arrival.transaction);
            } else {
                still.push_back(arrival);
            }
            break;
        case Verdict::full:
        case Verdict::expired:
        case Verdict::cannot_pay:
        case Verdict::quarantined:
            break;
        }
    }
    early_ = std::move(still);
    return entering;
}

} // namespace belfry::exec
