// SPDX-License-Identifier: Apache-2.0
#pragma once
// chain_pace.hpp: whether this machine hashes a cluster's proof of history faster than slots pass.
// Rule     a chain that takes longer than the slot leaves its validator further behind with every
//          slot; each skipped slot makes the next block's chain longer. Such a node refuses to
//          start. Above chain_share_high it says that little is left for the blocks themselves.

#include "ledger/model/genesis.hpp"

#include <string>

namespace belfry::node {

constexpr double chain_share_high = 0.25;

struct ChainPace {
    double hashes_per_second; // of one thread
    double share;             // of a slot that its chain takes
};

/// Hashes one thread of this machine does in a second, by its own CPU time, which the load of other
/// processes does not count in. Takes about 5 ms.
[[nodiscard]] double measure_chain_hashes_per_second();

[[nodiscard]] ChainPace chain_pace(const ledger::Genesis& genesis, double hashes_per_second);
/// What was measured, and what to do if it is too little.
[[nodiscard]] std::string in_words(const ChainPace& pace);
/// Throws std::runtime_error when a slot's chain takes the whole slot or more.
void require_chain_pace(const ChainPace& pace);

} // namespace belfry::node
