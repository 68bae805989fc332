// SPDX-License-Identifier: Apache-2.0
#include "node/demo/demo.hpp"

#include "crypto/base58.hpp"
#include "crypto/kernels.hpp"
#include "ledger/model/genesis.hpp"
#include "ledger/store/layout.hpp"
#include "node/cli/exit_code.hpp"
#include "node/demo/cluster_monitor.hpp"
#include "node/demo/demo_report.hpp"
#include "node/demo/json_file.hpp"
#include "node/demo/local_cluster.hpp"
#include "node/demo/process.hpp"
#include "node/roster.hpp"
#include "tune/machine.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace belfry::node {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds start_timeout{60};
constexpr milliseconds poll_interval{200};
constexpr std::size_t follower = 1; // whose ledger is audited
constexpr std::size_t victim = 2;   // who is killed
constexpr std::uint32_t drain_seconds = 45;
constexpr seconds down_min{10};
constexpr int stop_timeout_ms = 5000;

std::uint64_t ms_since(Clock::time_point then)
{
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<milliseconds>(Clock::now() - then).count());
}

// The phases of run() come in order: the fault, the processes and their ends are there when asked
// for. NOLINTBEGIN(bugprone-unchecked-optional-access)
class Demo {
public:
    explicit Demo(const DemoOptions& options);
    int run();

private:
    void start_validator(std::size_t validator, bool new_identity);
    void wait_for_cluster();
    void start_load();
    void watch_load();
    void follow_fault();
    void kill_victim();
    [[nodiscard]] bool victim_missed_a_window() const;
    void restart_victim();
    void note_vote_of_victim();
    void live_line();
    void compare_state_hashes();
    void count_sets();
    void describe_machine();
    void stop_everything();
    void audit();
    void count_transactions();
    int report();

    DemoOptions options_;
    LocalCluster cluster_;
    ledger::Genesis genesis_;
    mutable consensus::LeaderSchedule schedule_;
    std::vector<std::optional<Process>> validators_;
    std::optional<Process> load_;
    ClusterMonitor monitor_;
    DemoFindings findings_;
    Clock::time_point load_begun_{};
    Clock::time_point killed_at_{};
    Clock::time_point restarted_at_{};
    Clock::time_point next_line_{};
    std::optional<std::size_t> down_;
    bool restarted_ = false;
};

LocalCluster make_cluster(const DemoOptions& options)
{
    std::filesystem::remove_all(options.directory);
    // The load generator is one source; what is not seen in time is sent again.
    NodeConfig::Ingress ingress;
    ingress.packets_per_second = std::max(ingress.packets_per_second, 2 * options.rate);
    ingress.burst_packets = std::max(ingress.burst_packets, 2 * options.rate);
    return write_local_cluster({.directory = options.directory,
                                .validator_count = options.validator_count,
                                .slot_ms = options.slot_ms,
                                .fanout = options.fanout,
                                .no_certificates = options.no_certificates,
                                .ingress = ingress,
                                .faults = {}});
}

std::string own_binary()
{
    return std::filesystem::read_symlink("/proc/self/exe").string();
}

Demo::Demo(const DemoOptions& options)
    : options_(options)
    , cluster_(make_cluster(options))
    , genesis_(ledger::load_genesis(cluster_.genesis))
    , schedule_(make_leader_schedule(genesis_))
    , validators_(options.validator_count)
    , monitor_(cluster_.validators)
{
    if (options_.validator_count < 4) {
        options_.no_kill = true; // fewer than four cannot finalise with one away
    }
    findings_.options = options_;
    for (const ValidatorEntry& validator : cluster_.validators) {
        findings_.names.push_back(validator.name);
    }
}

void Demo::start_validator(std::size_t validator, bool new_identity)
{
    const std::filesystem::path& config = cluster_.configs[validator];
    std::vector<std::string> arguments{own_binary(), "run", "--config", config.string()};
    if (new_identity) {
        arguments.emplace_back("--new-identity");
    }
    validators_[validator] = Process::start(arguments, config.parent_path() / "log");
}

