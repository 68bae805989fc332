// SPDX-License-Identifier: Apache-2.0
#include "node/demo/demo_report.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace belfry::node {
namespace {

constexpr double slot_time_tolerance = 0.02;
constexpr std::uint64_t vote_again_ms_max = 10'000;
constexpr std::uint64_t stand_slack_slots = 8;

DemoCheck check(std::string what, bool holds, std::string found)
{
    return {std::move(what), holds, std::move(found)};
}

/// Over the time that the blocks took: a backlog worked off after the load counts as time too.
double tps_finalized(const DemoFindings& findings)
{
    const DemoCounts& counts = findings.counts;
    const double slots = static_cast<double>(counts.last_slot.value - counts.first_slot.value + 1);
    return static_cast<double>(counts.finalized) * 1000 /
           std::max(1.0, slots * findings.mean_slot_ms);
}

void fault_checks(const DemoFindings& findings, std::vector<DemoCheck>& checks)
{
    if (!findings.fault) {
        return;
    }
    const std::optional<std::uint64_t>& again = findings.fault->voting_again_after_ms;
    checks.push_back(check("the killed validator votes again within 10 s of its restart",
                           again && *again <= vote_again_ms_max,
                           again ? fmt::format("{} ms", *again) : "not at all"));
}

boost::json::object latency_json(const DemoFindings& findings)
{
    const boost::json::value* const latency = findings.load.if_contains("latency_ms");
    return latency != nullptr && latency->is_object() ? latency->as_object()
                                                      : boost::json::object{};
}

std::uint64_t load_number(const DemoFindings& findings, std::string_view name)
{
    const boost::json::value* const value = findings.load.if_contains(name);
    return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>() : 0;
}

template <class Map>
boost::json::object numbers_json(const Map& numbers)
{
    boost::json::object object;
    for (const auto& [name, value] : numbers) {
        object[name] = value;
    }
    return object;
}

boost::json::array faults_json(const DemoFindings& findings)
{
    boost::json::array faults;
    if (findings.fault) {
        const DemoFault& fault = *findings.fault;
        faults.push_back(boost::json::object{
            {"kind", "kill"},
            {"validator", findings.names[fault.validator]},
            {"at_slot", fault.at_slot.value},
            {"voting_again_after_ms", fault.voting_again_after_ms
                                          ? boost::json::value(*fault.voting_again_after_ms)
                                          : boost::json::value(nullptr)}});
    }
    return faults;
}

} // namespace

std::uint64_t DemoCounts::rejected_total() const
{
    std::uint64_t total = 0;
    for (const auto& [reason, count] : rejected) {
        total += count;
    }
    return total;
}

std::vector<DemoCheck> demo_checks(const DemoFindings& findings)
{
    const DemoCounts& counts = findings.counts;
    const std::uint64_t rejected = counts.rejected_total();
    std::vector<DemoCheck> checks;
    checks.push_back(check(
        "every transaction sent is accounted for",
        counts.sent > 0 && counts.unresolved == 0 &&
            counts.sent == counts.finalized + rejected + counts.expired + counts.unresolved,
        fmt::format("{} sent = {} finalized + {} rejected + {} expired + {} unresolved",
                    counts.sent, counts.finalized, rejected, counts.expired, counts.unresolved)));
    checks.push_back(check("rejected and expired are below 1 %",
                           (rejected + counts.expired) * 100 < counts.sent,
                           fmt::format("{}", rejected + counts.expired)));
    checks.push_back(check("nothing was executed twice", findings.audit.executed_twice == 0,
                           fmt::format("{}", findings.audit.executed_twice)));
    checks.push_back(check(
        "balances add up to genesis minus fees burnt", findings.audit.balances_add_up,
        findings.audit.balances_add_up ? fmt::format("{} lamports burnt", findings.audit.burnt)
                                       : findings.audit.balances_why));
    checks.push_back(
        check("state hashes are equal on all validators", !findings.state_hash.empty(),
              fmt::format("at slot {}: {}", findings.state_hash_slot.value,
                          findings.state_hash.empty() ? "they differ" : findings.state_hash)));
    const bool all_led = std::ranges::all_of(findings.names, [&findings](const std::string& name) {
        const auto found = findings.produced.find(name);
        return found != findings.produced.end() && found->second > 0;
    });
    checks.push_back(
        check("every validator led blocks", all_led,
              fmt::format("{} of {} validators", findings.produced.size(), findings.names.size())));
    const double slot_ms = findings.options.slot_ms;
    checks.push_back(
        check("the mean slot time is within 2 %",
              std::abs(findings.mean_slot_ms - slot_ms) <= slot_ms * slot_time_tolerance,
              fmt::format("{:.1f} ms", findings.mean_slot_ms)));
    fault_checks(findings, checks);
    const std::uint64_t run = findings.fault ? findings.fault->leader_run_slots : 0;
    const std::uint64_t stand_max = (run + stand_slack_slots) * findings.options.slot_ms;
    checks.push_back(check(fmt::format("finalized never stands longer than {} ms", stand_max),
                           findings.longest_stand_ms <= stand_max,
                           fmt::format("{} ms", findings.longest_stand_ms)));
    checks.push_back(check("every process stopped with exit 0 within 5 s", findings.stopped_cleanly,
                           findings.stopped_cleanly ? "yes" : "no"));
    return checks;
}

