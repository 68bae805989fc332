// SPDX-License-Identifier: Apache-2.0
#pragma once
// topology.hpp: the one table of tiles and links of a node. Read it first.
// Rule     a tile is one thread that owns its state; a link has one tile at each end. When a link
// is
//          full: `drop` loses the message and counts it (what came from the network can come
//          again), `wait` holds the sender until there is room (nothing may be lost, and the
//          receiver never waits for this sender).
//
//   link                 depth   full  carries
//   net -> verify         4096   drop  datagrams of the transaction lanes
//   net -> shred          4096   drop  shreds, answers to repair
//   net -> store           512   drop  requests for repair
//   net -> consensus      4096   drop  votes
//   verify -> bank        4096   drop  transactions with good signatures
//   bank -> net           2048   drop  forwarded transactions
//   bank -> shred          256   wait  the own block's stream
//   bank -> consensus     4096   wait  replayed blocks
//   bank -> store         1024   wait  blocks, final chain, accounts
//   bank -> rpc           4096   drop  answers
//   shred -> net          4096   drop  shreds, requests for repair
//   shred -> bank          512   wait  complete blocks, ids of own ones
//   shred -> store        4096   wait  sets
//   shred -> consensus     256   drop  first shreds of slots, proofs of two versions
//   store -> consensus    4096   wait  blocks that are durable
//   store -> net          2048   drop  answers to repair
//   consensus -> net      2048   drop  votes
//   consensus -> store     256   drop  certificates and evidence, to be kept
//   consensus -> bank     4096   wait  when to build, levels
//   consensus -> shred    4096   wait  positions, blocks wanted
//   rpc -> bank           4096   drop  questions (RPC answers "node is busy")
//   rpc -> history        1024   drop  what the bank has not answered to the end
//   history -> rpc        1024   drop  answers
//
// No circle of `wait` links can close: shred never waits for bank (it keeps complete blocks in an
// own bounded queue until there is room), and bank, store and consensus drain all their inputs
// before they wait.

#include "base/published.hpp"
#include "dataplane/link/spsc_ring.hpp"
#include "node/messages.hpp"

#include <cstddef>
#include <string_view>

namespace belfry::node {

enum class TileName : std::uint8_t { net, verify, bank, shred, consensus, store, history };
inline constexpr std::size_t tile_count = 7;
[[nodiscard]] std::string_view to_string(TileName tile);

/// The bells, one per tile; net's lives in its NetPort.
struct Bells {
    dataplane::Doorbell verify;
    dataplane::Doorbell bank;
    dataplane::Doorbell shred;
    dataplane::Doorbell consensus;
    dataplane::Doorbell store;
    dataplane::Doorbell history;
    dataplane::Doorbell rpc;
};

template <class T>
using Link = dataplane::SpscRing<T>;

struct Links {
    Links(Bells& bells, dataplane::Doorbell& net_bell);

    Link<Packet> net_verify;
    Link<Packet> net_shred;
    Link<Packet> net_store;
    Link<Packet> net_consensus;
    Link<AdmittedTransaction> verify_bank;
    Link<Packet> bank_net;
    Link<OwnStream> bank_shred;
    Link<ReplayedBlock> bank_consensus;
    Link<BankToStore> bank_store;
    Link<Reply> bank_rpc;
    Link<Packet> shred_net;
    Link<ShredToBank> shred_bank;
    Link<StoreSet> shred_store;
    Link<ShredToConsensus> shred_consensus;
    Link<DurableBlock> store_consensus;
    Link<Packet> store_net;
    Link<Packet> consensus_net;
    Link<StoreProof> consensus_store;
    Link<ConsensusToBank> consensus_bank;
    Link<ConsensusToShred> consensus_shred;
    Link<RpcQuestion> rpc_bank;
    Link<HistoryQuestion> rpc_history;
    Link<Reply> history_rpc;
};

} // namespace belfry::node
