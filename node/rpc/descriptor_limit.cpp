// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/descriptor_limit.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>

namespace belfry::node {

std::size_t raise_descriptor_limit(std::size_t wanted)
{
    constexpr std::size_t unknown_limit = 256; // POSIX promises less, Linux gives more
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return unknown_limit;
    }
    if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
        rlimit raised = limit;
        raised.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
        if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            limit = raised;
        }
    }
    return static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, SIZE_MAX));
}

std::size_t connections_that_fit(const std::array<std::size_t, 2>& wanted)
{
    constexpr std::size_t reserved = 256; // sockets, files and eventfds of everything else
    constexpr std::size_t share_min = 8;
    const std::size_t most = std::max(wanted[0], wanted[1]);
    const std::size_t allowed = raise_descriptor_limit(wanted[0] + wanted[1] + reserved);
    if (allowed >= wanted[0] + wanted[1] + reserved) {
        return most;
    }
    return std::max(share_min, (allowed - std::min(allowed, reserved)) / 2);
}

} // namespace belfry::node
