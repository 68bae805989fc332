// SPDX-License-Identifier: Apache-2.0
#pragma once
// histogram.hpp: how values (latencies, sizes) are spread, in fixed memory.
// Shapes   log-linear buckets: values below 64 are exact, above that every power of two is cut into
//          32 equal steps, so that a reported value is at most 1/32 (3.2 %) above the true one.
// Bounds   1,920 counters, about 15 KiB; every 64-bit value has its bucket.
// Threads  one owner; merge() joins histograms of several owners afterwards.

#include "base/check.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace belfry {

/// value = (step_count + step) << shift, with the bits below cut off; shift 0 is exact.
struct HistogramBuckets {
    static constexpr unsigned step_bits = 5;
    static constexpr std::size_t step_count = std::size_t{1} << step_bits;
    static constexpr std::size_t count = (64 - step_bits + 1) * step_count;

    [[nodiscard]] static constexpr std::size_t bucket_of(std::uint64_t value) noexcept
    {
        if (value < 2 * step_count) {
            return static_cast<std::size_t>(value);
        }
        const auto shift = static_cast<unsigned>(std::bit_width(value)) - step_bits - 1;
        return (shift * step_count) + static_cast<std::size_t>(value >> shift);
    }
    [[nodiscard]] static constexpr std::uint64_t highest_of(std::size_t bucket) noexcept
    {
        if (bucket < 2 * step_count) {
            return bucket;
        }
        const std::size_t shift = (bucket / step_count) - 1;
        const std::uint64_t head = step_count + (bucket % step_count);
        return (head << shift) + ((std::uint64_t{1} << shift) - 1);
    }
};
static_assert(HistogramBuckets::bucket_of(UINT64_MAX) == HistogramBuckets::count - 1);
static_assert(HistogramBuckets::highest_of(HistogramBuckets::count - 1) == UINT64_MAX);
static_assert(HistogramBuckets::bucket_of(63) == 63 && HistogramBuckets::bucket_of(65) == 64);
static_assert(HistogramBuckets::highest_of(64) == 65);

class Histogram {
public:
    void record(std::uint64_t value, std::uint64_t times = 1) noexcept
    {
        if (times == 0) {
            return;
        }
        counts_[HistogramBuckets::bucket_of(value)] += times;
        count_ += times;
        sum_ += static_cast<double>(value) * static_cast<double>(times);
        min_ = std::min(min_, value);
        max_ = std::max(max_, value);
    }

    void merge(const Histogram& other) noexcept
    {
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            counts_[i] += other.counts_[i];
        }
        count_ += other.count_;
        sum_ += other.sum_;
        min_ = std::min(min_, other.min_);
        max_ = std::max(max_, other.max_);
    }

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    /// 0 when nothing was recorded.
    [[nodiscard]] std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
    [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
    [[nodiscard]] double mean() const noexcept
    {
        return count_ == 0 ? 0.0 : sum_ / static_cast<double>(count_);
    }

    /// The smallest recorded value, up to the bucket's width, that at least this share of all
    /// values does not exceed; percentile(50) is the median. 0 when nothing was recorded.
    /// Precondition: 0 <= percent <= 100.
    [[nodiscard]] std::uint64_t percentile(double percent) const noexcept
    {
        BELFRY_CHECK(percent >= 0.0 && percent <= 100.0);
        const double exact_rank = percent * static_cast<double>(count_) / 100.0;
        auto rank = static_cast<std::uint64_t>(exact_rank);
        if (static_cast<double>(rank) < exact_rank || rank == 0) {
            ++rank;
        }
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (counts_[i] != 0 && seen >= rank) {
                return std::clamp(HistogramBuckets::highest_of(i), min_, max_);
            }
        }
        return max_;
    }

private:
    std::array<std::uint64_t, HistogramBuckets::count> counts_{};
    std::uint64_t count_ = 0;
    double sum_ = 0.0;
    std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t max_ = 0;
};

} // namespace belfry
