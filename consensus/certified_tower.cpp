// SPDX-License-Identifier: Apache-2.0
#include "consensus/certified_tower.hpp"

#include "base/check.hpp"
#include "consensus/evidence.hpp"
#include "consensus/tower/tower_journal.hpp"

#include <algorithm>
#include <variant>

namespace belfry::consensus {

namespace {

constexpr std::uint8_t gadget_kind_first = 3;
constexpr std::uint8_t gadget_kind_last = 5;

TowerConfig tower_of(const EngineConfig& config)
{
    TowerConfig tower = config.tower;
    tower.certificates = true;
    tower.keeps_all_versions = true;
    return tower;
}

GadgetConfig gadget_of(const EngineConfig& config)
{
    return {.self = config.tower.self,
            .finalized = config.tower.finalized,
            .may_sign = config.tower.may_sign,
            .listens_first = config.tower.listens_first,
            .times = config.times,
            .slots_max = config.tower.slots_max,
            .defects = config.gadget_defects};
}

/// The slot of a declared hard fork, if the record says one.
std::optional<Slot> declared_fork(ByteView record)
{
    const auto decoded = decode_tower_record(record);
    const auto* fork = decoded ? std::get_if<ForkRecord>(&*decoded) : nullptr;
    return fork == nullptr ? std::nullopt : std::optional{fork->slot};
}

} // namespace

CertifiedTower::CertifiedTower(const EngineConfig& config)
    : tower_(tower_of(config), &counter_)
    , gadget_(gadget_of(config), counter_)
    , told_final_(config.tower.finalized)
    , heard_(validator_count_max)
{
    scratch_.reserve(evidence_bytes_max);
}

void CertifiedTower::step(Tick now, const Input& input, Effects& effects)
{
    const std::size_t before = effects.list().size();
    std::visit([&](const auto& what) { on(now, what, effects); }, input);
    join(effects.list().subspan(before), effects);
}

/// What one half brought about, told to the other.
void CertifiedTower::join(std::span<const Effect> news, Effects& effects)
{
    const bool fault =
        std::ranges::any_of(news, [](const Effect& e) { return std::holds_alternative<Fault>(e); });
    if (gadget_.finalized() != told_final_) {
        told_final_ = gadget_.finalized();
        tower_.finalize(told_final_, effects);
    }
    tower_.set_base(gadget_.base());
    if (fault || tower_.may_sign() != gadget_.may_sign()) {
        tower_.stop();
        gadget_.stop_signing();
    }
}

Result<void, RestoreError> CertifiedTower::restore(std::span<const JournalRecord> records)
{
    for (const JournalRecord& record : records) {
        const bool ours = !record.bytes.empty() && record.bytes[0] >= gadget_kind_first &&
                          record.bytes[0] <= gadget_kind_last;
        if (!ours) {
            const auto done = tower_.restore({&record, 1});
            if (!done) {
                return done;
            }
            if (const auto fork = declared_fork(record.bytes)) {
                gadget_.discard_above(*fork);
            }
            continue;
        }
        if (!counter_.restore(record.sequence)) {
            return std::unexpected(RestoreError::sequence_gap);
        }
        const auto done = gadget_.restore(record);
        if (!done) {
            return done;
        }
    }
    return {};
}

// ---- Inputs -------------------------------------------------------------------------------------

void CertifiedTower::on(Tick now, const VoteMessage& message, Effects& effects)
{
    if (message.kind != StatementKind::tower_vote) {
        gadget_.hear(now, message, effects);
        return;
    }
    const auto vote = decode_tower_vote(message.body);
    tower_.hear(message, vote, effects);
    if (vote && vote->voter == message.from) {
        expose_two_votes(message, *vote, effects);
    }
}

void CertifiedTower::on(Tick now, const FirstShred& first, Effects& effects)
{
    tower_.step(now, first, effects);
    gadget_.first_shred(first.slot);
}

void CertifiedTower::on(Tick now, const Ready& ready, Effects& effects)
{
    // Tower first: it must hold what the gadget may find to be final.
    tower_.step(now, ready, effects);
    gadget_.ready(now, ready, effects);
}

void CertifiedTower::on(Tick now, const Duplicate& duplicate, Effects& effects)
{
    tower_.step(now, duplicate, effects);
}

void CertifiedTower::on(Tick now, const Timer& timer, Effects& effects)
{
    switch (timer.kind) {
    case TimerKind::slot_tick:
        tower_.step(now, timer, effects);
        gadget_.tick(now, timer.slot, effects);
        return;
    case TimerKind::build:
        build(now, timer, effects);
        return;
    case TimerKind::patience:
        gadget_.wake(now, effects);
        return;
    }
}

void CertifiedTower::on(Tick now, const Persisted& persisted, Effects& effects)
{
    tower_.step(now, persisted, effects);
    gadget_.persisted(now, persisted.upto, effects);
}

void CertifiedTower::on(Tick now, const EpochInfo& epoch, Effects& effects)
{
    const std::size_t before = effects.list().size();
    tower_.step(now, epoch, effects);
    for (const Effect& effect : effects.list().subspan(before)) {
        const auto* persist = std::get_if<Persist>(&effect);
        const auto fork = persist == nullptr ? std::nullopt : declared_fork(persist->record);
        if (fork) {
            gadget_.discard_above(*fork);
        }
    }
    gadget_.begin_epoch(now, epoch, effects);
}

void CertifiedTower::build(Tick now, const Timer& timer, Effects& effects)
{
    building_.clear();
    tower_.step(now, timer, building_);
    for (const Effect& effect : building_.list()) {
        if (const auto* persist = std::get_if<Persist>(&effect)) {
            effects.persist(persist->sequence, persist->record);
        } else if (const auto* begun = std::get_if<Build>(&effect)) {
            effects.add(Build{.after = begun->after,
                              .slot = begun->slot,
                              .parent = gadget_.parent_for(now, begun->slot, begun->parent)});
        } else if (const auto* send = std::get_if<Send>(&effect)) {
            effects.send(send->after, send->kind, send->body);
        } else {
            effects.add(effect);
        }
    }
}

/// Tower accuses who names two blocks of a slot; this proves it, and broken lockouts too.
void CertifiedTower::expose_two_votes(const VoteMessage& message, const TowerVote& vote,
                                      Effects& effects)
{
    Heard& heard = heard_[message.from.value];
    if (std::ranges::equal(heard.body, message.body)) {
        return;
    }
    const auto known = decode_tower_vote(heard.body);
    if (known && contradicts(*known, vote)) {
        const Slot slot = std::min(known->block().slot, vote.block().slot);
        if (heard.exposed == slot || !effects.has_room(evidence_bytes_max)) {
            return;
        }
        const auto evidence = find_contradiction(
            {.kind = message.kind, .body = heard.body, .signature = heard.signature},
            {.kind = message.kind,
             .body = {message.body.begin(), message.body.end()},
             .signature = message.signature});
        BELFRY_CHECK(evidence);
        scratch_.clear();
        encode_evidence(*evidence, scratch_);
        effects.expose(message.from, scratch_);
        heard.exposed = slot;
        return;
    }
    if (!known || known->block().slot < vote.block().slot) {
        heard.body.assign(message.body.begin(), message.body.end());
        heard.signature = message.signature;
    }
}

// ---- What others may ask ------------------------------------------------------------------------

void CertifiedTower::begin_signing()
{
    tower_.begin_signing();
    gadget_.begin_signing();
}

void CertifiedTower::prune(const BlockName& finalized)
{
    tower_.prune(finalized);
    gadget_.prune(finalized);
    told_final_ = std::max(told_final_, finalized);
    tower_.set_base(gadget_.base());
}

Slot CertifiedTower::window_end() const
{
    return std::min(tower_.window_end(), gadget_.window_end());
}

EngineStatus CertifiedTower::status() const
{
    EngineStatus status = tower_.status();
    status.may_sign = status.may_sign && gadget_.may_sign();
    return status;
}

std::vector<Bytes> CertifiedTower::latest_certificates() const
{
    return gadget_.latest_certificates();
}

void CertifiedTower::count(std::vector<NamedCount>& out) const
{
    tower_.count(out);
    const GadgetCounters& counters = gadget_.counters();
    out.insert(out.end(), {{"statements_counted", counters.statements_counted},
                           {"statements_repeated", counters.statements_repeated},
                           {"statements_outside_window", counters.statements_outside_window},
                           {"statements_malformed", counters.statements_malformed},
                           {"statements_unknown_voter", counters.statements_unknown_voter},
                           {"third_notarizations", counters.third_notarizations},
                           {"contradictions", counters.contradictions},
                           {"bundles_relayed", counters.bundles_relayed},
                           {"relays_dropped", counters.relays_dropped},
                           {"standstills", counters.standstills}});
}

std::uint64_t CertifiedTower::digest() const
{
    return tower_.digest() * 0x100000001B3 ^ gadget_.digest();
}

std::optional<std::string_view> CertifiedTower::check() const
{
    if (tower_.status().finalized.slot > gadget_.finalized().slot) {
        return "Tower finalised without a certificate";
    }
    const auto broken = gadget_.check();
    return broken ? broken : tower_.check();
}

std::unique_ptr<Engine> make_engine(const EngineConfig& config)
{
    if (!config.certificates) {
        TowerConfig tower = config.tower;
        tower.certificates = false;
        return make_tower(tower);
    }
    return std::make_unique<CertifiedTower>(config);
}

} // namespace belfry::consensus
