// SPDX-License-Identifier: Apache-2.0
#pragma once
// leader_schedule.hpp: who leads which slot. A pure function of genesis hash, epoch and stakes.
// Shapes   a window is 4 slots of one leader. The roster is shuffled by ChaCha20 (key: the genesis
//          hash; nonce: the epoch, little-endian), then windows go by smooth weighted round robin:
//          each adds its stake to its credit, the largest credit leads (tie: earlier in the
//          shuffled order) and pays the total. Whoever led the window before rests, unless it has
//          more than half: without that the plain rule gives two in a row where rounds meet.
//          So equal stakes rotate, and shares are exact over each total / gcd windows. The rest
//          holds within an epoch; the next one starts from a new shuffle.
// Bounds   slots_per_epoch_max; LeaderSchedule keeps the epochs_kept newest asked for.

#include "base/bytes.hpp"
#include "base/strong.hpp"
#include "consensus/stake_table.hpp"
#include "consensus/validator_index.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace belfry::consensus {

inline constexpr std::uint64_t slots_per_window = 4;
inline constexpr std::uint64_t slots_per_epoch_max = 1'000'000;

struct ScheduleSeed {
    Hash genesis_hash;
    Epoch epoch;
};

/// The leader of each window of an epoch of slots_per_epoch slots.
/// Precondition: stakes.total() > 0 and 0 < slots_per_epoch <= slots_per_epoch_max.
[[nodiscard]] std::vector<ValidatorIndex>
make_schedule(const ScheduleSeed& seed, const StakeTable& stakes, std::uint64_t slots_per_epoch);

class LeaderSchedule {
public:
    static constexpr std::size_t epochs_kept = 3;
    /// Precondition: as make_schedule. The stakes hold for every epoch.
    LeaderSchedule(const Hash& genesis_hash, StakeTable stakes, std::uint64_t slots_per_epoch);

    [[nodiscard]] ValidatorIndex leader_at(Slot slot);
    [[nodiscard]] Epoch epoch_at(Slot slot) const { return Epoch{slot.value / slots_per_epoch_}; }
    [[nodiscard]] Slot first_slot(Epoch epoch) const
    {
        return Slot{epoch.value * slots_per_epoch_};
    }
    /// First slot of the window that holds slot.
    [[nodiscard]] Slot window_start(Slot slot) const;
    /// Leaders of the windows of an epoch, valid until another epoch is asked for.
    [[nodiscard]] std::span<const ValidatorIndex> windows(Epoch epoch);
    [[nodiscard]] const StakeTable& stakes() const { return stakes_; }

private:
    struct Kept {
        std::optional<Epoch> epoch;
        std::vector<ValidatorIndex> windows;
    };
    Hash genesis_hash_;
    StakeTable stakes_;
    std::uint64_t slots_per_epoch_;
    std::array<Kept, epochs_kept> kept_; // by epoch modulo epochs_kept
};

} // namespace belfry::consensus
