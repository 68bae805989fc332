// SPDX-License-Identifier: Apache-2.0
#include "node/topology.hpp"

namespace belfry::node {

std::string_view to_string(TileName tile)
{
    switch (tile) {
    case TileName::net:
        return "net";
    case TileName::verify:
        return "verify";
    case TileName::bank:
        return "bank";
    case TileName::shred:
        return "shred";
    case TileName::consensus:
        return "consensus";
    case TileName::store:
        return "store";
    case TileName::history:
        return "history";
    }
    return "?";
}

Links::Links(Bells& bells, dataplane::Doorbell& net_bell)
    : net_verify(4096, &bells.verify)
    , net_shred(4096, &bells.shred)
    , net_store(512, &bells.store)
    , net_consensus(4096, &bells.consensus)
    , verify_bank(4096, &bells.bank)
    , bank_net(2048, &net_bell)
    , bank_shred(256, &bells.shred)
    , bank_consensus(4096, &bells.consensus)
    , bank_store(1024, &bells.store)
    , bank_rpc(4096, &bells.rpc)
    , shred_net(4096, &net_bell)
    , shred_bank(512, &bells.bank)
    , shred_store(4096, &bells.store)
    , shred_consensus(256, &bells.consensus)
    , store_consensus(4096, &bells.consensus)
    , store_net(2048, &net_bell)
    , consensus_net(2048, &net_bell)
    , consensus_store(256, &bells.store)
    , consensus_bank(4096, &bells.bank)
    , consensus_shred(4096, &bells.shred)
    , rpc_bank(4096, &bells.bank)
    , rpc_history(1024, &bells.history)
    , history_rpc(1024, &bells.rpc)
{
}

} // namespace belfry::node
