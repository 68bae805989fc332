// SPDX-License-Identifier: Apache-2.0
#pragma once
// roster.hpp: the validators in the order of genesis, with everything the tiles ask of them.
// Shapes   an index is the place in genesis; me is this node's own.
// Errors   std::runtime_error when the configuration does not fit genesis.

#include "base/bytes.hpp"
#include "base/strong.hpp"
#include "consensus/leader_schedule.hpp"
#include "dataplane/net/endpoint.hpp"
#include "ledger/model/genesis.hpp"
#include "node/config.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace belfry::node {

struct RosterEntry {
    std::string name;
    Pubkey key;
    Stake stake;
    dataplane::Endpoint transactions;
    dataplane::Endpoint forwards;
    dataplane::Endpoint shreds;
    dataplane::Endpoint votes;
    dataplane::Endpoint repair;
};

struct Roster {
    std::vector<RosterEntry> validators;
    std::uint16_t me = 0;

    [[nodiscard]] std::vector<Pubkey> keys() const;
    /// nullopt for a key that is not in it.
    [[nodiscard]] std::optional<std::uint16_t> find(const Pubkey& key) const;
};

[[nodiscard]] Roster make_roster(const ledger::Genesis& genesis, const NodeConfig& config,
                                 const Pubkey& identity);

/// A schedule of its own for each tile that asks, because it caches.
[[nodiscard]] consensus::LeaderSchedule make_leader_schedule(const ledger::Genesis& genesis);

} // namespace belfry::node
