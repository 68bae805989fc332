// SPDX-License-Identifier: Apache-2.0
#pragma once
// exit_code.hpp: what the exit status of `belfry` means; the numbers of sysexits.h where one fits.

#include <cstdint>

namespace belfry::node {

enum ExitCode : std::uint8_t {
    exit_ok = 0,
    exit_failed = 1,         // it ran, and the answer is no: a failed transfer, a check of the demo
    exit_usage = 64,         // wrong flags or arguments
    exit_bad_data = 65,      // a configuration, key, genesis or data file is not right
    exit_unavailable = 69,   // the node asked does not answer, or refuses
    exit_internal = 70,      // a bug in this program, or no memory
    exit_cannot_create = 73, // a file to write is there already, or cannot be made
    exit_io = 74,            // reading or writing failed: disk full, I/O error
    exit_try_again = 75, // not now: the data directory is locked, a transfer was not seen in time
    exit_no_permission = 77, // a file may not be read or written by this user
};

} // namespace belfry::node
