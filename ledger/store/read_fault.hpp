// SPDX-License-Identifier: Apache-2.0
#pragma once
// read_fault.hpp: a page of a mapped file that the disk does not give ends the process in one line.
// LMDB reads through memory, where a failed read is no error code but SIGBUS, in whatever thread.
// Rule     nothing is tried again and nothing is unwound: what was acknowledged is on disk already.

namespace belfry::ledger {

/// For the whole process, once, at its start: says that the disk is at fault and exits with
/// exit_code.
void exit_on_read_fault(int exit_code);

} // namespace belfry::ledger
