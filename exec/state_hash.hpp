// SPDX-License-Identifier: Apache-2.0
#pragma once
// state_hash.hpp: the hash that a block commits to: of the whole account set after it, chained with
//          its parent's.
// Rule     an element is the account's one encoding (ledger/model/account.hpp); accounts of zero
//          lamports are no elements. State hash = SHA-256("belfry.state.1" | parent state hash |
//          2,048 bytes of LtHash); genesis has the genesis hash for its parent's.
// Threads  one owner; the arena's workers sum parts, which commute.

#include "base/bytes.hpp"
#include "crypto/lthash.hpp"
#include "exec/account_table.hpp"
#include "exec/arena.hpp"
#include "exec/state_delta.hpp"

namespace belfry::exec {

[[nodiscard]] Hash chain_state_hash(const Hash& parent_state_hash, const crypto::LtHash& lattice);

/// lattice: of the account set before; becomes that after the changes.
void apply_to_lattice(crypto::LtHash& lattice, const StateDelta& delta, Arena& arena);

/// From nothing, over all accounts.
[[nodiscard]] crypto::LtHash lattice_of(const AccountTable& accounts, Arena& arena);

} // namespace belfry::exec
