// SPDX-License-Identifier: Apache-2.0
#pragma once
// hard_fork.hpp: what a validator forgets when all have agreed to go on from an earlier slot.
// Rule     nothing final is ever forgotten, and the same declaration works once: what was built
//          after it stays at every later start that still names it.
// Errors   StoreError; wrong_shape: a block above the slot is final, nothing was changed.
//          So is a slot for which a certificate is kept: only those of final slots are.
// Threads  start-up only, before anything else reads or writes the environment.

#include "base/result.hpp"
#include "base/strong.hpp"
#include "ledger/store/env.hpp"

#include <cstddef>
#include <cstdint>

namespace belfry::ledger {

/// Removes every set and block of a slot above the named one, in one durable transaction; evidence
/// stays. How many records; 0 when this slot was the last declared. Proofs of a kind below
/// certificate_kinds_end are certificates.
[[nodiscard]] Result<std::size_t, StoreError> declare_hard_fork(LmdbEnv& env, Slot slot,
                                                                std::uint8_t certificate_kinds_end);

} // namespace belfry::ledger
