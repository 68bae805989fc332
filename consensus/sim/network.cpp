// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/network.hpp"

#include "base/check.hpp"
#include "consensus/sim/regions.hpp"

#include <algorithm>
#include <bit>

namespace belfry::consensus::sim {

namespace {

constexpr std::uint8_t cut_bits = 3;

/// An exponential of that mean, in integers: 2^-k falls on each whole half-life, and between two of
/// them a straight line stands for the curve. Half-life is 693/1000 of the mean.
std::uint64_t long_tail(std::uint64_t mean, Random& random)
{
    const std::uint64_t draw = random.next();
    const auto halvings = static_cast<std::uint64_t>(std::countr_zero(draw | (1ULL << 12)));
    const std::uint64_t between = draw >> 48; // of 2^16
    return (mean * 693 * (halvings * 65'536 + between)) / (std::uint64_t{1000} * 65'536);
}

} // namespace

Network::Network(std::size_t machine_count, const NetworkOptions& options)
    : count_(machine_count)
    , options_(options)
    , flags_(machine_count * machine_count)
{
}

std::uint64_t Network::delay(const Link& link, Random& random) const
{
    std::uint64_t base = 0;
    if (options_.regions) {
        const std::uint64_t median = one_way_ms(link.from % region_count, link.to % region_count);
        base = random.between(median - median / 16, median + median / 16 + 1);
    } else {
        base = random.between(options_.delay_ms.low, options_.delay_ms.high);
    }
    return options_.tail_ms == 0 ? base : base + long_tail(options_.tail_ms, random);
}

Network::Fate Network::send(const Link& link, Payload payload, std::uint64_t now, Random& random)
{
    Fate fate;
    const std::uint8_t flags = flags_[place(link)];
    if ((flags & cut_bit(payload)) != 0) {
        return fate;
    }
    fate.held = (flags & hold_bit(payload)) != 0;
    const std::uint64_t duplicates = options_.duplicate_percent;
    const unsigned sent = duplicates != 0 && random.chance(duplicates) ? 2 : 1;
    for (unsigned copy = 0; copy < sent; ++copy) {
        if (options_.loss_percent != 0 && random.chance(options_.loss_percent)) {
            continue;
        }
        std::uint64_t in_ms = delay(link, random);
        if (!clogged_to_.empty() && clogged_to_[place(link)] > now) {
            in_ms += clogged_to_[place(link)] - now;
        }
        fate.in_ms[fate.copies] = in_ms;
        ++fate.copies;
    }
    return fate;
}

void Network::set(const Link& link, std::uint8_t bit, bool yes)
{
    BELFRY_CHECK(link.from < count_ && link.to < count_);
    std::uint8_t& flags = flags_[place(link)];
    flags = static_cast<std::uint8_t>(yes ? flags | bit : flags & ~bit);
}

void Network::cut(const Link& link, Payload payload, bool yes)
{
    set(link, cut_bit(payload), yes);
}

void Network::hold(const Link& link, Payload payload, bool yes)
{
    set(link, hold_bit(payload), yes);
}

void Network::split(std::span<const unsigned> groups)
{
    BELFRY_CHECK(groups.size() == count_);
    for (std::size_t from = 0; from < count_; ++from) {
        for (std::size_t to = 0; to < count_; ++to) {
            set({.from = from, .to = to}, cut_bits, groups[from] != groups[to]);
        }
    }
}

void Network::heal()
{
    for (std::uint8_t& flags : flags_) {
        flags = static_cast<std::uint8_t>(flags & ~cut_bits);
    }
    std::ranges::fill(clogged_to_, 0);
}

void Network::heal_among(const std::vector<bool>& marked)
{
    BELFRY_CHECK(marked.size() == count_);
    for (std::size_t from = 0; from < count_; ++from) {
        for (std::size_t to = 0; to < count_; ++to) {
            const Link link{.from = from, .to = to};
            if (marked[from] && marked[to]) {
                set(link, cut_bits, false);
                if (!clogged_to_.empty()) {
                    clogged_to_[place(link)] = 0;
                }
            }
        }
    }
}

void Network::clog(const Link& link, std::uint64_t until)
{
    clogged_to_.resize(count_ * count_);
    clogged_to_[place(link)] = until;
}

} // namespace belfry::consensus::sim
