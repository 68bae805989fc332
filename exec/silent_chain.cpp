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

SilentChains::SilentChains(std::uint64_t hashes_per_tick)
    : places_(chains_max, Place{.block_id = {}, .chain = SilentChain(hashes_per_tick)})
{
}

void SilentChains::follow(const Hash& block_id, const Hash& blockhash)
{
    auto place = std::ranges::find(places_, block_id, &Place::block_id);
    if (place == places_.end()) {
        place = places_.end() - 1;
    }
    std::rotate(places_.begin(), place, place + 1);
    places_.front().block_id = block_id;
    places_.front().chain.follow(block_id, blockhash);
}

bool SilentChains::advance(const Hash& block_id, std::size_t ticks_wanted, std::size_t tick_count)
{
    const auto place = std::ranges::find(places_, block_id, &Place::block_id);
    return place != places_.end() && place->chain.advance(ticks_wanted, tick_count);
}

std::span<const Hash> SilentChains::ticks_after(const Hash& block_id) const
{
    const auto place = std::ranges::find(places_, block_id, &Place::block_id);
    return place != places_.end() ? place->chain.ticks_after(block_id) : std::span<const Hash>();
}

std::array<Hash, SilentChains::chains_max> SilentChains::followed() const
{
    std::array<Hash, chains_max> all;
    std::ranges::transform(places_, all.begin(), &Place::block_id);
    return all;
}

} // namespace belfry::exec
