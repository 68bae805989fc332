// SPDX-License-Identifier: Apache-2.0
#pragma once
// cluster_monitor.hpp: watches the validators of a running cluster through their RPC.
// Rule     `finalized` of a validator stands still for the time between two of its changes; the
//          longest such time of those that were never killed is kept.
// Threads  one owner.

#include "node/config.hpp"
#include "node/demo/finality_watch.hpp"
#include "node/rpc/rpc_client.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace belfry::node {

struct ValidatorView {
    bool reachable = false;
    Slot processed;
    Slot confirmed;
    Slot finalized;
    Slot root;
    Slot super_root;
    std::optional<Slot> last_vote; // of its own
    boost::json::object status;    // belfryStatus, whole
};

class ClusterMonitor {
public:
    using Clock = std::chrono::steady_clock;
    explicit ClusterMonitor(const std::vector<ValidatorEntry>& validators);

    /// Asks every validator once. down: the one that is expected not to answer.
    void poll(std::optional<std::size_t> down);
    [[nodiscard]] const ValidatorView& view(std::size_t validator) const
    {
        return views_[validator];
    }
    [[nodiscard]] std::size_t count() const { return views_.size(); }
    [[nodiscard]] RpcClient& client(std::size_t validator) { return clients_[validator]; }

    /// Forgets that a validator stood still: it was killed, or the watch begins now.
    void restart_watch(std::size_t validator);
    [[nodiscard]] std::chrono::milliseconds longest_stand(std::size_t validator) const
    {
        return watches_[validator].longest;
    }
    /// Milliseconds per slot between the first and the newest change of the processed slot of
    /// validator 0; nullopt before there were two.
    [[nodiscard]] std::optional<double> mean_slot_ms() const;
    /// As validator 0 tells it.
    [[nodiscard]] const FinalityWatch& finality() const { return finality_; }
    [[nodiscard]] Slot highest_processed() const;
    [[nodiscard]] Slot lowest_finalized() const;

private:
    struct Watch {
        Slot finalized;
        Clock::time_point since{};
        std::chrono::milliseconds longest{0};
        bool started = false;
    };
    struct SlotSeen {
        Slot slot;
        Clock::time_point when;
    };
    void poll_one(std::size_t validator);
    void note_slot(Slot processed, Clock::time_point now);

    std::vector<RpcClient> clients_;
    std::vector<ValidatorView> views_;
    std::vector<Watch> watches_;
    FinalityWatch finality_;
    std::optional<SlotSeen> first_slot_;
    std::optional<SlotSeen> newest_slot_;
};

} // namespace belfry::node
