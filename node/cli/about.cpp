// SPDX-License-Identifier: Apache-2.0
// about.cpp: the commands that only print what the program knows by itself.
#include "node/cli/commands.hpp"
#include "node/config.hpp"
#include "node/version.hpp"

#include <fmt/core.h>

#include <cstdio>

namespace belfry::node {

int run_config()
{
    return guarded([]() -> int {
        fmt::print("{}", default_config_text());
        return exit_ok;
    });
}

int run_version()
{
    return guarded([]() -> int {
        fmt::print("belfry {}\n", belfry_version);
        return exit_ok;
    });
}

} // namespace belfry::node
