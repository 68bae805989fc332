// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/rpc_desk.hpp"

#include <utility>

namespace belfry::node {

bool RpcDesk::ask(Request& request, Done done)
{
    const RequestId id = next_id_++;
    if (open_.size() >= options_.open_max || !backend_.post(id, std::move(request))) {
        ++counters_.refused_busy;
        return false;
    }
    const auto deadline = std::chrono::steady_clock::now() + options_.answer_ms;
    open_.emplace(id, Open{std::move(done), deadline});
    deadlines_.emplace(id, deadline);
    return true;
}

void RpcDesk::finish(RequestId id, Reply* reply)
{
    const auto found = open_.find(id);
    if (found == open_.end()) {
        ++counters_.late;
        return;
    }
    const Open open = std::move(found->second);
    open_.erase(found);
    deadlines_.erase(id);
    open.done(reply);
}

void RpcDesk::take_replies(const std::function<void(const ChainEvent&)>& events)
{
    while (std::optional<Reply> reply = backend_.poll()) {
        if (const auto* const event = std::get_if<ChainEvent>(&reply->body)) {
            events(*event);
        } else {
            finish(reply->id, &*reply);
        }
    }
}

void RpcDesk::expire(std::chrono::steady_clock::time_point now)
{
    while (!deadlines_.empty() && deadlines_.begin()->second <= now) {
        ++counters_.timed_out;
        finish(deadlines_.begin()->first, nullptr);
    }
}

void RpcDesk::clear()
{
    open_.clear();
    deadlines_.clear();
}

} // namespace belfry::node
