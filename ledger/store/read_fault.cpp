// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/read_fault.hpp"

#include <unistd.h>

#include <csignal>
#include <string_view>

namespace belfry::ledger {

namespace {
volatile std::sig_atomic_t code_at_fault = 1;

void end(int /*signal*/)
{
    constexpr std::string_view text = "belfry: ledger: a page of the data directory cannot be read "
                                      "(io): check the disk, then start again\n";
    (void)!::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(code_at_fault);
}
} // namespace

void exit_on_read_fault(int exit_code)
{
    code_at_fault = exit_code;
    struct sigaction action{};
    action.sa_handler = end;
    (void)::sigaction(SIGBUS, &action, nullptr);
}

} // namespace belfry::ledger
