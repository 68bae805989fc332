// SPDX-License-Identifier: Apache-2.0
#pragma once
// demo.hpp: the main job in one command: a cluster of real processes under load, one of them killed
// and brought back, every claim checked, one report.
// Errors   std::runtime_error when the cluster cannot be made or started; a failed check is exit 1.
// Threads  one; child processes do the work.

#include <cstdint>
#include <filesystem>

namespace belfry::node {

struct DemoOptions {
    std::uint32_t validator_count = 4;
    std::uint32_t rate = 2000;
    std::uint32_t seconds = 60;
    std::uint32_t slot_ms = 600;
    std::uint32_t fanout = 1; // so that shreds travel over relays
    bool no_kill = false;
    bool no_certificates = false; // finality by roots alone
    std::filesystem::path directory = "build/demo";
    std::filesystem::path report; // default: report.json in directory
};

/// 0 when every check held, exit_failed when one did not.
[[nodiscard]] int run_demo(const DemoOptions& options);

} // namespace belfry::node
