// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/measures.hpp"

#include <algorithm>

namespace belfry::consensus::sim {

void DelayCounts::add(std::uint64_t ms)
{
    const std::size_t bucket = std::min<std::uint64_t>(ms, longest_ms);
    if (buckets_.size() <= bucket) {
        buckets_.resize(bucket + 1);
    }
    ++buckets_[bucket];
    ++count_;
    longest_ = std::max(longest_, ms);
}

void DelayCounts::add_all(const DelayCounts& other)
{
    buckets_.resize(std::max(buckets_.size(), other.buckets_.size()));
    for (std::size_t ms = 0; ms < other.buckets_.size(); ++ms) {
        buckets_[ms] += other.buckets_[ms];
    }
    count_ += other.count_;
    longest_ = std::max(longest_, other.longest_);
}

void Measures::add_all(const Measures& other)
{
    finality_ms.add_all(other.finality_ms);
    statements_received += other.statements_received;
    statement_bytes += other.statement_bytes;
    blocks_made += other.blocks_made;
    blocks_repaired += other.blocks_repaired;
}

std::uint64_t DelayCounts::percentile(std::uint64_t percent) const
{
    std::uint64_t sum = 0;
    for (std::size_t ms = 0; ms < buckets_.size(); ++ms) {
        sum += buckets_[ms];
        if (sum * 100 >= count_ * percent && sum > 0) {
            return ms;
        }
    }
    return 0;
}

} // namespace belfry::consensus::sim
