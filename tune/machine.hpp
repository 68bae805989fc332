// SPDX-License-Identifier: Apache-2.0
#pragma once
// machine.hpp: what the machine under the node is, for logs and reports.
// Source   /proc/cpuinfo, sched_getaffinity(2), uname(2).

#include <cstdint>
#include <string>

namespace belfry::tune {

struct Machine {
    std::string cpu_model;   // "unknown" where /proc does not tell
    unsigned core_count = 1; // cores this process may run on
    std::string kernel;      // release of the running kernel
};

[[nodiscard]] Machine this_machine();

/// Pins the calling thread to one core; false (and no change) when the kernel refuses.
[[nodiscard]] bool pin_this_thread(unsigned core);

/// Names the calling thread, as `top -H` and debuggers show it; cut to 15 characters.
void name_this_thread(const std::string& name);

/// CPU time this process has used so far, user and system, in milliseconds.
[[nodiscard]] std::uint64_t process_cpu_ms();

/// Resident memory of a process in KiB; 0 when it is gone.
[[nodiscard]] std::uint64_t resident_kib(int pid);

} // namespace belfry::tune
