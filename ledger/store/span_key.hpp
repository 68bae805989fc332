// SPDX-License-Identifier: Apache-2.0
#pragma once
// span_key.hpp: the front of a key in an index of the final chain: the span of slots it belongs to.
// Why      a signature or an address says nothing of its slot. Kept by spans, what is old lies at
//          the front of the index and can be pruned, and what is written lies near the end.
// Bounds   a search looks into every span that is kept: at 1,024 slots, 98 for 100,000 slots.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "ledger/store/lmdb_transaction.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace belfry::ledger {

inline constexpr std::uint64_t index_span_slots = 1024;
inline constexpr std::size_t span_key_bytes = 8;

/// The last slot of the span that a slot belongs to.
[[nodiscard]] constexpr Slot span_end(Slot slot)
{
    return Slot{slot.value | (index_span_slots - 1)};
}

/// span_end(slot) u64 BE: the begin of its keys.
[[nodiscard]] Bytes span_key(Slot slot);

/// The end of the newest span that has records and ends below; nullopt: none.
[[nodiscard]] Result<std::optional<Slot>, StoreError> newest_span_below(LmdbCursor& cursor,
                                                                        Slot below);

/// Erases records from the front of a database whose keys begin with a slot, u64 BE, while that is
/// below; at most records_max. The number erased.
[[nodiscard]] Result<std::size_t, StoreError> erase_below(LmdbTransaction& transaction,
                                                          const LmdbDatabase& database, Slot below,
                                                          std::size_t records_max);

} // namespace belfry::ledger
