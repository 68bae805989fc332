// SPDX-License-Identifier: Apache-2.0
#pragma once
// storage_failure.hpp: a start that ends because the disk fails or is full, not because of what is
// on it: the same directory serves again once there is space, or another disk under it.

#include "ledger/store/store_error.hpp"

#include <stdexcept>

namespace belfry::ledger {

class StorageFailure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The disk is at fault, or too small; nothing is said against what is on it.
[[nodiscard]] constexpr bool is_of_disk(StoreError error)
{
    return error == StoreError::disk_full || error == StoreError::io;
}

} // namespace belfry::ledger
