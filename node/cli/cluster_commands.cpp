// SPDX-License-Identifier: Apache-2.0
#include "node/cli/cluster_commands.hpp"

#include "crypto/base58.hpp"
#include "node/cli/commands.hpp"
#include "node/cli/exit_code.hpp"
#include "node/config.hpp"
#include "node/demo/demo.hpp"
#include "node/demo/load_generator.hpp"
#include "node/demo/local_cluster.hpp"
#include "node/node.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>

namespace belfry::node {
namespace {

constexpr std::uint64_t hard_fork_slot_max = std::uint64_t{1} << 62;

struct RunFlags {
    std::string config;
    bool new_identity = false;
    std::optional<std::uint64_t> hard_fork;
};

struct LoadFlags {
    std::string config;
    std::string blockhash;
    LoadOptions load;
};

} // namespace

void add_run(CLI::App& app, int* exit_code)
{
    auto flags = std::make_shared<RunFlags>();
    CLI::App* const command = app.add_subcommand("run", "Run a validator until SIGINT or SIGTERM");
    command->add_option("--config", flags->config, "node.toml (see `belfry config`)")->required();
    command->add_flag("--new-identity", flags->new_identity,
                      "This key has never voted: begin a vote journal. Without a journal and "
                      "without this flag the node follows and signs nothing");
    command
        ->add_option("--hard-fork", flags->hard_fork,
                     "All validators have agreed to go on from this slot: blocks and own votes "
                     "above it are forgotten, once. Every validator must be stopped and started "
                     "with the same slot; nothing final may be above it")
        ->check(CLI::Range(std::uint64_t{0}, hard_fork_slot_max));
    command->callback([flags, exit_code] {
        *exit_code = guarded([&flags] {
            Node::Options options{.new_identity = flags->new_identity};
            if (flags->hard_fork) {
                options.hard_fork = Slot{*flags->hard_fork};
            }
            Node node(load_config(flags->config), options);
            return node.run();
        });
    });
}

void add_local_cluster(CLI::App& app, int* exit_code)
{
    auto options = std::make_shared<LocalClusterOptions>();
    CLI::App* const command =
        app.add_subcommand("local-cluster", "Write keys, genesis and configurations of a cluster "
                                            "on loopback; `belfry run` starts its validators");
    command->add_option("--dir", options->directory, "Where to write; must be new")->required();
    command->add_option("--validators", options->validator_count)->check(CLI::Range(1, 100));
    command->add_option("--slot-ms", options->slot_ms)->check(CLI::Range(20, 60'000));
    command->add_option("--slots-per-epoch", options->slots_per_epoch);
    command->add_option("--fanout", options->fanout)->check(CLI::Range(1, 1024));
    command->add_option("--load-accounts", options->load_account_count);
    command->add_option("--drop-shreds", options->faults.drop_shreds,
                        "Share of shreds each validator loses, for tests");
    command->add_option("--drop-votes", options->faults.drop_votes);
    command->add_option("--seed", options->faults.seed, "Of the losses");
    command
        ->add_option("--first-port", options->first_port,
                     "Take the free ports from here on (default: anywhere in 10000 to 29999)")
        ->check(CLI::Range(10'000, 29'999));
    command->add_flag("--ipv6", options->ipv6);
    command->add_flag("--no-certificates", options->no_certificates,
                      "Final is what > 2/3 of stake has rooted");
    command->callback([options, exit_code] {
        *exit_code = guarded([&options] {
            const LocalCluster cluster = write_local_cluster(*options);
            for (const std::filesystem::path& config : cluster.configs) {
                fmt::print("{}\n", config.string());
            }
            return static_cast<int>(exit_ok);
        });
    });
}

void add_load(CLI::App& app, int* exit_code)
{
    auto flags = std::make_shared<LoadFlags>();
    LoadOptions& load = flags->load;
    CLI::App* const command = app.add_subcommand(
        "load", "Send signed transfers to all validators of a local cluster and watch them");
    command->add_option("--config", flags->config, "node.toml of any validator")->required();
    command->add_option("--rate", load.rate, "Transactions per second")
        ->check(CLI::Range(1, 1'000'000));
    command->add_option("--seconds", load.seconds);
    command->add_option("--drain-seconds", load.drain_seconds);
    command->add_option("--accounts", load.account_count, "As given to local-cluster");
    command
        ->add_option("--sample-per-mille", load.sample_per_mille, "Share whose latency is measured")
        ->check(CLI::Range(10, 1000));
    command->add_option("--blockhash", flags->blockhash,
                        "Recent blockhash that every transaction names; default: the newest");
    command->add_option("--report", load.report, "JSON summary, written at the end");
    command->add_option("--sent", load.sent, "What was sent, for the audit");
    command->add_option("--progress", load.progress, "JSON, replaced twice a second");
    command->callback([flags, exit_code] {
        *exit_code = guarded([&flags] {
            flags->load.validators = load_config(flags->config).validators;
            if (!flags->blockhash.empty()) {
                flags->load.blockhash = crypto::fixed_from_base58<Hash>(flags->blockhash);
                if (!flags->load.blockhash) {
                    throw std::runtime_error("load: --blockhash is not 32 bytes in base58");
                }
            }
            return run_load(flags->load);
        });
    });
}

void add_demo(CLI::App& app, int* exit_code)
{
    auto options = std::make_shared<DemoOptions>();
    CLI::App* const command = app.add_subcommand(
        "demo", "Run a cluster on this machine under load, kill a validator, bring it back, and "
                "check everything");
    command->add_option("--validators", options->validator_count)->check(CLI::Range(1, 100));
    command->add_option("--rate", options->rate, "Transfers per second")
        ->check(CLI::Range(1, 1'000'000));
    command->add_option("--seconds", options->seconds, "Of load")->check(CLI::Range(1, 86'400));
    command->add_option("--slot-ms", options->slot_ms)->check(CLI::Range(20, 60'000));
    command->add_option("--fanout", options->fanout)->check(CLI::Range(1, 1024));
    command->add_flag("--no-kill", options->no_kill, "No validator is killed");
    command->add_flag("--no-certificates", options->no_certificates,
                      "Final is what > 2/3 of stake has rooted");
    command->add_option("--report", options->report, "Where the report goes");
    command->add_option("--dir", options->directory, "Working directory; replaced");
    command->callback(
        [options, exit_code] { *exit_code = guarded([&options] { return run_demo(*options); }); });
}

} // namespace belfry::node
