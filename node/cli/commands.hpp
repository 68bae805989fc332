// SPDX-License-Identifier: Apache-2.0
#pragma once
// commands.hpp: the subcommands of `belfry` that need no running node inside this process.
// Shapes   add_xxx() registers a subcommand and its flags; when it was chosen, its callback runs
//          run_xxx() and leaves the exit code in *exit_code. run_xxx() prints results on stdout and
//          one line on stderr when something is wrong (what, where, what to do).
// Errors   run_xxx() throws nothing; see exit_code.hpp.

#include "base/bytes.hpp"
#include "node/cli/exit_code.hpp"
#include "node/rpc/backend.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace CLI { // NOLINT(readability-identifier-naming): the library names it so
class App;
}

namespace belfry::node {

void add_keygen(CLI::App& app, int* exit_code);
void add_genesis(CLI::App& app, int* exit_code);
void add_transfer(CLI::App& app, int* exit_code);
void add_balance(CLI::App& app, int* exit_code);
void add_certificate(CLI::App& app, int* exit_code);
void add_evidence(CLI::App& app, int* exit_code);
void add_status(CLI::App& app, int* exit_code);
void add_config(CLI::App& app, int* exit_code);
void add_tx(CLI::App& app, int* exit_code);
void add_version(CLI::App& app, int* exit_code);

/// Parses the arguments, which runs the subcommand, and returns what main returns: exit_code as the
/// subcommand left it, exit_ok for --help, exit_usage and one line on stderr for wrong arguments.
[[nodiscard]] int parse_program(CLI::App& app, int argc, const char* const* argv,
                                const int& exit_code);

struct KeygenOptions {
    std::filesystem::path out;
};
/// Writes a new key file and prints its public key.
[[nodiscard]] int run_keygen(const KeygenOptions& options);

struct GenesisOptions {
    std::filesystem::path out;
    std::filesystem::path from;          // a genesis TOML to start from; flags change or add
    std::vector<std::string> validators; // "[NAME=]PUBKEY[:STAKE]"
    std::vector<std::string> accounts;   // "PUBKEY:LAMPORTS"
    std::optional<std::string> name;
    std::optional<std::uint32_t> slot_ms;
    std::optional<std::uint32_t> ticks_per_slot;
    std::optional<std::uint64_t> hashes_per_slot;
    std::optional<std::uint64_t> slots_per_epoch;
    std::optional<std::uint64_t> lamports_per_signature;
    bool no_certificates = false;
};
/// Writes a genesis file and prints the genesis hash.
[[nodiscard]] int run_genesis(const GenesisOptions& options);

/// How a command finds a node: an RPC URL, or a node.toml; else this machine's usual port.
struct NodeAddress {
    std::string rpc_url;
    std::filesystem::path config;
};
inline constexpr std::string_view rpc_url_default = "http://127.0.0.1:8899";
/// The RPC URL; of a node.toml, that node's own (of the roster's first entry if its key cannot be
/// read by this user). Throws ConfigError.
[[nodiscard]] std::string rpc_url_of(const NodeAddress& address);

struct TransferOptions {
    NodeAddress node;
    std::filesystem::path key;
    std::string to;
    std::uint64_t lamports = 0;
    Commitment wait_for = Commitment::finalized;
    std::uint64_t timeout_seconds = 90;
};
/// Sends a transfer and waits until its block has reached the level wanted; prints when it reached
/// which. exit_failed: executed with an error; exit_try_again: too old, or not seen in time.
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

struct TxWhyOptions {
    NodeAddress node;
    std::string signature;
};
/// Says where a transaction is, or what dropped it and why. exit_failed: it failed or was dropped;
/// exit_try_again: this node knows nothing of it.
[[nodiscard]] int run_tx_why(const TxWhyOptions& options);

struct ProofOptions {
    NodeAddress node;
    std::filesystem::path genesis; // its stakes are believed, the node is not
    std::uint64_t slot = 0;        // certificate only
};
/// Prints the certificates of a slot and verifies them; exit_failed when there is none, or one is
/// not true.
[[nodiscard]] int run_certificate(const ProofOptions& options);
/// Prints the evidence against validators that a node has, each verified.
[[nodiscard]] int run_evidence(const ProofOptions& options);

[[nodiscard]] int run_config();
[[nodiscard]] int run_version();

/// A command cannot go on; the exit code says of what kind.
class CommandError : public std::runtime_error {
public:
    CommandError(ExitCode exit_code, const std::string& text)
        : std::runtime_error(text)
        , exit_code_(exit_code)
    {
    }
    [[nodiscard]] ExitCode exit_code() const { return exit_code_; }

private:
    ExitCode exit_code_;
};

/// Runs body; what it throws becomes one line on stderr and an exit code: that of a CommandError,
/// exit_bad_data for other std::runtime_errors (files and their values), exit_io for the system's.
[[nodiscard]] int guarded(const std::function<int()>& body) noexcept;

/// base58 of 32 bytes. Throws CommandError(exit_usage) that names the argument.
[[nodiscard]] Pubkey pubkey_argument(std::string_view argument, std::string_view text);

} // namespace belfry::node
