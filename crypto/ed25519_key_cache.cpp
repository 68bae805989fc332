// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519_key_cache.hpp"

#include <cstring>

namespace belfry::crypto {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t fold_product(std::uint64_t a, std::uint64_t b)
{
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint32_t tag_of(std::uint64_t hash)
{
    return static_cast<std::uint32_t>(hash) | 1U;
}

} // namespace

std::uint64_t KeyedKeyHash::operator()(const Pubkey& key) const
{
    std::array<std::uint64_t, 4> word{};
    std::memcpy(word.data(), key.bytes.data(), 32);
    const std::uint64_t low = fold_product(word[0] ^ secret[0], word[1] ^ secret[1]);
    const std::uint64_t high = fold_product(word[2] ^ secret[2], word[3] ^ secret[3]);
    return fold_product(low ^ secret[3], high ^ secret[0] ^ (low << 1));
}

Ed25519KeyCache::Ed25519KeyCache(std::size_t bytes_max, const KeyedKeyHash& hash)
    : set_count_(bytes_max / sizeof(Set))
    , turn_(hash.secret[1])
    , sets_(set_count_)
{
}

std::size_t Ed25519KeyCache::set_of(std::uint64_t hash) const
{
    return static_cast<std::size_t>((Wide{hash} * set_count_) >> 64);
}

void Ed25519KeyCache::prefetch(std::uint64_t hash) const
{
    if (enabled()) {
        const Set& set = sets_[set_of(hash)];
        __builtin_prefetch(set.tags.data());
    }
}

const Ed25519Row* Ed25519KeyCache::find(const Pubkey& key, std::uint64_t hash) const
{
    if (!enabled()) {
        return nullptr;
    }
    const Set& set = sets_[set_of(hash)];
    for (std::size_t way = 0; way < ways_count; ++way) {
        if (set.tags[way] == tag_of(hash) && set.keys[way] == key) {
            return &set.rows[way];
        }
    }
    return nullptr;
}

void Ed25519KeyCache::insert(const Pubkey& key, std::uint64_t hash, const Ed25519Row& row)
{
    if (!enabled()) {
        return;
    }
    Set& set = sets_[set_of(hash)];
    std::size_t way = 0;
    while (way < ways_count && set.tags[way] != 0) {
        if (set.tags[way] == tag_of(hash) && set.keys[way] == key) {
            return;
        }
        ++way;
    }
    if (way == ways_count) {
        turn_ = turn_ * 6364136223846793005 + 1442695040888963407;
        way = static_cast<std::size_t>(turn_ >> 61);
    }
    set.tags[way] = tag_of(hash);
    set.keys[way] = key;
    set.rows[way] = row;
}

} // namespace belfry::crypto
