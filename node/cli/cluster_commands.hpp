// SPDX-License-Identifier: Apache-2.0
#pragma once
// cluster_commands.hpp: the subcommands that run validators or load them: run, local-cluster, load,
// demo. Flags and exit codes as in commands.hpp.

namespace CLI { // NOLINT(readability-identifier-naming): the library's
class App;
}

namespace belfry::node {

void add_run(CLI::App& app, int* exit_code);
void add_local_cluster(CLI::App& app, int* exit_code);
void add_load(CLI::App& app, int* exit_code);
void add_demo(CLI::App& app, int* exit_code);

} // namespace belfry::node
