// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/trouble.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace belfry::consensus::sim {

namespace {

Random stream_of(std::uint64_t seed, FaultKind kind, std::uint64_t use)
{
    Random mixed(seed ^ (static_cast<std::uint64_t>(kind) << 56) ^ (use << 48));
    return Random(mixed.next());
}

void draw_liars(const TroubleOptions& options, Random& random, TroublePlan& plan)
{
    std::uint64_t total = 0;
    for (const Stake stake : plan.stakes) {
        total += stake.value;
    }
    std::vector<std::size_t> order(options.validator_count);
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
        std::swap(order[i], order[random.below(i + 1)]);
    }
    const std::uint64_t most = random.below(options.validator_count / 3 + 1) + 1;
    std::uint64_t lying = 0;
    std::uint64_t count = 0;
    for (const std::size_t i : order) {
        const std::uint64_t stake = plan.stakes[i].value;
        Roles roles;
        const bool twin = random.chance(30);
        roles.silent = random.chance(10);
        roles.equivocates = random.chance(50);
        roles.votes_twice = random.chance(50);
        roles.selective = random.chance(30);
        roles.withholds = random.chance(20);
        roles.stale = random.chance(30);
        roles.lies_in_repair = random.chance(50);
        roles.late_blocks = random.chance(30);
        if (count >= most || 3 * (lying + stake) >= total) {
            continue;
        }
        ++count;
        lying += stake;
        if (twin) {
            plan.twins.push_back(ValidatorIndex{static_cast<std::uint16_t>(i)});
        } else {
            plan.roles[i] = roles;
        }
    }
    std::ranges::sort(plan.twins);
}

} // namespace

std::optional<FaultSet> FaultSet::parse(std::string_view text)
{
    if (text == "all") {
        return all();
    }
    FaultSet set;
    if (text == "none") {
        return set;
    }
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        const auto* const name = std::ranges::find(fault_kind_names, text.substr(0, comma));
        if (name == fault_kind_names.end()) {
            return std::nullopt;
        }
        set = set.with(static_cast<FaultKind>(name - fault_kind_names.begin()));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return set;
}

std::string FaultSet::text() const
{
    if (*this == all()) {
        return "all";
    }
    std::string names;
    for (std::size_t i = 0; i < fault_kind_count; ++i) {
        if (has(static_cast<FaultKind>(i))) {
            names += names.empty() ? "" : ",";
            names += fault_kind_names[i];
        }
    }
    return names.empty() ? "none" : names;
}

TroublePlan draw_plan(const TroubleOptions& options)
{
    TroublePlan plan;
    plan.stakes = equal_stakes(options.validator_count);
    plan.roles.resize(options.validator_count);
    for (std::size_t i = 0; i < fault_kind_count; ++i) {
        const auto kind = static_cast<FaultKind>(i);
        Random random = stream_of(options.seed, kind, 0);
        if (!random.chance(50) || !options.allowed.has(kind)) {
            continue;
        }
        plan.active = plan.active.with(kind);
        switch (kind) {
        case FaultKind::loss:
            plan.loss_percent_max = random.between(1, 30);
            break;
        case FaultKind::duplication:
            plan.duplicate_percent = random.between(1, 50);
            break;
        case FaultKind::delay:
            plan.tail_ms = random.between(30, 100);
            break;
        case FaultKind::clog:
            plan.clog_per_mille = random.between(5, 100);
            break;
        case FaultKind::partition:
            plan.partition_percent = random.between(1, 8);
            break;
        case FaultKind::crash:
            plan.crash_per_mille = random.between(1, 60);
            plan.down_slots_max = random.between(1, 20);
            break;
        case FaultKind::pause:
            plan.pause_per_mille = random.between(1, 40);
            break;
        case FaultKind::skew:
            plan.skew_ms = random.between(1, 400);
            break;
        case FaultKind::disk:
            plan.sync_ms.high = random.chance(70) ? 40 : 1500;
            break;
        case FaultKind::idle:
            plan.idles = true;
            break;
        case FaultKind::stake:
            for (Stake& stake : plan.stakes) {
                stake = Stake{random.between(1, 20)};
            }
            break;
        case FaultKind::byzantine:
            draw_liars(options, random, plan); // last, so that stakes are known
            break;
        }
    }
    return plan;
}

std::string TroublePlan::text() const
{
    std::size_t liars = twins.size();
    for (const Roles& one : roles) {
        liars += one.any() ? 1U : 0U;
    }
    return fmt::format("{} (loss up to {} %, duplicates {} %, tail {} ms, crash {} per mille, "
                       "{} liars, {} of them twice)",
                       active.text(), loss_percent_max, duplicate_percent, tail_ms, crash_per_mille,
                       liars, twins.size());
}

// ---- Slot by slot -------------------------------------------------------------------------------

Trouble::Trouble(const TroubleOptions& options, const TroublePlan& plan, Simulation& simulation)
    : plan_(plan)
    , simulation_(simulation)
    , last_(stream_of(options.seed, FaultKind::loss, 2))
    , up_at_(simulation.count(), 0)
{
    for (std::size_t i = 0; i < fault_kind_count; ++i) {
        streams_.push_back(stream_of(options.seed, static_cast<FaultKind>(i), 1));
    }
    for (std::size_t i = 0; i < plan.roles.size(); ++i) {
        simulation.set_roles(i, plan.roles[i]);
    }
}

