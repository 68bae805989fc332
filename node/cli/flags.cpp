// SPDX-License-Identifier: Apache-2.0
// flags.cpp: the flags of the subcommands of commands.hpp; the one file of them that includes
// CLI11.
#include "node/cli/commands.hpp"
#include "node/rpc/commitment.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>

namespace belfry::node {

namespace {

void add_commitment(CLI::App& command, const std::string& flag, Commitment& target)
{
    const CLI::callback_t read = [flag, &target](const CLI::results_t& texts) {
        const std::optional<Commitment> commitment = commitment_from(texts.back());
        if (!commitment) {
            throw CLI::ValidationError(flag, "'" + texts.back() +
                                                 "' must be processed, confirmed or finalized");
        }
        target = *commitment;
        return true;
    };
    command.add_option(flag, read, "processed, confirmed or finalized")->default_str("finalized");
}

void add_node_address(CLI::App& command, NodeAddress& address)
{
    auto* const rpc = command.add_option("--rpc", address.rpc_url, "RPC address of a node")
                          ->default_str(std::string(rpc_url_default));
    command.add_option("--config", address.config, "ask the node of this node.toml")->excludes(rpc);
}

/// Options live in the callback, which lives as long as the App.
template <class Options>
std::shared_ptr<Options> on_chosen(CLI::App& command, int* exit_code, int (*run)(const Options&))
{
    auto options = std::make_shared<Options>();
    command.callback([options, exit_code, run] { *exit_code = run(*options); });
    return options;
}

} // namespace

void add_keygen(CLI::App& app, int* exit_code)
{
    CLI::App& command = *app.add_subcommand(
        "keygen", "make a key file (mode 0600) and print its public key; never overwrites");
    const auto options = on_chosen(command, exit_code, run_keygen);
    command.add_option("--out,file", options->out, "the file to write")->required();
}

void add_genesis(CLI::App& app, int* exit_code)
{
    CLI::App& command = *app.add_subcommand(
        "genesis", "write the genesis file of a cluster and print its hash; never overwrites");
    const auto options = on_chosen(command, exit_code, run_genesis);
    command.add_option("--out,file", options->out, "the file to write")->required();
    command.add_option("--from", options->from, "start from this genesis TOML");
    command.add_option("--validator", options->validators,
                       "[NAME=]PUBKEY[:STAKE], once for each; stake 1000000000 if not given");
    command.add_option("--account", options->accounts, "PUBKEY:LAMPORTS, once for each");
    command.add_option("--name", options->name, "name of the cluster");
    command.add_option("--slot-ms", options->slot_ms, "length of a slot (600)");
    command.add_option("--ticks-per-slot", options->ticks_per_slot, "ticks in a slot (64)");
    command.add_option("--hashes-per-slot", options->hashes_per_slot,
                       "hashes in a slot, a multiple of the ticks (128000)");
    command.add_option("--slots-per-epoch", options->slots_per_epoch, "slots in an epoch (10000)");
    command.add_option("--lamports-per-signature", options->lamports_per_signature,
                       "base fee (5000)");
    command.add_flag("--no-certificates", options->no_certificates,
                     "final is what > 2/3 of stake has rooted, 32 votes deep");
}

void add_transfer(CLI::App& app, int* exit_code)
{
    CLI::App& command =
        *app.add_subcommand("transfer", "move lamports and wait until the block is final");
    const auto options = on_chosen(command, exit_code, run_transfer);
    add_node_address(command, options->node);
    command.add_option("--key", options->key, "key file of the payer")->required();
    command.add_option("--to,to", options->to, "public key of the receiver")->required();
    command.add_option("--lamports,lamports", options->lamports, "amount")->required();
    add_commitment(command, "--wait", options->wait_for);
    command.add_option("--timeout", options->timeout_seconds, "seconds to wait")
        ->capture_default_str();
}

void add_balance(CLI::App& app, int* exit_code)
{
    CLI::App& command = *app.add_subcommand("balance", "print the lamports of an account");
    const auto options = on_chosen(command, exit_code, run_balance);
    add_node_address(command, options->node);
    command.add_option("account", options->account, "public key of the account")->required();
    add_commitment(command, "--commitment", options->commitment);
}

void add_certificate(CLI::App& app, int* exit_code)
{
    CLI::App& command = *app.add_subcommand(
        "certificate", "print the certificates of a slot, verified from the genesis stakes alone");
    const auto options = on_chosen(command, exit_code, run_certificate);
    add_node_address(command, options->node);
    command.add_option("--genesis", options->genesis, "the genesis file (that of --config)");
    command.add_option("slot", options->slot, "the slot")->required();
}

void add_evidence(CLI::App& app, int* exit_code)
{
    CLI::App& command = *app.add_subcommand(
        "evidence", "print what proves that a validator broke the rules, verified");
    const auto options = on_chosen(command, exit_code, run_evidence);
    add_node_address(command, options->node);
    command.add_option("--genesis", options->genesis, "the genesis file (that of --config)");
}

void add_status(CLI::App& app, int* exit_code)
{
    CLI::App& command = *app.add_subcommand(
        "status", "slot, root, finalized, leader, peers, votes and counters of a running node");
    const auto options = on_chosen(command, exit_code, run_status);
    add_node_address(command, options->node);
    command.add_flag("--json", options->json, "as JSON");
}

void add_tx(CLI::App& app, int* exit_code)
{
    CLI::App& group = *app.add_subcommand("tx", "about one transaction");
    group.require_subcommand(1);
    CLI::App& command = *group.add_subcommand(
        "why", "where a transaction is, or what dropped it and why, as one node knows");
    const auto options = on_chosen(command, exit_code, run_tx_why);
    add_node_address(command, options->node);
    command.add_option("signature", options->signature, "its first signature, base58")->required();
}

void add_config(CLI::App& app, int* exit_code)
{
    app.add_subcommand("config", "print a commented node.toml with every key and its default")
        ->callback([exit_code] { *exit_code = run_config(); });
}

void add_version(CLI::App& app, int* exit_code)
{
    app.add_subcommand("version", "print the version")->callback([exit_code] {
        *exit_code = run_version();
    });
}

int parse_program(CLI::App& app, int argc, const char* const* argv, const int& exit_code)
{
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
            return app.exit(error); // --help
        }
        std::string chosen = app.get_name();
        for (const CLI::App* const command : app.get_subcommands()) {
            chosen += " " + command->get_name();
        }
        (void)std::fprintf(stderr, "belfry: %s; see `%s --help`\n", error.what(), chosen.c_str());
        return exit_usage;
    }
    return exit_code;
}

} // namespace belfry::node
