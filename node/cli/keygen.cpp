// SPDX-License-Identifier: Apache-2.0
#include "crypto/base58.hpp"
#include "crypto/keypair.hpp"
#include "node/cli/commands.hpp"
#include "tune/process_guard.hpp"

#include <fmt/core.h>

#include <cstdio>

namespace belfry::node {

int run_keygen(const KeygenOptions& options)
{
    return guarded([&options]() -> int {
        (void)tune::guard_this_process();
        const crypto::Keypair keypair = crypto::Keypair::generate();
        try {
            keypair.save(options.out);
        } catch (const std::runtime_error& error) {
            throw CommandError(exit_cannot_create, error.what());
        }
        fmt::print("{}\n", crypto::to_base58(keypair.pubkey()));
        return exit_ok;
    });
}

} // namespace belfry::node
