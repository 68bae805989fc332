// SPDX-License-Identifier: Apache-2.0
#include "exec/silent_chain.hpp"

#include "crypto/poh.hpp"

#include <algorithm>

namespace belfry::exec {

void SilentChain::follow(const Hash& block_id, const Hash& blockhash)
{
    if (block_id == block_id_) {
        return;
    }
    block_id_ = block_id;
    chain_ = blockhash;
    ticks_.clear();
}

bool SilentChain::advance(std::size_t ticks_wanted, std::size_t tick_count)
{
    const std::size_t end = std::min({ticks_wanted, ticks_.size() + tick_count, ticks_max});
    if (end <= ticks_.size()) {
        return false;
    }
    while (ticks_.size() < end) {
        chain_ = crypto::poh_append(chain_, hashes_per_tick_);
        ticks_.push_back(chain_);
    }
    return true;
}

std::span<const Hash> SilentChain::ticks_after(const Hash& block_id) const
{
    return block_id == block_id_ ? std::span<const Hash>(ticks_) : std::span<const Hash>();
}

} // namespace belfry::exec
