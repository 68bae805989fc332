// SPDX-License-Identifier: Apache-2.0
#pragma once
// config.hpp: node.toml, read once at start-up, checked, with every default in one place.
// Shapes   node/default.toml is the commented default configuration; it names every key.
//          Relative paths are meant from the folder of node.toml. The roster lists every validator
//          with all its addresses; no address is computed from another.
// Errors   ConfigError, one line: file:line, what is wrong, what to do. An unknown key is an error
//          that names the nearest known one.

#include "base/bytes.hpp"
#include "dataplane/net/endpoint.hpp"
#include "ledger/model/genesis.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace belfry::node {

using dataplane::Endpoint;

class ConfigError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// One validator of the roster; all nodes of a cluster hold the same list.
struct ValidatorEntry {
    std::string name;
    Pubkey pubkey;
    Endpoint transactions; // UDP, from clients: bare Solana transactions
    Endpoint forwards;     // UDP, from validators
    Endpoint shreds;       // UDP
    Endpoint votes;        // UDP
    Endpoint repair;       // UDP
    Endpoint rpc;          // HTTP
};

enum class IdlePolicy : std::uint8_t { sleep, spin };
enum class LogLevel : std::uint8_t { debug, info, warn, error };

struct NodeConfig {
    std::filesystem::path file; // where this was read from

    std::filesystem::path identity_key;   // [node] identity: the key file
    std::filesystem::path data_directory; // [node] data
    std::filesystem::path genesis;        // [node] genesis
    /// [node] listen: the address that the UDP sockets are bound to, with the roster's ports; its
    /// port means nothing. None: the roster's addresses.
    std::optional<Endpoint> listen;
    std::vector<ValidatorEntry> validators;

    struct Turbine {
        std::uint32_t fanout = 8;
    } turbine;
    struct Store {
        std::uint64_t map_size_mb = 4096;
        std::uint32_t account_flush_blocks = 32; // accounts of so many final blocks in one batch
        std::uint64_t keep_slots = 100'000;      // blocks kept below finalized
    } store;
    struct Idle {
        IdlePolicy policy = IdlePolicy::sleep;
        std::uint32_t spin_us = 50; // looks at its links that long before it sleeps
    } idle;
    struct Threads {
        std::uint32_t execution = 2; // of the oneTBB arena
        bool pin = false;
        std::vector<std::uint32_t> cores; // for pin; tiles take them in order of the topology
    } threads;
    struct Rpc {
        Endpoint listen; // default: the roster's rpc address of this node
        bool listen_given = false;
        std::uint32_t connections_max = 1024;
        std::uint32_t body_bytes_max = 64 * 1024;
        std::uint32_t idle_seconds = 30;
        Endpoint websocket; // subscriptions; also by upgrade at listen
        bool websocket_given = false;
        std::filesystem::path faucet; // key file for requestAirdrop; empty: none
        std::uint64_t faucet_lamports_max = 10'000'000'000;
    } rpc;
    struct Ingress { // what one source may send (dataplane/ingress/admission.hpp)
        std::uint32_t packets_per_second = 20'000;
        std::uint32_t burst_packets = 10'000;
        std::uint32_t strangers_per_second = 100;
    } ingress;
    struct Repair {
        std::uint32_t requests_per_second = 2000; // that this node sends
        std::uint32_t replies_per_second = 4000;  // that this node gives each peer
    } repair;
    struct Log {
        LogLevel level = LogLevel::info;
    } log;
    struct Faults { // for tests: what this node loses, by seed
        double drop_shreds = 0;
        double drop_votes = 0;
        std::uint64_t seed = 0;
    } faults;

    /// The roster's entry of a key. nullptr: not in the roster.
    [[nodiscard]] const ValidatorEntry* find(const Pubkey& pubkey) const;
};

[[nodiscard]] NodeConfig load_config(const std::filesystem::path& file);
/// The same from text; `file` is for messages and for relative paths.
[[nodiscard]] NodeConfig parse_config(std::string_view text, const std::filesystem::path& file);
/// Throws when the roster's keys are not exactly the validators of genesis.
void check_against_genesis(const NodeConfig& config, const ledger::Genesis& genesis);
/// Throws when this node's key is not in the roster.
[[nodiscard]] const ValidatorEntry& own_entry(const NodeConfig& config, const Pubkey& identity);
/// The commented default configuration, as `belfry config` prints it.
[[nodiscard]] std::string_view default_config_text();
/// node.toml for the given values (every key that differs from its default, and the roster).
[[nodiscard]] std::string to_toml(const NodeConfig& config);

} // namespace belfry::node
