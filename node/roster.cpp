// SPDX-License-Identifier: Apache-2.0
#include "node/roster.hpp"

#include "base/check.hpp"

#include <stdexcept>

namespace belfry::node {

std::vector<Pubkey> Roster::keys() const
{
    std::vector<Pubkey> all;
    all.reserve(validators.size());
    for (const RosterEntry& entry : validators) {
        all.push_back(entry.key);
    }
    return all;
}

std::optional<std::uint16_t> Roster::find(const Pubkey& key) const
{
    for (std::size_t i = 0; i < validators.size(); ++i) {
        if (validators[i].key == key) {
            return static_cast<std::uint16_t>(i);
        }
    }
    return std::nullopt;
}

Roster make_roster(const ledger::Genesis& genesis, const NodeConfig& config, const Pubkey& identity)
{
    check_against_genesis(config, genesis);
    Roster roster;
    for (const ledger::GenesisValidator& validator : genesis.validators) {
        const ValidatorEntry& entry = *config.find(validator.identity);
        roster.validators.push_back({.name = validator.name,
                                     .key = validator.identity,
                                     .stake = validator.stake,
                                     .transactions = entry.transactions,
                                     .forwards = entry.forwards,
                                     .shreds = entry.shreds,
                                     .votes = entry.votes,
                                     .repair = entry.repair});
    }
    (void)own_entry(config, identity); // throws when this node's key is in no list
    const std::optional<std::uint16_t> me = roster.find(identity);
    BELFRY_CHECK(me.has_value());
    roster.me = *me;
    return roster;
}

consensus::LeaderSchedule make_leader_schedule(const ledger::Genesis& genesis)
{
    std::vector<Stake> stakes;
    stakes.reserve(genesis.validators.size());
    for (const ledger::GenesisValidator& validator : genesis.validators) {
        stakes.push_back(validator.stake);
    }
    Result<consensus::StakeTable, consensus::StakeError> table =
        consensus::StakeTable::make(stakes);
    if (!table) {
        throw std::runtime_error("genesis: the validators' stakes add up to nothing or too much");
    }
    return {ledger::genesis_hash(genesis), std::move(*table), genesis.slots_per_epoch};
}

} // namespace belfry::node
