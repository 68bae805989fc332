// SPDX-License-Identifier: Apache-2.0
#pragma once
// recent_sets.hpp: the newest completed sets in memory, so that a set that a peer lacks is served
// before the store has it; asks another source for older ones.
// Bounds   bytes_max of streams, the oldest arrival is dropped.
// Threads  one owner.

#include "dataplane/repair/repair_server.hpp"

#include <deque>
#include <map>

namespace belfry::dataplane {

class RecentSets final : public SetSource {
public:
    struct Options {
        std::size_t bytes_max = std::size_t{16} << 20;
    };
    /// older may be null; otherwise it must outlive this object. The chain and the tip are its.
    RecentSets(const Options& options, SetSource* older);

    void add(const ledger::ShredSet& set);

    [[nodiscard]] std::optional<ledger::ShredSet> set(const SetKey& key) override;
    [[nodiscard]] std::optional<ledger::ShredSet> successor(const SetKey& key) override;
    [[nodiscard]] std::optional<ledger::ShredSet> set_of_block(const ledger::BlockRef& block,
                                                               std::uint32_t set_index) override;
    [[nodiscard]] std::vector<ChainHint> chain_after(Slot slot, std::size_t count_max) override;
    [[nodiscard]] Slot tip() override;

private:
    Options options_;
    SetSource* older_;
    std::map<SetKey, ledger::ShredSet> sets_;
    std::deque<SetKey> arrivals_;
    std::size_t held_bytes_ = 0;
};

} // namespace belfry::dataplane
