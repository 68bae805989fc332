// SPDX-License-Identifier: Apache-2.0
#include "tune/machine.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <fstream>

namespace belfry::tune {

Machine this_machine()
{
    Machine machine;
    machine.cpu_model = "unknown";
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        const std::size_t colon = line.find(": ");
        if (line.starts_with("model name") && colon != std::string::npos) {
            machine.cpu_model = line.substr(colon + 2);
            break;
        }
    }
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (sched_getaffinity(0, sizeof(cores), &cores) == 0) {
        machine.core_count = static_cast<unsigned>(std::max(1, CPU_COUNT(&cores)));
    }
    utsname system{};
    machine.kernel = uname(&system) == 0 ? system.release : "unknown";
    return machine;
}

bool pin_this_thread(unsigned core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    return pthread_setaffinity_np(pthread_self(), sizeof(cores), &cores) == 0;
}

void name_this_thread(const std::string& name)
{
    // Only a name: where the kernel refuses it the thread runs as well.
    (void)pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

std::uint64_t process_cpu_ms()
{
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    const auto ms = [](const timeval& time) {
        return static_cast<std::uint64_t>(time.tv_sec) * 1000 +
               static_cast<std::uint64_t>(time.tv_usec) / 1000;
    };
    return ms(usage.ru_utime) + ms(usage.ru_stime);
}

std::uint64_t resident_kib(int pid)
{
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmRSS:")) {
            return std::stoull(line.substr(6));
        }
    }
    return 0;
}

} // namespace belfry::tune
