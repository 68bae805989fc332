// SPDX-License-Identifier: Apache-2.0
#pragma once
// certified_tower.hpp: Tower BFT for the choice of forks, certificates for finality: one engine.
// Rules    finalized is a final certificate and nothing else; it prunes Tower's tree. Tower's own
//          roots are told and act on nothing. What this node leads it builds above the base, the
//          newest notarized block, on Tower's best leaf there unless that has no hope.
//          When one half stops signing so does the other.
// Shapes   one journal for both: record kinds 3, 4, 5 are the gadget's, all others Tower's.
// Bounds   of each validator the newest tower vote, to show two that contradict each other.
// Threads  as engine.hpp.

#include "consensus/certificate/gadget.hpp"
#include "consensus/engine.hpp"
#include "consensus/journal_counter.hpp"
#include "consensus/tower/tower_engine.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace belfry::consensus {

struct EngineConfig {
    TowerConfig tower{};
    bool certificates = true; // a genesis parameter
    CertificateTimes times{};
    GadgetDefects gadget_defects{};
};

class CertifiedTower final : public Engine {
public:
    explicit CertifiedTower(const EngineConfig& config);

    void step(Tick now, const Input& input, Effects& effects) override;
    [[nodiscard]] Result<void, RestoreError>
    restore(std::span<const JournalRecord> records) override;
    void begin_signing() override;
    void prune(const BlockName& finalized) override;
    [[nodiscard]] Slot window_end() const override;
    [[nodiscard]] Slot slot_limit() const override { return gadget_.slot_limit(); }
    [[nodiscard]] EngineStatus status() const override;
    [[nodiscard]] std::vector<Bytes> latest_certificates() const override;
    void count(std::vector<NamedCount>& out) const override;
    [[nodiscard]] std::uint64_t digest() const override;
    [[nodiscard]] std::optional<std::string_view> check() const override;

    [[nodiscard]] const TowerEngine& tower() const { return tower_; }
    [[nodiscard]] const CertificateGadget& gadget() const { return gadget_; }

private:
    struct Heard {
        Bytes body; // empty: none yet
        Signature signature;
        std::optional<Slot> exposed{}; // once for each slot
    };
    void on(Tick now, const VoteMessage& message, Effects& effects);
    void on(Tick now, const FirstShred& first, Effects& effects);
    void on(Tick now, const Ready& ready, Effects& effects);
    void on(Tick now, const Duplicate& duplicate, Effects& effects);
    void on(Tick now, const Timer& timer, Effects& effects);
    void on(Tick now, const Persisted& persisted, Effects& effects);
    void on(Tick now, const EpochInfo& epoch, Effects& effects);
    void build(Tick now, const Timer& timer, Effects& effects);
    void expose_two_votes(const VoteMessage& message, const TowerVote& vote, Effects& effects);
    void join(std::span<const Effect> news, Effects& effects);

    JournalCounter counter_;
    TowerEngine tower_;
    CertificateGadget gadget_;
    BlockName told_final_;
    std::vector<Heard> heard_; // by validator
    Effects building_;
    Bytes scratch_;
};

/// CertifiedTower, or where genesis turns certificates off TowerEngine.
[[nodiscard]] std::unique_ptr<Engine> make_engine(const EngineConfig& config);

} // namespace belfry::consensus
