// SPDX-License-Identifier: Apache-2.0
#pragma once
// measures.hpp: what a simulation counts: traffic, and how long blocks took to become final.
// Shapes   finality is counted for every block and every honest machine, from the nominal begin of
//          the block's slot until the machine calls it, or a descendant, final.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace belfry::consensus::sim {

/// A block is sent as that many sets; each is lost at a machine with that probability and then
/// asked for again and again, a round trip each time. Its source is the code's arithmetic, not
/// this room's: the scenario names the figures.
struct SetLoss {
    std::uint64_t sets_per_block = 0;
    std::uint64_t lost_ppm = 0;             // of a million
    std::uint64_t repair_fails_percent = 0; // of one request or its answer
};

/// Milliseconds with one bucket each; what is beyond the last counts there.
class DelayCounts {
public:
    static constexpr std::size_t longest_ms = 300'000;
    void add(std::uint64_t ms);
    void add_all(const DelayCounts& other);
    [[nodiscard]] std::uint64_t count() const { return count_; }
    /// The least delay that `percent` of all do not exceed; 0 when there is none.
    [[nodiscard]] std::uint64_t percentile(std::uint64_t percent) const;
    [[nodiscard]] std::uint64_t longest() const { return longest_; }

private:
    std::vector<std::uint32_t> buckets_;
    std::uint64_t count_ = 0;
    std::uint64_t longest_ = 0;
};

struct Measures {
    DelayCounts finality_ms;
    std::uint64_t statements_received = 0; // copies that reached a machine, bundles too
    std::uint64_t statement_bytes = 0;     // of these: body, signature, and what says whose it is
    std::uint64_t blocks_made = 0;
    std::uint64_t blocks_repaired = 0;
    void add_all(const Measures& other);
};

} // namespace belfry::consensus::sim
