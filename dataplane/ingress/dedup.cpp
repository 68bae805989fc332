// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ingress/dedup.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

namespace belfry::dataplane {
namespace {

constexpr unsigned generation_bits = 16;

std::array<std::uint64_t, 2> draw_seed()
{
    std::random_device device;
    const auto word = [&device] {
        return (std::uint64_t{device()} << 32) | device();
    };
    const std::uint64_t first = word();
    return {first, word()};
}

/// Both halves of the product, folded: every bit of both factors reaches every bit.
std::uint64_t fold(std::uint64_t a, std::uint64_t b)
{
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

} // namespace

DuplicateFilter::DuplicateFilter()
    : DuplicateFilter(Options{})
{
}

DuplicateFilter::DuplicateFilter(const Options& options)
    : lines_(std::bit_ceil(std::max<std::size_t>(options.entries_max / ways, 1)))
    , seed_(options.seed == std::array<std::uint64_t, 2>{} ? draw_seed() : options.seed)
    , generations_kept_(options.generations_kept)
{
    BELFRY_CHECK(generations_kept_ > 0);
}

DuplicateFilter::Place DuplicateFilter::place_of(const Hash& message_hash) const noexcept
{
    std::array<std::uint64_t, 4> words{};
    std::memcpy(words.data(), message_hash.bytes.data(), sizeof(words));
    const std::uint64_t low = fold(words[0] ^ seed_[0], words[1] ^ seed_[1]);
    const std::uint64_t high = fold(words[2] ^ seed_[1], words[3] ^ std::rotl(seed_[0], 17));
    const std::uint64_t mixed = fold(low ^ seed_[1], high ^ 0x9e3779b97f4a7c15U);
    const std::uint64_t fingerprint = (low + std::rotl(high, 32)) << generation_bits;
    constexpr std::uint64_t never_empty = std::uint64_t{1} << generation_bits;
    return {.line = static_cast<std::size_t>(mixed) & (lines_.size() - 1),
            .fingerprint = fingerprint | (fingerprint == 0 ? never_empty : 0)};
}

bool DuplicateFilter::is_live(std::uint64_t entry) const noexcept
{
    const auto age = static_cast<std::uint16_t>(generation_ - static_cast<std::uint16_t>(entry));
    return age < generations_kept_;
}

bool DuplicateFilter::seen(const Hash& message_hash) const noexcept
{
    const Place place = place_of(message_hash);
    for (const std::uint64_t entry : lines_[place.line].entries) {
        if ((entry >> generation_bits) == (place.fingerprint >> generation_bits)) {
            return is_live(entry);
        }
    }
    return false;
}

void DuplicateFilter::fill(const Hash& message_hash) noexcept
{
    const Place place = place_of(message_hash);
    std::array<std::uint64_t, ways>& entries = lines_[place.line].entries;
    // Newest first: the message's own earlier entry, or else the oldest, makes room.
    const auto own = std::ranges::find(entries, place.fingerprint >> generation_bits,
                                       [](std::uint64_t e) { return e >> generation_bits; });
    const auto last = own == entries.end() ? entries.end() - 1 : own;
    std::move_backward(entries.begin(), last, last + 1);
    entries[0] = place.fingerprint | generation_;
}

void DuplicateFilter::next_generation() noexcept
{
    ++generation_;
}

std::size_t DuplicateFilter::memory_bytes() const noexcept
{
    return lines_.size() * sizeof(Line);
}

} // namespace belfry::dataplane
