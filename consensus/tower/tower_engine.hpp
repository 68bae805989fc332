// SPDX-License-Identifier: Apache-2.0
#pragma once
// tower_engine.hpp: Tower BFT behind the Engine interface: fork choice, lockouts, thresholds,
// roots, and the levels that follow from everybody's votes.
// Rules    vote for the best leaf if it is newer than the last vote, every vote that still binds is
//          its ancestor, and the stake that would be locked in agrees: more than 38 % at index 4,
//          more than 2/3 at index 8 (or the entry there is as deep as it was before this vote).
//          A leaf on another fork needs nothing but expired lockouts. While the last vote binds
//          to another fork than the heaviest, stand on the best leaf under that vote.
//          confirmed: more than 2/3 voted for exactly this block; finalized: more than 2/3 rooted.
// Bounds   blocks in (finalized, finalized + slots_max], blocks_max of them. Per validator: the
//          newest tower on a held block, the newest on one not held, one more value for its slot.
//          One own vote is under way to the disk at a time.
// Errors   nothing from the network fails; what is not used is counted in TowerCounters.

#include "base/bytes.hpp"
#include "consensus/engine.hpp"
#include "consensus/fork_tree.hpp"
#include "consensus/stake_table.hpp"
#include "consensus/tower/tower.hpp"
#include "consensus/tower/tower_journal.hpp"
#include "consensus/tower/tower_vote.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace belfry::consensus {

/// Rules taken out on purpose, to show that the tests see it. All false in every real node.
struct TowerDefects {
    bool quorum_is_at_least = false;   // >= for > at two thirds
    bool lockout_unchecked = false;    // votes across forks at any time
    bool no_threshold_escape = false;  // depth checks ask again for what was granted
    bool threshold_unchecked = false;  // no depth checks at all
    bool resets_to_heaviest = false;   // stands on the heaviest fork while bound to another
    bool journal_not_replayed = false; // starts with an empty tower
    bool root_never_raised = false;    // own root is forgotten
};

struct TowerConfig {
    std::optional<ValidatorIndex> self; // none: follows, never votes or builds
    BlockName finalized;                // the ledger's newest final block; genesis at first
    /// A journal was found, or the operator said that this identity is new. Else nothing is signed.
    bool may_sign = false;
    std::uint64_t slots_max = 1024;
    std::size_t blocks_max = 2048;
    TowerDefects defects{};
};

struct TowerCounters {
    std::uint64_t votes_applied = 0;
    std::uint64_t votes_repeated = 0;  // a refresh, or a copy
    std::uint64_t votes_old = 0;       // at or below finalized, or older than what is known
    std::uint64_t votes_waiting = 0;   // for a block not held
    std::uint64_t votes_malformed = 0; // body refused, or voter is not the sender
    std::uint64_t votes_unknown_voter = 0;
    std::uint64_t votes_equivocating = 0;
    std::uint64_t blocks_outside_window = 0;
    std::uint64_t blocks_unknown_parent = 0;
    std::uint64_t blocks_refused = 0; // full, too many versions, not above its parent
    std::uint64_t blocks_repeated = 0;
    std::uint64_t builds_refused = 0;
};

class TowerEngine final : public Engine {
public:
    explicit TowerEngine(const TowerConfig& config);
    ~TowerEngine() override;

    void step(Tick now, const Input& input, Effects& effects) override;
    [[nodiscard]] Result<void, RestoreError>
    restore(std::span<const JournalRecord> records) override;
    void prune(const BlockName& finalized) override;
    [[nodiscard]] Slot window_end() const override;
    [[nodiscard]] EngineStatus status() const override;
    [[nodiscard]] std::uint64_t digest() const override;
    [[nodiscard]] std::optional<std::string_view> check() const override;

    [[nodiscard]] const TowerCounters& counters() const;
    [[nodiscard]] const Tower& tower() const;
    [[nodiscard]] const ForkTree& forks() const;

private:
    class State;
    std::unique_ptr<State> state_;
};

[[nodiscard]] std::unique_ptr<Engine> make_tower(const TowerConfig& config);

} // namespace belfry::consensus
