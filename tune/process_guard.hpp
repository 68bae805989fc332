// SPDX-License-Identifier: Apache-2.0
#pragma once
// process_guard.hpp: what this process gives up before it reads a key or hears a stranger.
// Rule     no core file (RLIMIT_CORE 0, hard too), not dumpable (another process of the same user
//          may neither trace it nor read its memory), no new privileges (what it starts cannot be
//          more than it is). None can be taken back.
// Source   prctl(2), setrlimit(2), ptrace(2).

#include <string>

namespace belfry::tune {

struct ProcessGuard {
    bool no_core_file = false;
    bool not_dumpable = false;
    bool no_new_privileges = false;

    [[nodiscard]] bool complete() const
    {
        return no_core_file && not_dumpable && no_new_privileges;
    }
    /// For the log: what holds, or what the kernel refused.
    [[nodiscard]] std::string description() const;
};

/// Of the calling process, from now on; asked back from the kernel. Before other threads start.
[[nodiscard]] ProcessGuard guard_this_process();

} // namespace belfry::tune
