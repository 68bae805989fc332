// SPDX-License-Identifier: Apache-2.0
#pragma once
// demo_report.hpp: what the demo found, as checks, as a table for people and as JSON for programs.
// Shapes   schema "belfry.demo/1"; the keys are listed in demo_report.cpp in their order.

#include "node/demo/demo.hpp"
#include "node/demo/finality_watch.hpp"
#include "node/demo/ledger_audit.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace belfry::node {

struct DemoFault {
    std::size_t validator = 0;
    Slot at_slot;
    Slot restarted_at_slot;
    std::optional<std::uint64_t> voting_again_after_ms;
    std::uint64_t leader_run_slots = 0; // longest run of its leader slots while it was away
};

struct DemoCounts {
    std::uint64_t sent = 0;
    std::uint64_t finalized = 0;
    Slot first_slot; // of the blocks that hold them
    Slot last_slot;
    std::map<std::string, std::uint64_t> rejected; // by reason
    std::uint64_t expired = 0;
    std::uint64_t unresolved = 0;
    [[nodiscard]] std::uint64_t rejected_total() const;
};

struct DemoFindings {
    DemoOptions options;
    std::vector<std::string> names; // of the validators
    boost::json::object machine;
    boost::json::object load; // the load generator's summary
    DemoCounts counts;
    LedgerAudit audit;
    std::map<std::string, std::uint64_t> produced; // finalized blocks by leader
    std::uint64_t skipped = 0;
    double mean_slot_ms = 0;
    FinalityWatch::Quantiles finalized_after_ms;    // of a slot, from when it was processed
    FinalityWatch::Quantiles super_rooted_after_ms; // the same by roots alone
    std::uint64_t longest_stand_ms = 0;             // of finalized, on those never killed
    std::map<std::string, std::uint64_t> sets;
    std::optional<DemoFault> fault;
    Slot state_hash_slot;
    std::string state_hash; // empty when they differ
    bool stopped_cleanly = true;
};

struct DemoCheck {
    std::string what;
    bool holds = false;
    std::string found;
};

[[nodiscard]] std::vector<DemoCheck> demo_checks(const DemoFindings& findings);
[[nodiscard]] boost::json::object demo_report(const DemoFindings& findings,
                                              const std::vector<DemoCheck>& checks);
void print_demo_table(const DemoFindings& findings, const std::vector<DemoCheck>& checks);

} // namespace belfry::node
