// SPDX-License-Identifier: Apache-2.0
#include "dataplane/turbine/tree.hpp"

#include "base/check.hpp"
#include "crypto/sha256.hpp"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace belfry::dataplane {
namespace {

constexpr std::string_view tree_domain = "belfry.turbine.1";
constexpr std::size_t draw_bytes = 8;
__extension__ using Uint128 = unsigned __int128;

Hash tree_seed(const Hash& genesis, const ShredName& shred, const Pubkey& leader)
{
    Bytes bytes(tree_domain.begin(), tree_domain.end());
    ByteWriter writer(bytes);
    writer.bytes(genesis.view());
    writer.u64(shred.slot.value);
    writer.u32(shred.set_index);
    writer.u8(shred.shred_index);
    writer.bytes(leader.view());
    return crypto::sha256(bytes);
}

} // namespace

TurbineTree::TurbineTree(Options options)
    : options_(std::move(options))
{
    const std::size_t count = options_.roster.size();
    if (count == 0 || count > validators_max) {
        throw std::invalid_argument("the roster must have 1 to 1024 validators");
    }
    if (options_.fanout == 0) {
        throw std::invalid_argument("turbine fanout must be at least 1");
    }
    stake_sums_full_.assign(count + 1, 0);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t stake = options_.roster[i].stake.value;
        if (__builtin_add_overflow(stake_total_, stake, &stake_total_)) {
            throw std::invalid_argument("the roster's total stake does not fit 64 bits");
        }
        for (std::size_t node = i + 1; node <= count; node += node & (~node + 1)) {
            stake_sums_full_[node] += stake;
        }
    }
    stake_sums_ = stake_sums_full_;
    order_.reserve(count);
    keystream_.resize(count * draw_bytes);
}

std::span<const std::uint16_t> TurbineTree::order(const ShredName& shred, std::uint16_t leader)
{
    const std::size_t count = options_.roster.size();
    BELFRY_CHECK(leader < count);
    stake_sums_ = stake_sums_full_;
    std::uint64_t stake_left = stake_total_;
    const auto take = [&](std::size_t index) {
        const std::uint64_t stake = options_.roster[index].stake.value;
        for (std::size_t node = index + 1; node <= count; node += node & (~node + 1)) {
            stake_sums_[node] -= stake;
        }
        stake_left -= stake;
    };
    take(leader);

    const Hash seed = tree_seed(options_.genesis, shred, options_.roster[leader].key);
    constexpr std::array<std::uint8_t, crypto_stream_chacha20_NONCEBYTES> nonce{};
    crypto_stream_chacha20(keystream_.data(), keystream_.size(), nonce.data(), seed.bytes.data());
    ByteReader draws(keystream_);
    order_.clear();
    while (stake_left > 0) {
        // Multiply and shift: the bias is below 2^-64 of the stake, and all nodes agree on it.
        const Uint128 product = static_cast<Uint128>(draws.u64()) * stake_left;
        std::uint64_t target = static_cast<std::uint64_t>(product >> 64);
        std::size_t index = 0; // the first validator whose stake sum exceeds target
        for (std::size_t step = std::bit_floor(count); step > 0; step /= 2) {
            if (index + step <= count && stake_sums_[index + step] <= target) {
                index += step;
                target -= stake_sums_[index];
            }
        }
        BELFRY_CHECK(index < count);
        order_.push_back(static_cast<std::uint16_t>(index));
        take(index);
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (options_.roster[i].stake.value == 0 && i != leader) {
            order_.push_back(static_cast<std::uint16_t>(i));
        }
    }
    return order_;
}

std::optional<std::uint16_t> TurbineTree::first(const ShredName& shred, std::uint16_t leader)
{
    const std::span<const std::uint16_t> positions = order(shred, leader);
    return positions.empty() ? std::nullopt : std::optional{positions.front()};
}

std::span<const std::uint16_t> TurbineTree::children_of(std::uint16_t me, const ShredName& shred,
                                                        std::uint16_t leader)
{
    if (me == leader) {
        return {};
    }
    const std::span<const std::uint16_t> positions = order(shred, leader);
    const auto mine = std::ranges::find(positions, me);
    BELFRY_CHECK(mine != positions.end());
    const auto position = static_cast<std::size_t>(mine - positions.begin());
    if (position >= positions.size() / options_.fanout + 1) {
        return {};
    }
    const std::size_t begin = std::min(position * options_.fanout + 1, positions.size());
    return positions.subspan(begin, std::min(options_.fanout, positions.size() - begin));
}

} // namespace belfry::dataplane
