// SPDX-License-Identifier: Apache-2.0
#include "node/cli/sim_report.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <algorithm>

namespace belfry::node {

namespace {

std::uint64_t slots_per_second(const SimReport& report)
{
    return static_cast<std::uint64_t>(static_cast<double>(report.slots_run) /
                                      std::max(report.seconds, 0.001));
}

std::uint64_t per_machine_slot(const SimReport& report, std::uint64_t sum)
{
    return report.machine_slots_run == 0 ? 0 : sum / report.machine_slots_run;
}

} // namespace

std::string report_json(const SimReport& report)
{
    const auto& finality = report.measures.finality_ms;
    boost::json::array violations;
    for (const std::string& what : report.violations) {
        violations.emplace_back(what);
    }
    const boost::json::object object{
        {"outcome", std::string(consensus::sim::name_of(report.outcome))},
        {"seed", report.seed},
        {"validators", report.validators},
        {"slots", report.slots},
        {"trace_hash", fmt::format("{:016x}", report.trace_hash)},
        {"violations", violations},
        {"seeds_run", report.seeds_run},
        {"confirmed_undone", report.confirmed_undone},
        {"seeds_confirmed_undone", report.seeds_confirmed_undone},
        {"roots_undone", report.roots_undone},
        {"virtual_slots_per_second", slots_per_second(report)},
        {"finality_ms",
         {{"p50", finality.percentile(50)},
          {"p90", finality.percentile(90)},
          {"p99", finality.percentile(99)},
          {"max", finality.longest()}}},
        {"messages_per_slot", per_machine_slot(report, report.measures.statements_received)},
        {"bytes_per_slot", per_machine_slot(report, report.measures.statement_bytes)}};
    return boost::json::serialize(object);
}

std::string report_text(const SimReport& report)
{
    const auto& finality = report.measures.finality_ms;
    std::string text = fmt::format(
        "{}: {} seed{}, {} slots in {:.1f} s ({} slots a second), trace {:016x}\n"
        "finality p50 {} ms, p90 {} ms, p99 {} ms, max {} ms; "
        "{} datagrams and {} bytes a slot at each machine\n",
        consensus::sim::name_of(report.outcome), report.seeds_run, report.seeds_run == 1 ? "" : "s",
        report.slots_run, report.seconds, slots_per_second(report), report.trace_hash,
        finality.percentile(50), finality.percentile(90), finality.percentile(99),
        finality.longest(), per_machine_slot(report, report.measures.statements_received),
        per_machine_slot(report, report.measures.statement_bytes));
    text +=
        fmt::format("confirmed blocks undone {} times, in {} of {} seeds; local roots {} times\n",
                    report.confirmed_undone, report.seeds_confirmed_undone, report.seeds_run,
                    report.roots_undone);
    if (!report.note.empty()) {
        text += report.note + "\n";
    }
    for (std::size_t i = 0; i < std::min<std::size_t>(report.violations.size(), 5); ++i) {
        text += "  " + report.violations[i] + "\n";
    }
    if (!report.repeat.empty()) {
        text += "repeat: " + report.repeat + "\n";
    }
    return text;
}

} // namespace belfry::node
