// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/history_tile.hpp"

#include <algorithm>
#include <utility>

namespace belfry::node {
namespace {

constexpr std::size_t questions_per_turn = 16;

} // namespace

HistoryTile::HistoryTile(const ledger::LmdbEnv& env, Links& links)
    : queries_(env)
    , links_(links)
{
}

bool HistoryTile::work(std::uint64_t now_ns)
{
    const bool busy =
        links_.rpc_history.drain(questions_per_turn, [this](HistoryQuestion& question) {
            ++counts_.questions;
            if (!links_.history_rpc.push(queries_.complete(std::move(question)))) {
                ++counts_.link_full; // RPC answers with a timeout
            }
        }) > 0;
    if (busy) {
        counts_.answer_us_max = std::max(counts_.answer_us_max, (monotonic_ns() - now_ns) / 1000);
        published_.publish(counts_);
    }
    return busy;
}

} // namespace belfry::node
