// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/scenario.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace belfry::consensus::sim {

namespace {

constexpr std::size_t failures_max = 20;

SimulationOptions machines_of(const Scenario& scenario, const ScenarioOptions& options)
{
    return {.seed = options.seed,
            .stakes = scenario.stakes,
            .twins = scenario.twins,
            .engine = options.engine,
            .slot_ms = scenario.slot_ms,
            .network = scenario.network,
            .sync_ms = scenario.sync_ms,
            .skew_ms = scenario.skew_ms,
            .set_loss = scenario.set_loss,
            .defects = options.defects,
            .checks_every_step = scenario.stakes.size() <= 7};
}

class Run {
public:
    Run(const Scenario& scenario, const ScenarioOptions& options)
        : scenario_(scenario)
        , simulation_(machines_of(scenario, options))
    {
        simulation_.set_trace(options.trace_lines);
        aims_.resize(scenario.expectations.size());
    }

    SeedResult run()
    {
        for (std::uint64_t slot = 0; slot <= scenario_.slots; ++slot) {
            simulation_.run_to(Slot{slot});
            for (std::size_t i = 0; i < scenario_.expectations.size(); ++i) {
                look(scenario_.expectations[i], aims_[i]);
            }
            for (const Action& action : scenario_.actions) {
                if (action.at == Slot{slot}) {
                    act(action);
                }
            }
        }
        for (const Expectation& expected : scenario_.expectations) {
            look_at_end(expected);
        }
        return result();
    }

private:
    struct Aim { // of an expected progress
        Slot above;
        bool reached = false;
    };

    void fail(std::size_t line, const std::string& what)
    {
        if (failures_.size() < failures_max) {
            failures_.push_back(fmt::format("line {}: {}", line, what));
        }
    }

    void act(const Action& action);
    void act_on(const Action& action, std::size_t i);
    void act_on_links(const Action& action);
    void split(const Action& action);
    void look(const Expectation& expected, Aim& aim);
    void look_at_value(const Expectation& expected, std::size_t i);
    void look_at_end(const Expectation& expected);
    [[nodiscard]] std::optional<BlockName> block_of(Field field, std::size_t i) const;
    [[nodiscard]] std::uint64_t value_of(Field field, std::size_t i) const;
    [[nodiscard]] SeedResult result();

