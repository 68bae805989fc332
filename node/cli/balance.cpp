// SPDX-License-Identifier: Apache-2.0
#include "node/cli/commands.hpp"
#include "node/rpc/rpc_client.hpp"

#include <fmt/core.h>

#include <cstdio>

namespace belfry::node {

int run_balance(const BalanceOptions& options)
{
    return guarded([&options]() -> int {
        const Pubkey account = pubkey_argument("account", options.account);
        RpcClient client(rpc_url_of(options.node));
        const auto balance = client.balance(account, options.commitment);
        if (!balance) {
            throw CommandError(exit_unavailable, client.last_failure().text);
        }
        fmt::print("{} lamports\n", balance->value);
        return exit_ok;
    });
}

} // namespace belfry::node
