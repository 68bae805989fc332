// SPDX-License-Identifier: Apache-2.0
#pragma once
// rpc_port.hpp: RPC's way into the node: questions go to the bank tile over a link; what the tiles
// publish about themselves (health, status) is answered here at once.
// Threads  the RPC thread's.

#include "node/roster.hpp"
#include "node/rpc/backend.hpp"
#include "node/tiles/bank_tile.hpp"
#include "node/tiles/consensus_tile.hpp"
#include "node/tiles/net_tile.hpp"
#include "node/tiles/shred_tile.hpp"
#include "node/tiles/store_tile.hpp"
#include "node/tiles/verify_tile.hpp"
#include "node/topology.hpp"

#include <deque>
#include <string>
#include <vector>

namespace belfry::node {

/// Everything that can be read from any thread. All must outlive the port.
struct NodeView {
    const Roster& roster;
    const dataplane::NetPort& port;
    const NetTile& net;
    const VerifyTile& verify;
    const BankTile& bank;
    const ShredTile& shred;
    const ConsensusTile& consensus;
    const StoreTile& store;
    std::vector<NamedText> facts;
    std::uint64_t started_ns = 0;
};

[[nodiscard]] NodeStatus node_status(const NodeView& view);

class RpcPort final : public RpcBackend {
public:
    RpcPort(NodeView view, Links& links, Bells& bells)
        : view_(std::move(view))
        , links_(links)
        , bells_(bells)
    {
        bells_.rpc.announce_sleep(); // RPC waits for the bell's descriptor from the start
    }
    [[nodiscard]] bool post(RequestId id, Request request) override;
    [[nodiscard]] std::optional<Reply> poll() override;
    [[nodiscard]] int reply_event_fd() const override { return bells_.rpc.fd(); }

private:
    [[nodiscard]] ReplyBody health() const;

    NodeView view_;
    Links& links_;
    Bells& bells_;
    std::deque<Reply> answered_here_;
};

} // namespace belfry::node
