// SPDX-License-Identifier: Apache-2.0
#pragma once
// commands.hpp: the subcommands of `belfry` that need no running node inside this process.
// Shapes   add_xxx() registers a subcommand and its flags; when it was chosen, its callback runs
//          run_xxx() and leaves the exit code in *exit_code. run_xxx() prints results on stdout and
//          one line on stderr when something is wrong (what, where, what to do).
// Errors   run_xxx() throws nothing; see exit_code.hpp.

#include "base/strong.hpp"
#include "node/cli/exit_code.hpp"
#include "node/rpc/backend.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace belfry::node {

void add_keygen(CLI::App& app, int* exit_code);
void add_genesis(CLI::App& app, int* exit_code);
void add_transfer(CLI::App& app, int* exit_code);
void add_balance(CLI::App& app, int* exit_code);
void add_status(CLI::App& app, int* exit_code);
void add_config(CLI::App& app, int* exit_code);
void add_version(CLI::App& app, int* exit_code);

struct KeygenOptions {
    std::filesystem::path file;
};
[[nodiscard]] int run_keygen(const KeygenOptions& options);

struct GenesisOptions {
    std::filesystem::path out;
    std::filesystem::path from;          // a TOML file; flags below are added to it
    std::vector<std::string> validators; // "PUBKEY[:STAKE_LAMPORTS[:BALANCE_LAMPORTS]]"
    std::vector<std::string> accounts;   // "PUBKEY:LAMPORTS"
    std::optional<std::uint64_t> slot_ms;
    std::optional<std::uint64_t> ticks_per_slot;
    std::optional<std::uint64_t> hashes_per_slot;
    std::optional<std::uint64_t> slots_per_epoch;
    std::optional<std::uint64_t> lamports_per_signature;
};
[[nodiscard]] int run_genesis(const GenesisOptions& options);

/// How a command finds a node: --rpc URL, or --config node.toml (the own or first validator).
struct NodeAddress {
    std::string rpc_url;
    std::filesystem::path config;
};

struct TransferOptions {
    NodeAddress node;
    std::filesystem::path key;
    std::string to;
    std::uint64_t lamports = 0;
    Commitment wait_for = Commitment::finalized;
    std::uint64_t timeout_seconds = 90;
};
[[nodiscard]] int run_transfer(const TransferOptions& options);

struct BalanceOptions {
    NodeAddress node;
    std::string account;
    Commitment commitment = Commitment::finalized;
};
[[nodiscard]] int run_balance(const BalanceOptions& options);

struct StatusOptions {
    NodeAddress node;
    bool json = false;
};
[[nodiscard]] int run_status(const StatusOptions& options);

/// Runs body; what it throws becomes one line on stderr and the exit code it carries.
[[nodiscard]] int guarded(const char* command, const std::function<int()>& body) noexcept;

} // namespace belfry::node
