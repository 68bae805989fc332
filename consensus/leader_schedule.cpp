// SPDX-License-Identifier: Apache-2.0
#include "consensus/leader_schedule.hpp"

#include "base/check.hpp"

#include <sodium.h>

#include <algorithm>
#include <utility>

namespace belfry::consensus {

namespace {

__extension__ using Int128 = __int128;

/// The ChaCha20 key stream of (genesis hash, epoch), eight bytes at a time.
class ShuffleStream {
public:
    explicit ShuffleStream(const ScheduleSeed& seed)
        : key_(seed.genesis_hash)
    {
        for (std::size_t i = 0; i < nonce_.size(); ++i) {
            nonce_[i] = static_cast<std::uint8_t>(seed.epoch.value >> (8 * i));
        }
    }
    /// Uniform in [0, bound): draws above the largest multiple of bound are thrown away.
    std::uint64_t below(std::uint64_t bound)
    {
        BELFRY_CHECK(bound != 0);
        const std::uint64_t limit = UINT64_MAX - (UINT64_MAX % bound + 1) % bound;
        std::uint64_t draw = next();
        while (draw > limit) {
            draw = next();
        }
        return draw % bound;
    }

private:
    static constexpr std::size_t block_bytes = 64;

    std::uint64_t next()
    {
        if (used_ == block_bytes) {
            block_.fill(0);
            const int done =
                crypto_stream_chacha20_xor_ic(block_.data(), block_.data(), block_bytes,
                                              nonce_.data(), block_count_, key_.bytes.data());
            BELFRY_CHECK(done == 0);
            ++block_count_;
            used_ = 0;
        }
        std::uint64_t value = 0;
        for (unsigned i = 0; i < 8; ++i) {
            value |= std::uint64_t{block_[used_ + i]} << (8 * i);
        }
        used_ += 8;
        return value;
    }

    Hash key_;
    std::array<std::uint8_t, crypto_stream_chacha20_NONCEBYTES> nonce_{};
    std::array<std::uint8_t, block_bytes> block_{};
    std::uint64_t block_count_ = 0;
    std::size_t used_ = block_bytes;
};
static_assert(crypto_stream_chacha20_KEYBYTES == Hash::size_bytes);
static_assert(crypto_stream_chacha20_NONCEBYTES == sizeof(std::uint64_t));

std::vector<ValidatorIndex> shuffled_roster(const ScheduleSeed& seed, std::size_t count)
{
    std::vector<ValidatorIndex> order;
    order.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        order.push_back(ValidatorIndex{static_cast<std::uint16_t>(i)});
    }
    ShuffleStream stream(seed);
    for (std::size_t i = count; i > 1; --i) { // Fisher and Yates, from the end
        std::swap(order[i - 1], order[stream.below(i)]);
    }
    return order;
}

} // namespace

std::vector<ValidatorIndex> make_schedule(const ScheduleSeed& seed, const StakeTable& stakes,
                                          std::uint64_t slots_per_epoch)
{
    BELFRY_CHECK(stakes.total() > Stake{});
    BELFRY_CHECK(slots_per_epoch > 0);
    BELFRY_CHECK(slots_per_epoch <= slots_per_epoch_max);
    const std::vector<ValidatorIndex> order = shuffled_roster(seed, stakes.count());
    const std::uint64_t window_count = (slots_per_epoch + slots_per_window - 1) / slots_per_window;
    std::vector<Int128> credit(order.size(), 0);
    std::vector<ValidatorIndex> windows;
    windows.reserve(window_count);
    std::size_t leader = order.size(); // of the window before; none yet
    for (std::uint64_t window = 0; window < window_count; ++window) {
        std::size_t best = order.size();
        for (std::size_t i = 0; i < order.size(); ++i) {
            const Stake stake = stakes.stake(order[i]);
            credit[i] += stake.value;
            const bool rests = i == leader && !stakes.is_more_than(stake, one_half);
            if (stake > Stake{} && !rests && (best == order.size() || credit[i] > credit[best])) {
                best = i;
            }
        }
        leader = best; // whoever rests has half at most, so somebody else has stake
        BELFRY_CHECK(leader < order.size());
        credit[leader] -= stakes.total().value;
        windows.push_back(order[leader]);
    }
    return windows;
}

LeaderSchedule::LeaderSchedule(const Hash& genesis_hash, StakeTable stakes,
                               std::uint64_t slots_per_epoch)
    : genesis_hash_(genesis_hash)
    , stakes_(std::move(stakes))
    , slots_per_epoch_(slots_per_epoch)
{
    BELFRY_CHECK(stakes_.total() > Stake{});
    BELFRY_CHECK(slots_per_epoch > 0);
    BELFRY_CHECK(slots_per_epoch <= slots_per_epoch_max);
}

ValidatorIndex LeaderSchedule::leader_at(Slot slot)
{
    return windows(epoch_at(slot))[(slot.value % slots_per_epoch_) / slots_per_window];
}

Slot LeaderSchedule::window_start(Slot slot) const
{
    const std::uint64_t in_epoch = slot.value % slots_per_epoch_;
    return Slot{slot.value - in_epoch % slots_per_window};
}

std::span<const ValidatorIndex> LeaderSchedule::windows(Epoch epoch)
{
    Kept& kept = kept_[epoch.value % epochs_kept];
    if (kept.epoch != epoch) {
        kept.windows = make_schedule({.genesis_hash = genesis_hash_, .epoch = epoch}, stakes_,
                                     slots_per_epoch_);
        kept.epoch = epoch;
    }
    return kept.windows;
}

} // namespace belfry::consensus