void Demo::wait_for_cluster()
{
    const auto begun = Clock::now();
    while (Clock::now() - begun < start_timeout) {
        monitor_.poll(std::nullopt);
        bool all = true;
        for (std::size_t i = 0; i < validators_.size(); ++i) {
            if (const auto code = validators_[i]->exit_code()) {
                throw std::runtime_error(fmt::format(
                    "demo: {} ended at once with exit code {}; see {}", findings_.names[i], *code,
                    (cluster_.configs[i].parent_path() / "log").string()));
            }
            all = all && monitor_.view(i).processed > Slot{};
        }
        if (all) {
            return;
        }
        std::this_thread::sleep_for(poll_interval);
    }
    throw std::runtime_error("demo: the validators made no block within 60 s; see their logs in " +
                             cluster_.directory.string());
}

void Demo::start_load()
{
    load_begun_ = Clock::now();
    load_ = Process::start({own_binary(), "load", "--config", cluster_.configs[0].string(),
                            "--rate", std::to_string(options_.rate), "--seconds",
                            std::to_string(options_.seconds), "--drain-seconds",
                            std::to_string(drain_seconds), "--report",
                            (cluster_.directory / "load.json").string(), "--sent",
                            (cluster_.directory / "sent").string(), "--progress",
                            (cluster_.directory / "progress.json").string()},
                           cluster_.directory / "load.log");
}

void Demo::watch_load()
{
    const auto limit = load_begun_ + seconds(options_.seconds + drain_seconds + 30);
    while (!load_->exit_code() || (findings_.fault && !findings_.fault->voting_again_after_ms)) {
        monitor_.poll(down_);
        follow_fault();
        live_line();
        if (Clock::now() > limit) {
            return; // the checks say what is missing
        }
        std::this_thread::sleep_for(poll_interval);
    }
}