    const Scenario& scenario_;
    Simulation simulation_;
    std::map<std::string, BlockName> marks_;
    std::vector<Aim> aims_;
    std::vector<std::string> failures_;
    bool only_progress_failed_ = true;
};

std::optional<BlockName> Run::block_of(Field field, std::size_t i) const
{
    if (!simulation_.alive(i)) {
        return std::nullopt;
    }
    const EngineStatus status = simulation_.engine(i).status();
    switch (field) {
    case Field::best:
        return status.best;
    case Field::confirmed:
        return status.confirmed;
    case Field::rooted:
        return status.rooted;
    case Field::super_rooted:
        return status.super_rooted;
    case Field::finalized:
        return status.finalized;
    case Field::vote:
        return status.last_vote;
    default:
        return std::nullopt;
    }
}

std::uint64_t Run::value_of(Field field, std::size_t i) const
{
    switch (field) {
    case Field::depth:
        return simulation_.alive(i) ? simulation_.engine(i).status().tower_depth : 0;
    case Field::may_sign:
        return simulation_.alive(i) && simulation_.engine(i).status().may_sign ? 1 : 0;
    case Field::statements:
        return simulation_.votes_sent(i);
    case Field::faults:
        return simulation_.faults(i);
    case Field::rolled_back:
        return simulation_.roots_rolled_back(i);
    default: {
        const std::optional<BlockName> block = block_of(field, i);
        return block ? block->slot.value : 0;
    }
    }
}

// ---- What happens -------------------------------------------------------------------------------

void Run::split(const Action& action)
{
    std::vector<unsigned> groups(simulation_.count(), 0); // those not named are one more group
    for (std::size_t group = 0; group < action.groups.size(); ++group) {
        for (const std::size_t i : action.groups[group]) {
            groups[i] = static_cast<unsigned>(group + 1);
        }
    }
    simulation_.split(groups);
}

void Run::act_on_links(const Action& action)
{
    for (const std::size_t from : action.groups[0]) {
        for (const std::size_t to : action.groups[1]) {
            const Network::Link link{.from = from, .to = to};
            for (const Payload payload : action.payloads) {
                if (from == to) {
                    continue;
                }
                if (action.kind == ActionKind::cut || action.kind == ActionKind::mend) {
                    simulation_.network().cut(link, payload, action.kind == ActionKind::cut);
                } else {
                    simulation_.hold(link, payload, action.kind == ActionKind::hold);
                }
            }
        }
    }
}

void Run::act(const Action& action)
{
    switch (action.kind) {
    case ActionKind::split:
        split(action);
        return;
    case ActionKind::heal:
        simulation_.heal();
        return;
    case ActionKind::cut:
    case ActionKind::mend:
    case ActionKind::hold:
    case ActionKind::release:
        act_on_links(action);
        return;
    case ActionKind::loss:
        simulation_.set_loss(action.numbers[0]);
        return;
    default:
        for (const std::size_t i : action.groups[0]) {
            act_on(action, i);
        }
    }
}

void Run::act_on(const Action& action, std::size_t i)
{
    switch (action.kind) {
    case ActionKind::withhold:
    case ActionKind::tell:
        simulation_.withhold_votes(i, action.kind == ActionKind::withhold);
        break;
    case ActionKind::crash:
        simulation_.crash(i);
        break;
    case ActionKind::restart:
        simulation_.restart(i);
        break;
    case ActionKind::pause:
        simulation_.pause(i, action.numbers[0]);
        break;
    case ActionKind::idle:
    case ActionKind::lead:
        simulation_.stop_building(i, action.kind == ActionKind::idle);
        break;
    case ActionKind::replay:
        simulation_.replay_every(i, action.numbers[0]);
        break;
    case ActionKind::sync:
        simulation_.set_sync(i, {.low = action.numbers[0], .high = action.numbers[1]});
        break;
    case ActionKind::damage:
    case ActionKind::unlink:
        if (!simulation_.alive(i)) {
            simulation_.damage_journal(i, action.kind == ActionKind::unlink);
        } else {
            fail(action.line, "only the journal of a machine that is down can be damaged");
        }
        break;
    case ActionKind::role:
        simulation_.set_roles(i, action.roles);
        break;
    case ActionKind::repent:
        simulation_.repent(i);
        break;
    case ActionKind::hardfork:
        simulation_.hard_fork(i, Slot{action.numbers[0]});
        break;
    case ActionKind::mark:
        if (const auto block = block_of(action.field, i)) {
            marks_[action.name] = *block;
        } else {
            fail(action.line, "there is no such block");
        }
        break;
    default:
        break;
    }
}

// ---- What is expected ---------------------------------------------------------------------------

void Run::look(const Expectation& expected, Aim& aim)
{
    const Slot now = simulation_.slot();
    if (expected.kind == Expectation::Kind::value) {
        for (const std::size_t i : expected.who) {
            if (now >= expected.first && now <= expected.last) {
                look_at_value(expected, i);
            }
        }
        return;
    }
    if (expected.kind != Expectation::Kind::progress || now < expected.first || aim.reached) {
        return;
    }
    if (now == expected.first) {
        for (std::size_t i = 0; i < simulation_.count(); ++i) {
            aim.above = std::max({aim.above, Slot{value_of(Field::finalized, i)},
                                  Slot{value_of(Field::confirmed, i)}});
        }
    }
    aim.reached = std::ranges::all_of(expected.who, [&](const std::size_t i) {
        return value_of(Field::finalized, i) > aim.above.value;
    });
    const std::uint64_t slots = now.value - expected.first.value;
    const bool over = now.value == scenario_.slots || slots == expected.number;
    if (over && !aim.reached) {
        fail(expected.line, fmt::format("not all finalised anything above slot {} within {} slots",
                                        aim.above.value, slots));
    }
}

void Run::look_at_value(const Expectation& expected, std::size_t i)
{
    const Slot now = simulation_.slot();
    const std::string_view name = field_names[static_cast<std::size_t>(expected.field)];
    const auto differs = [&](const std::string& what) {
        only_progress_failed_ = false;
        fail(expected.line, fmt::format("slot {}, machine {}: {} is {}", now.value, i, name, what));
    };
    BlockName mark; // genesis when none is named: slot 0
    if (!expected.mark.empty()) {
        const auto found = marks_.find(expected.mark);
        if (found == marks_.end()) {
            differs("asked about before the mark was set");
            return;
        }
        mark = found->second;
    }
    if (expected.comparison >= Comparison::on) {
        const std::optional<BlockName> block = block_of(expected.field, i);
        const bool on = block && simulation_.world().descends(*block, mark);
        if (on != (expected.comparison == Comparison::on)) {
            differs(fmt::format("slot {}, {} the fork of slot {}", block ? block->slot.value : 0,
                                on ? "on" : "off", mark.slot.value));
        }
        return;
    }
    std::uint64_t wanted = expected.number + mark.slot.value;
    if (expected.from_slot) {
        wanted = now.value - std::min(now.value, expected.number);
    }
    const std::uint64_t value = value_of(expected.field, i);
    const bool holds = expected.comparison == Comparison::equal      ? value == wanted
                       : expected.comparison == Comparison::at_least ? value >= wanted
                                                                     : value <= wanted;
    if (!holds) {
        differs(fmt::format("{}, not {} {}", value,
                            expected.comparison == Comparison::equal      ? "="
                            : expected.comparison == Comparison::at_least ? ">="
                                                                          : "<=",
                            wanted));
    }
}

void Run::look_at_end(const Expectation& expected)
{
    const Checker& checker = simulation_.checker();
    if (expected.kind == Expectation::Kind::accused) {
        ValidatorSet wanted;
        for (const std::size_t i : expected.who) {
            wanted.insert(ValidatorIndex{static_cast<std::uint16_t>(i)});
        }
        if (wanted != checker.all_accused()) {
            only_progress_failed_ = false;
            fail(expected.line, fmt::format("{} validators are accused, not exactly those {}",
                                            checker.all_accused().count(), wanted.count()));
        }
    }
    if (expected.kind == Expectation::Kind::reverted) {
        const bool confirmed = expected.field == Field::confirmed;
        const std::uint64_t conflicts =
            confirmed ? checker.confirmed_conflicts() : checker.root_conflicts();
        if ((conflicts > 0) != (expected.number == 1)) {
            only_progress_failed_ = false;
            fail(expected.line, conflicts > 0 ? "two forks both reached it" : "nothing was undone");
        }
    }
}

SeedResult Run::result()
{
    SeedResult result;
    const Checker& checker = simulation_.checker();
    const std::vector<std::string>& broken = checker.violations();
    const bool diverges_as_told = scenario_.outcome == Outcome::diverged && !broken.empty() &&
                                  broken.front().starts_with(scenario_.broken_rule);
    result.violations = diverges_as_told ? std::vector<std::string>{} : broken;
    if (scenario_.outcome == Outcome::diverged && broken.empty()) {
        result.violations.emplace_back("no rule was broken, and one should be");
    }
    only_progress_failed_ = only_progress_failed_ && result.violations.empty();
    result.violations.insert(result.violations.end(), failures_.begin(), failures_.end());
    const bool stalls_as_told = scenario_.outcome == Outcome::no_progress &&
                                only_progress_failed_ && !result.violations.empty();
    if (stalls_as_told) {
        result.violations.clear();
    } else if (!result.violations.empty()) {
        result.outcome = only_progress_failed_ ? Outcome::no_progress : Outcome::diverged;
    }
    result.slots_run = scenario_.slots;
    result.steps = simulation_.steps();
    result.trace_hash = simulation_.trace_hash();
    result.confirmed_conflicts = checker.confirmed_conflicts();
    result.root_conflicts = checker.root_conflicts();
    result.measures = simulation_.measures();
    return result;
}

} // namespace

SeedResult run_scenario(const Scenario& scenario, const ScenarioOptions& options)
{
    return Run(scenario, options).run();
}

} // namespace belfry::consensus::sim
