// SPDX-License-Identifier: Apache-2.0
#include "node/demo/finality_watch.hpp"

#include <algorithm>

namespace belfry::node {

void FinalityWatch::note(const Seen& seen, Clock::time_point now)
{
    if (seen.processed > newest_) {
        newest_ = seen.processed;
        for (Waiting* waiting : {&finalized_, &super_rooted_}) {
            if (waiting->slots.size() < slots_max) {
                waiting->slots.emplace(newest_, now);
            }
        }
    }
    settle(finalized_, seen.finalized, now);
    settle(super_rooted_, seen.super_root, now);
}

void FinalityWatch::settle(Waiting& waiting, Slot upto, Clock::time_point now)
{
    while (!waiting.slots.empty() && waiting.slots.begin()->first <= upto) {
        const auto took = now - waiting.slots.begin()->second;
        waiting.ms.push_back(static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
        waiting.slots.erase(waiting.slots.begin());
    }
}

FinalityWatch::Quantiles FinalityWatch::quantiles(const Waiting& waiting)
{
    std::vector<std::uint64_t> sorted = waiting.ms;
    std::ranges::sort(sorted);
    if (sorted.empty()) {
        return {};
    }
    const auto at = [&sorted](std::size_t percent) {
        return sorted[std::min(sorted.size() - 1, sorted.size() * percent / 100)];
    };
    return {
        .p50 = at(50), .p90 = at(90), .p99 = at(99), .max = sorted.back(), .slots = sorted.size()};
}

} // namespace belfry::node
