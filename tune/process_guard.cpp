// SPDX-License-Identifier: Apache-2.0
#include "tune/process_guard.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace belfry::tune {

ProcessGuard guard_this_process()
{
    // What the kernel refuses is seen by asking afterwards.
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL);

    ProcessGuard guard;
    rlimit core{.rlim_cur = 1, .rlim_max = 1};
    guard.no_core_file =
        getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0;
    guard.not_dumpable = prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) == 0;
    guard.no_new_privileges = prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 1;
    return guard;
}

std::string ProcessGuard::description() const
{
    if (complete()) {
        return "no core file, not dumpable, no new privileges";
    }
    std::string text = "the kernel refused:";
    text += no_core_file ? "" : " no core file;";
    text += not_dumpable ? "" : " not dumpable;";
    text += no_new_privileges ? "" : " no new privileges;";
    text.pop_back();
    return text;
}

} // namespace belfry::tune
