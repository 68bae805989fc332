// SPDX-License-Identifier: Apache-2.0
#pragma once
// transaction_trail.hpp: what became of the newest transactions at this node, for `belfry tx why`.
// Shapes   a TrailRing holds the newest entries of one writer, oldest overwritten. What passes
//          (pooled, forwarded, packed, processed) and what is dropped have rings of their own, so
//          that a node under load remembers for longer why it dropped something; and the verify
//          tile has its own, so that a flood of bad signatures makes nobody else be forgotten.
// Rule     an entry is found by the first 16 bytes of the first signature. Before the signature is
//          verified anybody can claim it, so what the verify tile tells is a hint, and what the
//          bank tells comes first.
// Bounds   all memory is taken at the start: entry_bytes for each of the entries of a ring; a
//          search reads all of them, about 0.1 ms.
// Threads  one writer per ring, which never waits; any reader. A reader that comes in the middle
//          of a write sees that by the entry's check word and leaves the entry out.

#include "base/bytes.hpp"
#include "base/published.hpp"
#include "base/strong.hpp"
#include "exec/packer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace belfry::node {

enum class TrailStage : std::uint8_t {
    // Of one copy, which may be anybody's; the verify tile, and the pool.
    duplicate_datagram,
    bad_signature,
    duplicate_in_pool,
    // On its way.
    pooled,
    waiting_for_blockhash,
    forwarded,
    forward_link_full,
    packed,
    processed,
    // Gone from this node.
    bank_link_full,
    pool_full,
    evicted_by_fee,
    waiting_full,
    already_executed,
    payer_cannot_pay,
    blockhash_expired,
    blockhash_unknown,
    quarantined,
    count
};
[[nodiscard]] std::string_view to_string(TrailStage stage);
/// One sentence for people.
[[nodiscard]] std::string_view explanation(TrailStage stage);
/// Whether the transaction is gone from this node by it, not only a copy.
[[nodiscard]] constexpr bool is_drop(TrailStage stage)
{
    return stage >= TrailStage::bank_link_full;
}

[[nodiscard]] TrailStage trail_stage(exec::PoolEvent event);

struct TrailEvent {
    TrailStage stage = TrailStage::pooled;
    Slot slot{};              // of the block, or by the slot clock; 0: not known here
    std::uint32_t detail = 0; // forwarded: to how many leaders
    std::uint64_t time_ns = 0;
};

class TrailRing {
public:
    static constexpr std::size_t entry_bytes = 40;
    /// Precondition: entries_max > 0.
    explicit TrailRing(std::size_t entries_max)
        : entries_(entries_max)
    {
    }
    TrailRing(const TrailRing&) = delete;
    TrailRing& operator=(const TrailRing&) = delete;

    /// Writer only. Slots are kept in 32 bits, details in 24.
    void note(const Signature& signature, const TrailEvent& event) noexcept;
    /// Appends what is known of it, oldest first, the newest found_max.
    void find(const Signature& signature, std::vector<TrailEvent>& out) const;
    static constexpr std::size_t found_max = 16;

private:
    /// Two words of the signature, stage | detail | slot, time, check.
    struct Entry {
        std::array<Counter, 5> words;
    };
    static_assert(sizeof(Entry) == entry_bytes);
    [[nodiscard]] static std::uint64_t check_of(const std::array<std::uint64_t, 4>& words);

    std::vector<Entry> entries_;
    std::size_t next_ = 0; // the writer's
};

/// The rings of a tile that decides about transactions.
struct TransactionTrail {
    TrailRing passed{65'536};
    TrailRing dropped{16'384};

    void note(const Signature& signature, const TrailEvent& event) noexcept
    {
        (is_drop(event.stage) ? dropped : passed).note(signature, event);
    }
};

/// Of all rings, oldest first.
[[nodiscard]] std::vector<TrailEvent> find_trail(const Signature& signature,
                                                 std::span<const TrailRing* const> rings);
/// What method belfryTransactionTrail answers.
[[nodiscard]] std::string trail_json(std::span<const TrailEvent> events, std::uint64_t now_ns);

} // namespace belfry::node
