// SPDX-License-Identifier: Apache-2.0
#pragma once
// store_error.hpp: what can go wrong under the ledger once the node runs.
// Rule     after disk_full or io on a write the environment is failed: every later write gives the
//          same error. Stop voting, stop the node, let the start read what is durable. Never retry.

#include <cstdint>
#include <string_view>

namespace belfry::ledger {

enum class StoreError : std::uint8_t {
    corrupt_record, // checksum, shape or the database's own structure
    disk_full,      // the file system or the map is full
    io,             // the system refused a read or write
    wrong_shape,    // the caller's record breaks a bound: nothing was written
};
inline constexpr std::size_t store_error_count = 4;
[[nodiscard]] std::string_view to_string(StoreError error);

} // namespace belfry::ledger
