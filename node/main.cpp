// SPDX-License-Identifier: Apache-2.0
// main.cpp: the one binary, `belfry`: picks the subcommand. Exit codes: node/cli/exit_code.hpp.
#include "node/cli/cluster_commands.hpp"
#include "node/cli/commands.hpp"
#include "node/cli/sim_command.hpp"
#include "node/version.hpp"

#include <CLI/CLI.hpp>

int main(int argc, char** argv)
{
    int exit_code = belfry::node::exit_ok;
    CLI::App app("Belfry, a blockchain node", "belfry");
    app.require_subcommand(1);
    belfry::node::add_keygen(app, &exit_code);
    belfry::node::add_genesis(app, &exit_code);
    belfry::node::add_config(app, &exit_code);
    belfry::node::add_transfer(app, &exit_code);
    belfry::node::add_balance(app, &exit_code);
    belfry::node::add_certificate(app, &exit_code);
    belfry::node::add_evidence(app, &exit_code);
    belfry::node::add_status(app, &exit_code);
    belfry::node::add_tx(app, &exit_code);
    belfry::node::add_version(app, &exit_code);
    belfry::node::add_run(app, &exit_code);
    belfry::node::add_local_cluster(app, &exit_code);
    belfry::node::add_load(app, &exit_code);
    belfry::node::add_demo(app, &exit_code);
    belfry::node::add_sim(app, &exit_code);
    return belfry::node::parse_program(app, argc, argv, exit_code);
}
