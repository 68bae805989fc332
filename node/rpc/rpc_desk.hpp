// SPDX-License-Identifier: Apache-2.0
#pragma once
// rpc_desk.hpp: the questions that are open at the node: who asked, and until when it may answer.
// Bounds   open_max questions; each is over after answer_ms, answered or not.
// Threads  the RPC thread's.

#include "node/rpc/backend.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <unordered_map>

namespace belfry::node {

class RpcDesk {
public:
    struct Options {
        std::size_t open_max = 4096;
        std::chrono::milliseconds answer_ms{5'000};
    };
    struct Counters {
        std::uint64_t refused_busy = 0;
        std::uint64_t timed_out = 0;
        std::uint64_t late = 0;
    };
    /// The answer; nullptr: none came in time. It is called once, never from within ask().
    using Done = std::function<void(Reply*)>;

    /// backend must outlive the desk.
    RpcDesk(const Options& options, RpcBackend& backend)
        : options_(options)
        , backend_(backend)
    {
    }

    /// False when the node takes no more at present; done is not called then. The question is
    /// moved from, but keeps its kind and its plain fields.
    [[nodiscard]] bool ask(Request& request, Done done);
    /// Hands out the answers that are there; what nobody asked for goes to events.
    void take_replies(const std::function<void(const ChainEvent&)>& events);
    /// Ends what is over.
    void expire(std::chrono::steady_clock::time_point now);
    /// Forgets everybody.
    void clear();

    [[nodiscard]] std::size_t open_count() const { return open_.size(); }
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    struct Open {
        Done done;
        std::chrono::steady_clock::time_point deadline;
    };
    void finish(RequestId id, Reply* reply);

    Options options_;
    RpcBackend& backend_;
    Counters counters_;
    RequestId next_id_ = chain_event_id + 1;
    std::unordered_map<RequestId, Open> open_;
    std::map<RequestId, std::chrono::steady_clock::time_point> deadlines_; // ids grow with time
};

} // namespace belfry::node
