// SPDX-License-Identifier: Apache-2.0
#pragma once
// fault_switches.hpp: what a node does wrong on purpose, for tests of a cluster; the keys of
// [faults] beside the shares it loses (NodeConfig::Faults).
// Rule     nothing of this is on unless the section says so; the node's log says it at start.
// Errors   ConfigError, as config.hpp.

#include "node/config.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace belfry::node {

struct FaultSwitches {
    std::filesystem::path partition_file; // whom it does not hear; empty: everybody is heard
    std::optional<Pubkey> dies_of;        // a check fails at transactions that name this account
    bool equivocate = false;              // signs two blocks for each of its slots
};

[[nodiscard]] FaultSwitches parse_fault_switches(std::string_view text,
                                                 const std::filesystem::path& file);
/// From the file that this configuration was read from.
[[nodiscard]] FaultSwitches load_fault_switches(const NodeConfig& config);
/// All of [faults] in words; empty for a node that does nothing wrong on purpose.
[[nodiscard]] std::string faults_in_words(const NodeConfig::Faults& losses,
                                          const FaultSwitches& switches);

} // namespace belfry::node