namespace {

boost::json::object quantiles_json(const FinalityWatch::Quantiles& quantiles)
{
    return {{"p50", quantiles.p50},
            {"p90", quantiles.p90},
            {"p99", quantiles.p99},
            {"max", quantiles.max},
            {"slots", quantiles.slots}};
}

} // namespace

boost::json::object demo_report(const DemoFindings& findings, const std::vector<DemoCheck>& checks)
{
    const DemoCounts& counts = findings.counts;
    boost::json::object transactions{{"sent", counts.sent},
                                     {"processed", load_number(findings, "processed")},
                                     {"confirmed", load_number(findings, "confirmed")},
                                     {"finalized", counts.finalized},
                                     {"rejected", numbers_json(counts.rejected)},
                                     {"expired", counts.expired},
                                     {"unresolved", counts.unresolved},
                                     {"executed_twice", findings.audit.executed_twice}};
    boost::json::object slots{
        {"produced", numbers_json(findings.produced)},
        {"skipped", findings.skipped},
        {"finalized", findings.audit.blocks.size()},
        {"last", findings.audit.blocks.empty() ? 0 : findings.audit.blocks.back().slot.value},
        {"mean_slot_ms", std::round(findings.mean_slot_ms * 10) / 10}};
    const bool ok = std::ranges::all_of(checks, &DemoCheck::holds);
    return {{"schema", "belfry.demo/1"},
            {"commit", BELFRY_COMMIT},
            {"machine", findings.machine},
            {"configuration", boost::json::object{{"validators", findings.options.validator_count},
                                                  {"rate", findings.options.rate},
                                                  {"seconds", findings.options.seconds},
                                                  {"slot_ms", findings.options.slot_ms},
                                                  {"fanout", findings.options.fanout},
                                                  {"kill", !findings.options.no_kill}}},
            {"transactions", std::move(transactions)},
            {"latency_ms", latency_json(findings)},
            {"finality_ms",
             boost::json::object{{"finalized", quantiles_json(findings.finalized_after_ms)},
                                 {"super_root", quantiles_json(findings.super_rooted_after_ms)}}},
            {"tps_finalized", std::round(tps_finalized(findings) * 10) / 10},
            {"slots", std::move(slots)},
            {"sets", numbers_json(findings.sets)},
            {"faults", faults_json(findings)},
            {"state_hash", boost::json::object{{"slot", findings.state_hash_slot.value},
                                               {"equal", !findings.state_hash.empty()}}},
            {"balances_add_up", findings.audit.balances_add_up},
            {"ok", ok}};
}

void print_demo_table(const DemoFindings& findings, const std::vector<DemoCheck>& checks)
{
    const boost::json::object latency = latency_json(findings);
    fmt::print("\n{:<12}{:>10}{:>10}{:>10}{:>10}   latency, ms\n", "", "p50", "p90", "p99", "max");
    for (const auto& level : latency) {
        const boost::json::object& row = level.value().as_object();
        fmt::print(
            "{:<12}{:>10}{:>10}{:>10}{:>10}\n", std::string(level.key()),
            row.at("p50").to_number<std::uint64_t>(), row.at("p90").to_number<std::uint64_t>(),
            row.at("p99").to_number<std::uint64_t>(), row.at("max").to_number<std::uint64_t>());
    }
    for (const auto& [name, after] : {std::pair{"finalized", findings.finalized_after_ms},
                                      std::pair{"super root", findings.super_rooted_after_ms}}) {
        fmt::print("{:<12}{:>10}{:>10}{:>10}{:>10}   a slot's finality after it was processed\n",
                   name, after.p50, after.p90, after.p99, after.max);
    }
    fmt::print("\n{:.1f} transactions per second finalized; {} blocks, {} slots skipped\n",
               tps_finalized(findings), findings.audit.blocks.size(), findings.skipped);
    for (const auto& [name, count] : findings.produced) {
        fmt::print("  {:<14}{:>6} blocks\n", name, count);
    }
    for (const auto& [name, count] : findings.sets) {
        fmt::print("  sets.{:<14}{:>8}\n", name, count);
    }
    fmt::print("\n");
    for (const DemoCheck& one : checks) {
        fmt::print("{}  {} ({})\n", one.holds ? "ok  " : "FAIL", one.what, one.found);
    }
}

} // namespace belfry::node