void Trouble::crash(std::uint64_t slot)
{
    Random& random = of(FaultKind::crash);
    for (std::size_t i = 0; i < simulation_.count(); ++i) {
        if (simulation_.alive(i) && random.below(1000) < plan_.crash_per_mille) {
            simulation_.crash(i);
            up_at_[i] = slot + random.below(plan_.down_slots_max + 1);
        } else if (!simulation_.alive(i) && slot >= up_at_[i]) {
            simulation_.restart(i);
        }
    }
}

void Trouble::partition()
{
    Random& random = of(FaultKind::partition);
    if (!random.chance(plan_.partition_percent)) {
        if (random.chance(2 * plan_.partition_percent)) {
            simulation_.heal();
        }
        return;
    }
    const std::size_t count = simulation_.count();
    std::vector<unsigned> groups(count, 0);
    switch (random.below(3)) {
    case 0: { // of a size drawn evenly
        const std::uint64_t size = random.below(count + 1);
        const std::uint64_t first = random.below(count);
        for (std::uint64_t i = 0; i < size; ++i) {
            groups[(first + i) % count] = 1;
        }
        break;
    }
    case 1: // by a coin, or a die, for each machine
        for (unsigned& group : groups) {
            group = static_cast<unsigned>(random.below(3) % 2);
        }
        break;
    default:
        groups[random.below(count)] = 1;
    }
    if (random.chance(70)) {
        simulation_.split(groups);
        return;
    }
    simulation_.heal();
    for (std::size_t from = 0; from < count; ++from) { // one way: 1 does not reach 0
        for (std::size_t to = 0; to < count; ++to) {
            const bool cut = groups[from] == 1 && groups[to] == 0;
            simulation_.network().cut({.from = from, .to = to}, Payload::statement, cut);
            simulation_.network().cut({.from = from, .to = to}, Payload::block, cut);
        }
    }
}

void Trouble::clog()
{
    Random& random = of(FaultKind::clog);
    const std::uint64_t now = simulation_.now_ms();
    for (std::size_t from = 0; from < simulation_.count(); ++from) {
        if (random.below(1000) < plan_.clog_per_mille) {
            // Drawn one after the other: compilers differ in the order of a call's arguments.
            const std::uint64_t to = random.below(simulation_.count());
            const std::uint64_t until = now + random.between(100, 5000);
            simulation_.network().clog({.from = from, .to = to}, until);
        }
    }
}

void Trouble::before(std::uint64_t slot)
{
    if (plan_.crash_per_mille > 0) {
        crash(slot);
    }
    if (plan_.partition_percent > 0) {
        partition();
    }
    if (plan_.clog_per_mille > 0) {
        clog();
    }
    if (plan_.loss_percent_max > 0 && of(FaultKind::loss).chance(10)) {
        simulation_.set_loss(of(FaultKind::loss).below(plan_.loss_percent_max + 1));
    }
    for (std::size_t i = 0; i < simulation_.count(); ++i) {
        if (plan_.pause_per_mille > 0 && of(FaultKind::pause).below(1000) < plan_.pause_per_mille) {
            simulation_.pause(i, of(FaultKind::pause).between(10, 3000));
        }
        if (plan_.idles && of(FaultKind::idle).chance(1)) {
            simulation_.stop_building(i, of(FaultKind::idle).chance(50));
        }
    }
}

void Trouble::choose_core()
{
    std::vector<std::size_t> honest;
    for (std::size_t i = 0; i < simulation_.count(); ++i) {
        if (simulation_.checker().honest(i)) {
            honest.push_back(i);
            std::swap(honest.back(), honest[last_.below(honest.size())]);
        }
    }
    const bool least = last_.chance(50); // no more of them than needed
    for (const std::size_t i : honest) {
        const Stake now = simulation_.stakes().of(core_validators_);
        if (!least || !simulation_.stakes().is_more_than(now, two_thirds)) {
            core_.push_back(i);
            core_validators_.insert(simulation_.validator(i));
        }
    }
    std::ranges::sort(core_);
}

bool Trouble::leads_in_core(Slot slot)
{
    return core_validators_.contains(simulation_.leader_at(slot));
}

void Trouble::end(bool merciless)
{
    choose_core();
    simulation_.set_loss(0);
    simulation_.network().options().tail_ms = 0;
    std::vector<bool> in_core(simulation_.count(), false);
    for (const std::size_t i : core_) {
        in_core[i] = true;
    }
    simulation_.network().heal_among(in_core);
    for (const std::size_t i : core_) {
        simulation_.pause(i, 0);
        simulation_.restart(i);
        simulation_.stop_building(i, false);
        simulation_.set_sync(i, {.low = 1, .high = 10});
    }
    for (std::size_t i = 0; i < simulation_.count(); ++i) {
        const bool honest = simulation_.checker().honest(i);
        if (!in_core[i] && (honest ? last_.chance(50) : !merciless && is_second_twin(i))) {
            simulation_.crash(i); // for good
        }
        if (!in_core[i] && !merciless) {
            simulation_.repent(i);
        }
    }
}

bool Trouble::is_second_twin(std::size_t machine) const
{
    return machine >= simulation_.stakes().count();
}

} // namespace belfry::consensus::sim
