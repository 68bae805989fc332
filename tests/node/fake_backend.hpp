// SPDX-License-Identifier: Apache-2.0
#pragma once
// fake_backend.hpp: a node behind the RPC port that lives in memory: three blocks at three levels
// with different slots, heights, balances and blockhashes, so that an answer shows where it is
// from. Threads  as RpcBackend; the switches are set before the server runs.

#include "node/rpc/backend.hpp"
#include "node/rpc/methods.hpp"
#include "tests/filled.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <deque>
#include <mutex>
#include <stdexcept>

namespace belfry::node {

class FakeBackend final : public RpcBackend {
public:
    FakeBackend()
        : event_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
    {
        if (event_fd_ < 0) {
            throw std::runtime_error("eventfd");
        }
    }
    ~FakeBackend() override { ::close(event_fd_); }
    FakeBackend(const FakeBackend&) = delete;
    FakeBackend& operator=(const FakeBackend&) = delete;

    bool full = false;                      // post() refuses
    bool silent = false;                    // takes questions and never answers
    bool forgetful = false;                 // keeps no `asked`
    std::optional<ReplyBody> forced;        // the answer to everything
    exec::TransactionError sent_error;      // how a transaction that was sent ends
    std::string trail = R"({"events":[]})"; // what this node did with any transaction
    std::vector<Request> asked;

    [[nodiscard]] bool post(RequestId id, Request request) override
    {
        if (full) {
            return false;
        }
        if (!forgetful) {
            asked.push_back(request);
        }
        if (!silent) {
            add(answer(id, request));
        }
        return true;
    }
    [[nodiscard]] std::optional<Reply> poll() override
    {
        const std::scoped_lock lock(mutex_);
        if (replies_.empty()) {
            return std::nullopt;
        }
        Reply reply = std::move(replies_.front());
        replies_.pop_front();
        return reply;
    }
    [[nodiscard]] int reply_event_fd() const override { return event_fd_; }

    /// From any thread: what the node tells without being asked.
    void tell(ChainEvent event)
    {
        const Slot root = event.root;
        add(Reply{.id = chain_event_id, .context = root, .body = std::move(event)});
    }

    /// 300 processed, 200 confirmed, 100 finalized.
    [[nodiscard]] static std::uint64_t slot_of(Commitment commitment)
    {
        return 300 - 100 * static_cast<std::uint64_t>(commitment);
    }
    [[nodiscard]] Reply answer(RequestId id, const Request& request);

private:
    void add(Reply reply)
    {
        {
            const std::scoped_lock lock(mutex_);
            replies_.push_back(std::move(reply));
        }
        const std::uint64_t one = 1;
        if (::write(event_fd_, &one, sizeof(one)) != sizeof(one)) {
            throw std::runtime_error("eventfd");
        }
    }
    /// A transaction that was sent is unknown at first, then rises a level with each look.
    [[nodiscard]] std::optional<SignatureStatus> look_at_sent();

    std::optional<Signature> sent_;
    std::uint64_t look_count_ = 0;
    int event_fd_;
    std::mutex mutex_;
    std::deque<Reply> replies_;
};

/// The facts of the fake node: genesis hash of 1s, identity of 2s.
[[nodiscard]] inline NodeFacts fake_facts()
{
    return NodeFacts{filled<Hash>(1), filled<Pubkey>(2), 10'000, {}};
}

} // namespace belfry::node
