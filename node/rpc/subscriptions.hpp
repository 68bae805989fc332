// SPDX-License-Identifier: Apache-2.0
#pragma once
// subscriptions.hpp: who has subscribed to what, and what they are told. Knows no sockets.
// Rule     the chain's events say that something has changed; what it has changed to is asked of
//          the node for all subscribers of a level together, one round at a time. A signature is
//          told of once and forgotten; one that has already got its level is told at once.
// Bounds   subscriptions_max in all and per subscriber. A subscriber who does not take what it is
//          told is its connection's business (Subscriber::tell).
// Threads  the RPC thread's.

#include "node/rpc/methods.hpp"
#include "node/rpc/rpc_desk.hpp"

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace belfry::node {

class Subscriber {
public:
    virtual ~Subscriber() = default;
    /// Never calls back from within: a connection that is cut for this is forgotten later.
    virtual void tell(std::string text) = 0;
};

class Subscriptions {
public:
    struct Options {
        std::size_t subscriptions_max = 16'384;
        std::size_t per_subscriber_max = 512;
    };
    struct Counters {
        std::uint64_t made = 0;
        std::uint64_t refused_full = 0;
        std::uint64_t notifications = 0;
    };
    /// desk must outlive this object.
    Subscriptions(const Options& options, RpcDesk& desk)
        : options_(options)
        , desk_(desk)
    {
    }
    /// The result or error object that answers the call.
    [[nodiscard]] std::string answer(const Call& call, Subscriber& subscriber);
    /// The subscriber is no more.
    void forget(Subscriber& subscriber);
    void on_event(const ChainEvent& event);

    [[nodiscard]] std::size_t count() const { return all_.size(); }
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    using Id = std::uint64_t;
    struct Entry {
        Subscribe wanted;
        Subscriber* subscriber = nullptr;
        Hash last;              // account: what it was told of, or was when it subscribed
        bool has_last = false;  // account
        bool received = false;  // signature: told so
        std::size_t failed = 0; // signature: rounds without an answer
    };
    static constexpr std::size_t kinds = 5;
    static constexpr std::size_t levels = 3;

    [[nodiscard]] std::string subscribe(const Call& call, const Subscribe& wanted,
                                        Subscriber& subscriber);
    void remove(Id id);
    void tell(const Entry& entry, Id id, std::string_view method, std::string_view result);
    [[nodiscard]] std::vector<Id> of(SubscriptionKind kind, Commitment commitment) const;

    void look_at_signatures(std::vector<Id> ids, bool search_history);
    void on_statuses(const std::vector<Id>& ids, const StatusesAnswer& answer, Slot context);
    void look_at_accounts(std::vector<Id> ids, Commitment commitment);
    void on_accounts(const std::vector<Id>& ids, Reply& reply, Commitment commitment);
    void look_at_logs(const ChainEvent::Block& block, Commitment commitment);
    void on_logs(const LogsAnswer& answer, Commitment commitment);

    Options options_;
    RpcDesk& desk_;
    Counters counters_;
    std::map<Id, Entry> all_;
    std::array<std::set<Id>, kinds> by_kind_;
    std::map<Subscriber*, std::set<Id>> by_subscriber_;
    Id next_id_ = 1;
    std::size_t signature_rounds_open_ = 0;
    std::array<std::size_t, levels> account_rounds_open_{};
};

} // namespace belfry::node