void Demo::follow_fault()
{
    if (options_.no_kill) {
        return;
    }
    // At 25 s of 60; a shorter load has it at the same share.
    const auto kill_after = milliseconds(std::min(25'000U, options_.seconds * 1000 * 5 / 12));
    if (!findings_.fault) {
        if (Clock::now() - load_begun_ >= kill_after) {
            kill_victim();
        }
    } else if (!restarted_) {
        if (Clock::now() - killed_at_ >= down_min && victim_missed_a_window()) {
            restart_victim();
        }
    } else if (!findings_.fault->voting_again_after_ms) {
        note_vote_of_victim();
    }
}

void Demo::kill_victim()
{
    validators_[victim]->signal(SIGKILL);
    (void)validators_[victim]->wait(stop_timeout_ms);
    killed_at_ = Clock::now();
    down_ = victim;
    findings_.fault = DemoFault{.validator = victim,
                                .at_slot = monitor_.highest_processed(),
                                .restarted_at_slot = {},
                                .voting_again_after_ms = {},
                                .leader_run_slots = 0};
    fmt::print("\n{} killed at slot {}\n", findings_.names[victim], findings_.fault->at_slot.value);
}

/// A whole window of its own has passed while it was down.
bool Demo::victim_missed_a_window() const
{
    const Slot now = monitor_.highest_processed();
    Slot slot = schedule_.window_start(findings_.fault->at_slot);
    for (slot = Slot{slot.value + consensus::slots_per_window};
         slot.value + consensus::slots_per_window <= now.value;
         slot = Slot{slot.value + consensus::slots_per_window}) {
        if (schedule_.leader_at(slot).value == victim) {
            return true;
        }
    }
    return false;
}

void Demo::restart_victim()
{
    start_validator(victim, false);
    restarted_ = true;
    restarted_at_ = Clock::now();
    down_.reset();
    findings_.fault->restarted_at_slot = monitor_.highest_processed();
    fmt::print("\n{} started again at slot {}\n", findings_.names[victim],
               findings_.fault->restarted_at_slot.value);
}

/// What counts is what another validator heard.
void Demo::note_vote_of_victim()
{
    const boost::json::value* const peers = monitor_.view(0).status.if_contains("peers");
    if (peers == nullptr || !peers->is_array()) {
        return;
    }
    for (const boost::json::value& peer : peers->as_array()) {
        const boost::json::object& entry = peer.as_object();
        const boost::json::value& vote = entry.at("lastVote");
        if (entry.at("name").as_string() == findings_.names[victim] && vote.is_number() &&
            vote.to_number<std::uint64_t>() > findings_.fault->restarted_at_slot.value) {
            findings_.fault->voting_again_after_ms = ms_since(restarted_at_);
            monitor_.restart_watch(victim);
            std::uint64_t run = 0;
            for (Slot slot = findings_.fault->at_slot; slot <= monitor_.highest_processed();
                 slot = slot.next()) {
                run = schedule_.leader_at(slot).value == victim ? run + 1 : 0;
                findings_.fault->leader_run_slots =
                    std::max(findings_.fault->leader_run_slots, run);
            }
        }
    }
}

void Demo::live_line()
{
    if (Clock::now() < next_line_) {
        return;
    }
    next_line_ = Clock::now() + seconds(1);
    const ValidatorView& view = monitor_.view(0);
    const auto progress = read_json_file(cluster_.directory / "progress.json");
    std::string load = "starting";
    if (progress) {
        const boost::json::object& latency = progress->at("latency_ms").as_object();
        const double elapsed = std::max(0.5, static_cast<double>(ms_since(load_begun_)) / 1000);
        load = fmt::format("sent {} TPS {:.0f} p50 ms processed {} confirmed {} finalized {}",
                           progress->at("sent").to_number<std::uint64_t>(),
                           progress->at("processed").to_number<double>() / elapsed,
                           latency.at("processed").at("p50").to_number<std::uint64_t>(),
                           latency.at("confirmed").at("p50").to_number<std::uint64_t>(),
                           latency.at("finalized").at("p50").to_number<std::uint64_t>());
    }
    fmt::print("slot {} root {} super root {} finalized {} | {}\n", view.processed.value,
               view.root.value, view.super_root.value, view.finalized.value, load);
    (void)std::fflush(stdout);
}

void Demo::compare_state_hashes()
{
    monitor_.poll(std::nullopt);
    const Slot slot = monitor_.lowest_finalized();
    findings_.state_hash_slot = slot;
    for (std::size_t i = 0; i < monitor_.count(); ++i) {
        const auto block = monitor_.client(i).block_summary(slot);
        const std::string hash =
            block && *block ? crypto::to_base58((*block)->state_hash) : std::string();
        if (hash.empty() || (i > 0 && hash != findings_.state_hash)) {
            findings_.state_hash.clear();
            return;
        }
        findings_.state_hash = hash;
    }
}

void Demo::count_sets()
{
    const std::pair<const char*, const char*> names[] = {{"received", "sets_received"},
                                                         {"recovered", "sets_recovered"},
                                                         {"repaired", "sets_repaired"},
                                                         {"retransmitted", "shreds_retransmitted"}};
    for (const auto& [name, counter] : names) {
        std::uint64_t& sum = findings_.sets[name];
        for (std::size_t i = 0; i < monitor_.count(); ++i) {
            const boost::json::value* const tiles = monitor_.view(i).status.if_contains("tiles");
            if (tiles == nullptr) {
                continue;
            }
            for (const boost::json::value& tile : tiles->as_array()) {
                const boost::json::value* const value =
                    tile.at("counters").as_object().if_contains(counter);
                sum += value != nullptr ? value->to_number<std::uint64_t>() : 0;
            }
        }
    }
}

void Demo::describe_machine()
{
    const tune::Machine machine = tune::this_machine();
    boost::json::object kernels;
    for (const crypto::KernelInUse& kernel : crypto::kernels_in_use()) {
        kernels[kernel.work] = kernel.kernel;
    }
    boost::json::object resident;
    for (std::size_t i = 0; i < validators_.size(); ++i) {
        resident[findings_.names[i]] = tune::resident_kib(validators_[i]->pid());
    }
    findings_.machine = {{"cpu", machine.cpu_model},
                         {"cores", machine.core_count},
                         {"kernel", machine.kernel},
                         {"kernels", std::move(kernels)},
                         {"resident_kib", std::move(resident)}};
}

void Demo::stop_everything()
{
    for (std::optional<Process>& validator : validators_) {
        validator->signal(SIGTERM);
    }
    const auto deadline = Clock::now() + milliseconds(stop_timeout_ms);
    for (std::size_t i = 0; i < validators_.size(); ++i) {
        const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
        const std::optional<int> code =
            validators_[i]->wait(static_cast<int>(std::max<std::int64_t>(left, 1)));
        if (code != exit_ok) {
            findings_.stopped_cleanly = false;
        }
    }
    load_.reset();
    validators_.clear();
}

void Demo::audit()
{
    AuditRules rules;
    rules.lamports_per_signature = genesis_.lamports_per_signature.value;
    rules.burn_percent = genesis_.burn_percent;
    rules.rent_exempt_minimum = genesis_.rent.exempt_minimum(0).value;
    for (const ledger::GenesisAccount& account : genesis_.accounts) {
        rules.genesis[account.pubkey] = account.account.lamports.value;
    }
    for (const ValidatorEntry& validator : cluster_.validators) {
        rules.fee_takers.push_back(validator.pubkey);
    }
    const std::size_t whose = options_.validator_count > follower ? follower : 0;
    findings_.audit = audit_ledger(
        cluster_.configs[whose].parent_path() / "data" / ledger::ledger_file_name, rules);
    for (const AuditBlock& block : findings_.audit.blocks) {
        ++findings_.produced[findings_.names[schedule_.leader_at(block.slot).value]];
    }
    if (!findings_.audit.blocks.empty()) {
        findings_.skipped =
            findings_.audit.blocks.back().slot.value - findings_.audit.blocks.size();
    }
}

void Demo::count_transactions()
{
    std::ifstream in(cluster_.directory / "sent", std::ios::binary);
    const Bytes bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    ByteReader reader(bytes);
    DemoCounts& counts = findings_.counts;
    const std::uint64_t height = findings_.audit.blocks.size();
    while (reader.left() > 0) {
        const Hash message = reader.fixed<Hash>();
        const std::uint64_t last_valid = reader.u64();
        ++counts.sent;
        const auto found = findings_.audit.transactions.find(message);
        if (found == findings_.audit.transactions.end()) {
            ++(last_valid < height ? counts.expired : counts.unresolved);
        } else if (found->second.error.empty()) {
            ++counts.finalized;
            const Slot slot = found->second.slot;
            counts.first_slot = counts.finalized == 1 ? slot : std::min(counts.first_slot, slot);
            counts.last_slot = std::max(counts.last_slot, slot);
        } else {
            ++counts.rejected[found->second.error];
        }
    }
}

int Demo::report()
{
    const std::vector<DemoCheck> checks = demo_checks(findings_);
    print_demo_table(findings_, checks);
    const std::filesystem::path file =
        options_.report.empty() ? cluster_.directory / "report.json" : options_.report;
    replace_json_file(file, demo_report(findings_, checks));
    fmt::print("\nreport: {}\n", file.string());
    return std::ranges::all_of(checks, &DemoCheck::holds) ? exit_ok : exit_failed;
}

int Demo::run()
{
    for (std::size_t i = 0; i < validators_.size(); ++i) {
        start_validator(i, true);
    }
    wait_for_cluster();
    start_load();
    watch_load();
    findings_.load =
        read_json_file(cluster_.directory / "load.json").value_or(boost::json::object{});
    findings_.finalized_after_ms = monitor_.finality().finalized_ms();
    findings_.super_rooted_after_ms = monitor_.finality().super_rooted_ms();
    findings_.mean_slot_ms = monitor_.mean_slot_ms().value_or(0);
    compare_state_hashes();
    for (std::size_t i = 0; i < monitor_.count(); ++i) {
        if (!findings_.fault || i != victim) {
            findings_.longest_stand_ms =
                std::max(findings_.longest_stand_ms,
                         static_cast<std::uint64_t>(monitor_.longest_stand(i).count()));
        }
    }
    count_sets();
    describe_machine();
    stop_everything();
    audit();
    count_transactions();
    return report();
}

// NOLINTEND(bugprone-unchecked-optional-access)

} // namespace

int run_demo(const DemoOptions& options)
{
    return Demo(options).run();
}

} // namespace belfry::node
