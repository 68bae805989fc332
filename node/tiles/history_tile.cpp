// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/history_tile.hpp"

#include <algorithm>
#include <utility>

namespace belfry::node {
namespace {

constexpr std::size_t history_questions_per_turn = 4;
constexpr std::size_t waiting_max = 256;
constexpr std::uint64_t wait_max_ns = 2'000'000'000;
constexpr std::uint64_t retry_ns = 20'000'000;
constexpr std::uint64_t follow_ns = 250'000'000;

} // namespace

HistoryTile::HistoryTile(Options options, const ledger::LmdbEnv& env, Links& links)
    : index_env_({.directory = options.index_directory,
                  .genesis_hash = env.genesis_hash(),
                  .map_bytes = options.index_map_bytes})
    , index_(index_env_)
    , follower_(env, index_)
    , queries_(std::move(options.queries), env, &index_)
    , links_(links)
{
}

std::chrono::nanoseconds HistoryTile::sleep_max() const
{
    return std::chrono::nanoseconds(waiting_.empty() ? follow_ns : retry_ns);
}

bool HistoryTile::work(std::uint64_t now_ns)
{
    bool busy =
        links_.rpc_history.drain(history_questions_per_turn, [&](HistoryQuestion& question) {
            ++counts_.questions;
            answer(std::move(question), now_ns + wait_max_ns);
        }) > 0;
    if (!waiting_.empty() && now_ns - retried_ns_ >= retry_ns) {
        retried_ns_ = now_ns;
        std::deque<Waiting> again = std::move(waiting_);
        waiting_.clear();
        for (Waiting& waiting : again) {
            ++counts_.retries;
            answer(std::move(waiting.question), waiting.until_ns);
        }
    }
    if (!waiting_.empty()) {
        followed_ns_ = 0; // one of them may wait for the index
    }
    if (busy) {
        counts_.answer_us_max = std::max(counts_.answer_us_max, (monotonic_ns() - now_ns) / 1000);
    }
    busy = follow(now_ns) || busy;
    if (busy) {
        published_.publish(counts_);
    }
    return busy;
}

void HistoryTile::answer(HistoryQuestion question, std::uint64_t until_ns)
{
    if (std::optional<Reply> reply = queries_.complete(question)) {
        send(std::move(*reply));
        return;
    }
    if (waiting_.size() < waiting_max && monotonic_ns() < until_ns) {
        waiting_.push_back({std::move(question), until_ns});
        return;
    }
    ++counts_.given_up;
    send(not_on_disk(std::move(question)));
}

void HistoryTile::send(Reply reply)
{
    if (!links_.history_rpc.push(std::move(reply))) {
        ++counts_.link_full; // RPC answers with a timeout
    }
}

bool HistoryTile::follow(std::uint64_t now_ns)
{
    if (now_ns - followed_ns_ < follow_ns) {
        return false;
    }
    const bool moved = follower_.step();
    followed_ns_ = moved && follower_.has_more() ? 0 : now_ns;
    counts_.indexed = follower_.up_to();
    counts_.index_failed = follower_.failed() ? 1 : 0;
    counts_.index_us_max = std::max(counts_.index_us_max, (monotonic_ns() - now_ns) / 1000);
    return moved;
}

} // namespace belfry::node
