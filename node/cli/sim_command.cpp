// SPDX-License-Identifier: Apache-2.0
#include "node/cli/sim_command.hpp"

#include "consensus/sim/scenario.hpp"
#include "node/cli/commands.hpp"
#include "node/cli/exit_code.hpp"
#include "node/cli/sim_report.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <mutex>
#include <random>
#include <sstream>
#include <thread>
#include <variant>
#include <vector>

namespace belfry::node {

namespace {

namespace sim = consensus::sim;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start)
{
    return std::chrono::duration<double>(Clock::now() - start).count();
}

sim::SeedOptions seed_options(const SimOptions& options)
{
    sim::SeedOptions seed;
    const std::optional<sim::FaultSet> faults = sim::FaultSet::parse(options.faults);
    if (!faults) {
        throw CommandError(exit_usage,
                           "sim: --faults is all, none, or kinds with commas between: " +
                               sim::FaultSet::all().text());
    }
    seed.faults = *faults;
    seed.silent_count = options.silent;
    const auto engine = sim::engine_named(options.engine);
    if (!engine) {
        throw CommandError(exit_usage, "sim: no engine '" + options.engine + "'");
    }
    seed.engine = *engine;
    return seed;
}

std::string command_of(const sim::SeedOptions& seed)
{
    std::string faults =
        seed.faults == sim::FaultSet::all() ? "" : " --faults " + seed.faults.text();
    if (seed.engine.name != sim::engine_default) {
        faults += fmt::format(" --engine {}", seed.engine.name);
    }
    if (seed.silent_count > 0) {
        faults += fmt::format(" --silent {}", seed.silent_count);
    }
    return fmt::format("belfry sim --validators {} --slots {} --seed {}{}", seed.validator_count,
                       seed.slots, seed.seed, faults);
}

void add_result(SimReport& report, const sim::SeedOptions& seed, const sim::SeedResult& result)
{
    report.seed = seed.seed;
    report.validators = seed.validator_count;
    report.slots = seed.slots;
    report.trace_hash = result.trace_hash;
    report.slots_run += result.slots_run;
    report.machine_slots_run += result.slots_run * seed.validator_count;
    report.measures.add_all(result.measures);
    report.confirmed_undone += result.confirmed_conflicts;
    report.seeds_confirmed_undone += result.confirmed_conflicts > 0 ? 1U : 0U;
    report.roots_undone += result.root_conflicts;
    if (result.outcome != sim::Outcome::pass) {
        report.outcome = result.outcome;
        report.violations = result.violations;
    }
}

void name_failure(SimReport& report, const sim::SeedOptions& seed)
{
    fmt::print(stderr, "\nfails: {}; looking for a smaller one\n", command_of(seed));
    const sim::Minimised least = sim::minimise(seed);
    report.repeat = command_of(least.options);
    report.violations = least.result.violations;
    report.note += report.note.empty() ? "" : "\n";
    report.note += fmt::format("smallest of {} runs: {}", least.runs, least.result.plan);
}

SimReport run_one(const SimOptions& options)
{
    sim::SeedOptions seed = seed_options(options);
    seed.seed = options.seed.value_or(1);
    seed.validator_count = options.validators.value_or(4);
    seed.slots = options.slots.value_or(200);
    std::string lines;
    seed.trace_lines = options.trace.empty() ? nullptr : &lines;
    SimReport report;
    const Clock::time_point start = Clock::now();
    const sim::SeedResult result = sim::run_seed(seed);
    report.seconds = seconds_since(start);
    report.note = "drawn: " + result.plan;
    add_result(report, seed, result);
    if (!options.trace.empty()) {
        std::ofstream(options.trace) << lines;
    }
    seed.trace_lines = nullptr;
    if (result.outcome != sim::Outcome::pass) {
        name_failure(report, seed);
    }
    return report;
}

std::string text_of_file(const std::string& path)
{
    std::ifstream file(path);
    if (!file) {
        throw CommandError(exit_usage,
                           "sim: '" + path +
                               "' is no scenario of --list and no file that can be read");
    }
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

sim::Scenario scenario_named(const std::string& name)
{
    std::string text;
    for (const sim::StoredScenario& stored : sim::stored_scenarios()) {
        text = stored.name == name ? std::string(stored.text) : text;
    }
    const sim::ParsedScenario parsed =
        sim::parse_scenario(text.empty() ? text_of_file(name) : text);
    if (const auto* error = std::get_if<sim::ScenarioError>(&parsed)) {
        throw CommandError(exit_bad_data,
                           fmt::format("sim: {}:{}: {}", name, error->line, error->what));
    }
    return std::get<sim::Scenario>(parsed);
}

SimReport run_scenario_named(const SimOptions& options)
{
    const sim::Scenario scenario = scenario_named(options.scenario);
    sim::ScenarioOptions how;
    const bool fixed = !scenario.engine.empty();
    const auto engine = sim::engine_named(fixed ? scenario.engine : options.engine);
    if (!engine) {
        throw CommandError(exit_bad_data, "sim: no engine '" + scenario.engine + "'");
    }
    how.engine = *engine;
    std::string lines;
    how.trace_lines = options.trace.empty() ? nullptr : &lines;
    SimReport report;
    report.seeds_run = 0;
    report.note = fmt::format("{}: {} ({})", options.scenario, scenario.title, engine->name);
    const Clock::time_point start = Clock::now();
    const std::uint64_t first = options.seed.value_or(scenario.first_seed);
    const std::uint64_t last = options.seed.value_or(scenario.last_seed);
    for (how.seed = first; how.seed <= last && report.outcome == sim::Outcome::pass; ++how.seed) {
        const sim::SeedResult result = sim::run_scenario(scenario, how);
        sim::SeedOptions ran;
        ran.seed = how.seed;
        ran.validator_count = scenario.stakes.size();
        ran.slots = scenario.slots;
        ++report.seeds_run;
        add_result(report, ran, result);
    }
    report.seconds = seconds_since(start);
    if (report.outcome != sim::Outcome::pass) {
        report.repeat =
            fmt::format("belfry sim --scenario {} --seed {}", options.scenario, report.seed);
    }
    if (!options.trace.empty()) {
        std::ofstream(options.trace) << lines;
    }
    return report;
}

int list_scenarios()
{
    for (const sim::StoredScenario& stored : sim::stored_scenarios()) {
        const sim::ParsedScenario parsed = sim::parse_scenario(stored.text);
        if (const auto* scenario = std::get_if<sim::Scenario>(&parsed)) {
            fmt::print("{:<12} {}\n", stored.name, scenario->title);
        }
    }
    return exit_ok;
}

/// Mostly few machines, where a seed is cheap and checked at every step; sometimes many.
void draw_size(sim::SeedOptions& seed)
{
    std::mt19937_64 random(seed.seed);
    const std::uint64_t draw = random() % 100;
    seed.validator_count = draw < 85 ? 4 + draw % 4 : (draw < 97 ? 10 + draw % 7 : 40);
    seed.slots = draw < 97 ? 200 : 100;
}

/// Seeds from first on, on all cores, until the time is over or one fails.
class Swarm {
public:
    Swarm(const SimOptions& options, std::uint64_t first)
        : options_(options)
        , next_(first)
        , start_(Clock::now())
    {
        report_.seeds_run = 0;
    }

    SimReport run()
    {
        const unsigned cores = std::max(std::thread::hardware_concurrency(), 1U);
        {
            std::vector<std::jthread> workers;
            workers.reserve(cores);
            for (unsigned i = 0; i < cores; ++i) {
                workers.emplace_back([this] { work(); });
            }
        }
        report_.seconds = seconds_since(start_);
        if (failed_) {
            name_failure(report_, *failed_);
        }
        return report_;
    }

private:
    void work()
    {
        while (true) {
            sim::SeedOptions seed = seed_options(options_);
            {
                const std::lock_guard lock(mutex_);
                if (failed_ ||
                    seconds_since(start_) >= static_cast<double>(options_.swarm_seconds)) {
                    return;
                }
                seed.seed = next_++;
            }
            draw_size(seed);
            seed.validator_count = options_.validators.value_or(seed.validator_count);
            seed.slots = options_.slots.value_or(seed.slots);
            const sim::SeedResult result = sim::run_seed(seed);
            const std::lock_guard lock(mutex_);
            take(seed, result);
        }
    }

    void take(const sim::SeedOptions& seed, const sim::SeedResult& result)
    {
        ++report_.seeds_run;
        if (!failed_) {
            add_result(report_, seed, result);
        }
        if (result.outcome != sim::Outcome::pass && !failed_) {
            failed_ = seed;
        }
        if (seconds_since(start_) >= told_ + 1.0 && !options_.json) {
            told_ = seconds_since(start_);
            fmt::print(stderr, "\r{:.0f} s, {} seeds, newest {}, {} slots ", told_,
                       report_.seeds_run, seed.seed, report_.slots_run);
        }
    }

    const SimOptions& options_;
    std::mutex mutex_;
    std::uint64_t next_;
    Clock::time_point start_;
    double told_ = 0;
    SimReport report_;
    std::optional<sim::SeedOptions> failed_;
};

} // namespace

int run_sim(const SimOptions& options)
{
    return guarded([&options] {
        if (options.list) {
            return list_scenarios();
        }
        const std::uint64_t first = options.seed.value_or(
            options.swarm_seconds > 0 ? std::random_device{}() * std::uint64_t{1'000} : 1);
        const bool many = options.swarm_seconds > 0;
        const SimReport report = !options.scenario.empty() ? run_scenario_named(options)
                                 : many                    ? Swarm(options, first).run()
                                                           : run_one(options);
        if (options.json) {
            fmt::print("{}\n", report_json(report));
        } else {
            fmt::print("{}{}", options.swarm_seconds > 0 ? "\n" : "", report_text(report));
        }
        return static_cast<int>(report.outcome == sim::Outcome::pass ? exit_ok : exit_failed);
    });
}

void add_sim(CLI::App& app, int* exit_code)
{
    auto options = std::make_shared<SimOptions>();
    CLI::App* const command = app.add_subcommand(
        "sim", "Run the consensus engines in a simulated world that tries to break them; the same "
               "seed gives the same trace hash anywhere");
    command->add_option("--validators", options->validators, "4, or drawn per seed in a swarm")
        ->check(CLI::Range(1, 256));
    command->add_option("--slots", options->slots, "Of trouble, before all is healed; 200")
        ->check(CLI::Range(1, 1'000'000));
    command->add_option("--seed", options->seed, "Decides everything; the first one of a swarm");
    command->add_option("--faults", options->faults,
                        "Kinds that a seed may draw: all, none, or some with commas between: "
                        "loss, duplication, delay, clog, partition, crash, pause, skew, disk, "
                        "idle, stake, byzantine");
    command->add_option("--silent", options->silent, "That many of the validators say nothing");
    command->add_option("--engine", options->engine, "certified (as a node runs) or tower");
    command->add_option("--scenario", options->scenario, "A name from --list, or a file");
    command->add_option("--swarm", options->swarm_seconds, "Run seeds on all cores that long")
        ->check(CLI::Range(1, 1'000'000));
    command->add_option("--trace", options->trace, "Write what happens there, one line each");
    command->add_flag("--list", options->list, "Names and titles of the scenarios");
    command->add_flag("--json", options->json, "One object on stdout");
    command->callback([options, exit_code] { *exit_code = run_sim(*options); });
}

} // namespace belfry::node
