// SPDX-License-Identifier: Apache-2.0
#pragma once
// rpc_port.hpp: RPC's way into the node: questions go to the bank tile over a link; what the tiles
// publish about themselves (health, status) is answered here at once.
// Rule     a question that memory alone may not answer goes on to the history tile with what the
//          bank has said.
// Bounds   completions_max questions are remembered for that; the oldest is forgotten when the bank
//          has lost its answer.
// Threads  the RPC thread's.

#include "node/roster.hpp"
#include "node/rpc/backend.hpp"
#include "node/tiles/bank_tile.hpp"
#include "node/tiles/consensus_tile.hpp"
#include "node/tiles/history_tile.hpp"
#include "node/tiles/net_tile.hpp"
#include "node/tiles/shred_tile.hpp"
#include "node/tiles/store_tile.hpp"
#include "node/tiles/verify_tile.hpp"
#include "node/topology.hpp"

#include <deque>
#include <map>
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
    const HistoryTile& history;
    std::vector<NamedText> facts;
    std::uint64_t started_ns = 0;
};

[[nodiscard]] NodeStatus node_status(const NodeView& view);
/// processed: the slot of this node's own fork, from which lateness is counted.
[[nodiscard]] VoteAccountsAnswer vote_accounts(const Roster& roster,
                                               const ConsensusSnapshot& consensus, Slot processed,
                                               const GetVoteAccounts& question);
/// now: on the monotonic clock, as the times in the snapshots.
[[nodiscard]] ReadinessAnswer readiness_of(const Roster& roster, const ConsensusSnapshot& consensus,
                                           const BankSnapshot& bank, std::uint64_t now);

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
    static constexpr std::size_t completions_max = 8192;

    [[nodiscard]] ReplyBody health() const;
    [[nodiscard]] std::optional<ReplyBody> refusal_of(const Request& request) const;
    [[nodiscard]] ReadinessAnswer readiness() const;
    [[nodiscard]] std::optional<Reply> next();
    /// The answer when it is the last word, else nothing: it is on its way to the history tile.
    [[nodiscard]] std::optional<Reply> complete(Reply reply);

    NodeView view_;
    Links& links_;
    Bells& bells_;
    std::deque<Reply> answered_here_;
    std::map<RequestId, Request> to_complete_; // asked of the bank, ids rise
};

} // namespace belfry::node
