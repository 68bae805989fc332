// SPDX-License-Identifier: Apache-2.0
#include "node/config.hpp"

#include "base/one_line.hpp"
#include "crypto/base58.hpp"
#include "node/fault_switches.hpp"
#include "node/retention.hpp"
#include "node/toml_section.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

namespace belfry::node {

namespace {

constexpr std::uintmax_t config_bytes_max = 4U << 20;
constexpr std::uint64_t toml_integer_max = INT64_MAX;

/// A roster address: somebody else must be able to send to it.
Endpoint roster_endpoint(const TomlSection& section, std::string_view key)
{
    const Endpoint endpoint = section.endpoint(key);
    if (endpoint.port == 0 || endpoint.is_wildcard()) {
        section.fail(key, fmt::format("is {}; others cannot send there, give the real address and "
                                      "port",
                                      endpoint.to_string()));
    }
    return endpoint;
}

ValidatorEntry read_validator(const TomlSection& section)
{
    ValidatorEntry entry;
    entry.name = section.text("name");
    entry.pubkey = section.pubkey("pubkey");
    entry.transactions = roster_endpoint(section, "transactions");
    entry.forwards = roster_endpoint(section, "forwards");
    entry.shreds = roster_endpoint(section, "shreds");
    entry.votes = roster_endpoint(section, "votes");
    entry.repair = roster_endpoint(section, "repair");
    entry.rpc = roster_endpoint(section, "rpc");
    return entry;
}

/// Two sockets cannot share an address; the RPC's are TCP, the others UDP.
class AddressBook {
public:
    void add(const TomlSection& section, std::string_view key, const Endpoint& endpoint,
             const std::string& validator)
    {
        auto& used = key == "rpc" ? tcp_ : udp_;
        const auto [found, is_new] =
            used.emplace(endpoint, fmt::format("{} of '{}'", key, validator));
        if (!is_new) {
            section.fail(key, fmt::format("is {}, which is also {}; each socket needs its own",
                                          endpoint.to_string(), found->second));
        }
    }

private:
    std::map<Endpoint, std::string> udp_;
    std::map<Endpoint, std::string> tcp_;
};

void read_roster(const TomlSection& root, std::string_view file, NodeConfig& config)
{
    root.require("validator");
    AddressBook book;
    std::map<Pubkey, std::string> keys;
    for (const toml::table* const table : root.tables("validator")) {
        const TomlSection section(
            *table, file, "[[validator]]",
            {"name", "pubkey", "transactions", "forwards", "shreds", "votes", "repair", "rpc"});
        ValidatorEntry entry = read_validator(section);
        const auto [found, is_new] = keys.emplace(entry.pubkey, entry.name);
        if (!is_new) {
            section.fail("pubkey", fmt::format("is also that of '{}'", found->second));
        }
        book.add(section, "transactions", entry.transactions, entry.name);
        book.add(section, "forwards", entry.forwards, entry.name);
        book.add(section, "shreds", entry.shreds, entry.name);
        book.add(section, "votes", entry.votes, entry.name);
        book.add(section, "repair", entry.repair, entry.name);
        book.add(section, "rpc", entry.rpc, entry.name);
        config.validators.push_back(std::move(entry));
    }
    if (config.validators.empty()) {
        root.fail("validator", "is empty; list every validator of genesis");
    }
}

/// A file that a configuration names; what is relative is meant from the configuration's folder.
std::filesystem::path path_of(const TomlSection& section, std::string_view key,
                              const std::filesystem::path& config_file)
{
    const std::string text = section.text(key);
    if (text.empty() || text.find('\0') != std::string::npos) {
        section.fail(key, "must name a file");
    }
    return config_file.parent_path() / text; // an absolute text replaces the folder
}

void read_node(const TomlSection& node, NodeConfig& config)
{
    config.identity_key = path_of(node, "identity", config.file);
    config.data_directory = path_of(node, "data", config.file);
    config.genesis = path_of(node, "genesis", config.file);
    if (node.has("listen")) {
        const std::string text = node.text("listen");
        config.listen = Endpoint::parse(text + ":1");
        if (!config.listen) {
            config.listen = Endpoint::parse("[" + text + "]:1");
        }
        if (!config.listen) {
            node.fail("listen", "must be an IPv4 or IPv6 address without a port");
        }
    }
}

void read_store_and_turbine(const TomlSection& root, std::string_view file, NodeConfig& config)
{
    const TomlSection turbine(root.table("turbine"), file, "[turbine]", {"fanout"});
    turbine.number("fanout", config.turbine.fanout, {1, 1024});
    const TomlSection store(root.table("store"), file, "[store]",
                            {"map_size_mb", "account_flush_blocks", "keep_slots"});
    store.number("map_size_mb", config.store.map_size_mb, {16, 16U << 20});
    store.number("account_flush_blocks", config.store.account_flush_blocks, {1, 10'000});
    store.number("keep_slots", config.store.keep_slots, {kept_slots_min, toml_integer_max});
    const TomlSection repair(root.table("repair"), file, "[repair]",
                             {"requests_per_second", "replies_per_second"});
    repair.number("requests_per_second", config.repair.requests_per_second, {1, 1'000'000});
    repair.number("replies_per_second", config.repair.replies_per_second, {1, 1'000'000});
}

void read_ingress(const TomlSection& root, std::string_view file, NodeConfig& config)
{
    const TomlSection ingress(root.table("ingress"), file, "[ingress]",
                              {"packets_per_second", "burst_packets", "strangers_per_second"});
    ingress.number("packets_per_second", config.ingress.packets_per_second, {1, 100'000'000});
    ingress.number("burst_packets", config.ingress.burst_packets, {1, 100'000'000});
    ingress.number("strangers_per_second", config.ingress.strangers_per_second, {1, 100'000'000});
}

void read_threads(const TomlSection& root, std::string_view file, NodeConfig& config)
{
    const TomlSection idle(root.table("idle"), file, "[idle]", {"policy", "spin_us"});
    if (idle.has("policy")) {
        config.idle.policy =
            idle.choice("policy", {"sleep", "spin"}) == 0 ? IdlePolicy::sleep : IdlePolicy::spin;
    }
    idle.number("spin_us", config.idle.spin_us, {0, 1'000'000});
    const TomlSection threads(root.table("threads"), file, "[threads]",
                              {"execution", "pin", "cores"});
    threads.number("execution", config.threads.execution, {1, 256});
    threads.flag("pin", config.threads.pin);
    threads.numbers("cores", config.threads.cores);
    if (!config.threads.pin && !config.threads.cores.empty()) {
        threads.fail("cores", "is given but pin is false; set pin = true or leave cores empty");
    }
}

void read_rpc_and_log(const TomlSection& root, std::string_view file, NodeConfig& config)
{
    const TomlSection rpc(root.table("rpc"), file, "[rpc]",
                          {"listen", "websocket", "connections_max", "body_bytes_max",
                           "idle_seconds", "faucet", "faucet_lamports_max"});
    if (rpc.has("listen")) {
        config.rpc.listen = rpc.endpoint("listen");
        config.rpc.listen_given = true;
    }
    if (rpc.has("websocket")) {
        config.rpc.websocket = rpc.endpoint("websocket");
        config.rpc.websocket_given = true;
    }
    if (rpc.has("faucet")) {
        config.rpc.faucet = config.file.parent_path() / rpc.text("faucet");
    }
    rpc.number("faucet_lamports_max", config.rpc.faucet_lamports_max, {1, toml_integer_max});
    rpc.number("connections_max", config.rpc.connections_max, {1, 1'000'000});
    rpc.number("body_bytes_max", config.rpc.body_bytes_max, {2048, 64U << 20});
    rpc.number("idle_seconds", config.rpc.idle_seconds, {20, 3600}); // web3.js keeps one 19 s
    const TomlSection log(root.table("log"), file, "[log]", {"level"});
    if (log.has("level")) {
        config.log.level = LogLevel{
            static_cast<std::uint8_t>(log.choice("level", {"debug", "info", "warn", "error"}))};
    }
}

FaultSwitches read_faults(const TomlSection& root, std::string_view file, NodeConfig& config)
{
    const TomlSection faults(
        root.table("faults"), file, "[faults]",
        {"drop_shreds", "drop_votes", "seed", "partition_file", "equivocate", "dies_of"});
    faults.share("drop_shreds", config.faults.drop_shreds);
    faults.share("drop_votes", config.faults.drop_votes);
    faults.number("seed", config.faults.seed, {0, toml_integer_max});
    FaultSwitches switches;
    if (faults.has("partition_file")) {
        switches.partition_file = path_of(faults, "partition_file", config.file);
    }
    faults.flag("equivocate", switches.equivocate);
    if (faults.has("dies_of")) {
        switches.dies_of = faults.pubkey("dies_of");
    }
    return switches;
}

std::string name_of(const Pubkey& key)
{
    return crypto::to_base58(key);
}

std::pair<NodeConfig, FaultSwitches> parse_all(std::string_view text,
                                               const std::filesystem::path& file)
{
    const std::string place = file.string();
    toml::table table;
    try {
        table = parse_toml(text, place);
    } catch (const std::runtime_error& error) {
        throw ConfigError(error.what());
    }
    NodeConfig config;
    config.file = file;
    const TomlSection root(table, place, "",
                           {"node", "validator", "turbine", "store", "idle", "threads", "rpc",
                            "ingress", "repair", "log", "faults"});
    root.require("node");
    const TomlSection node(root.table("node"), place, "[node]",
                           {"identity", "data", "genesis", "listen"});
    read_node(node, config);
    read_roster(root, place, config);
    read_store_and_turbine(root, place, config);
    read_threads(root, place, config);
    read_rpc_and_log(root, place, config);
    read_ingress(root, place, config);
    FaultSwitches switches = read_faults(root, place, config);
    return {std::move(config), std::move(switches)};
}

std::string text_of(const std::filesystem::path& file)
{
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(file, error);
    if (error) {
        throw ConfigError(fmt::format("{}: cannot be read: {}; `belfry config` prints a file to "
                                      "start from",
                                      file.string(), error.message()));
    }
    if (size > config_bytes_max) {
        throw ConfigError(fmt::format("{}: {} bytes is no configuration; at most {}", file.string(),
                                      size, config_bytes_max));
    }
    std::ifstream stream(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (!stream) {
        throw ConfigError(
            fmt::format("{}: cannot be read; check that this user may open it", file.string()));
    }
    return text;
}

} // namespace

NodeConfig parse_config(std::string_view text, const std::filesystem::path& file)
{
    return parse_all(text, file).first;
}

NodeConfig load_config(const std::filesystem::path& file)
{
    return parse_config(text_of(file), file);
}

FaultSwitches parse_fault_switches(std::string_view text, const std::filesystem::path& file)
{
    return parse_all(text, file).second;
}

FaultSwitches load_fault_switches(const NodeConfig& config)
{
    return parse_fault_switches(text_of(config.file), config.file);
}

std::string faults_in_words(const NodeConfig::Faults& losses, const FaultSwitches& switches)
{
    std::string text;
    if (losses.drop_shreds > 0 || losses.drop_votes > 0) {
        text += ", loses shreds and votes";
    }
    if (!switches.partition_file.empty()) {
        text += ", does not hear whom " + switches.partition_file.string() + " names";
    }
    if (switches.equivocate) {
        text += ", signs two blocks for each of its slots";
    }
    if (switches.dies_of) {
        text += ", dies of transactions that name " + name_of(*switches.dies_of);
    }
    return text.empty() ? text : "by [faults] this node" + text.substr(1);
}

void check_against_genesis(const NodeConfig& config, const ledger::Genesis& genesis)
{
    for (const ledger::GenesisValidator& validator : genesis.validators) {
        if (config.find(validator.identity) == nullptr) {
            throw ConfigError(
                fmt::format("{}: validator '{}' ({}) of {} has no [[validator]] here; "
                            "add it with its addresses",
                            config.file.string(), validator.name, name_of(validator.identity),
                            config.genesis.string()));
        }
    }
    for (const ValidatorEntry& entry : config.validators) {
        const auto found = std::ranges::find(genesis.validators, entry.pubkey,
                                             &ledger::GenesisValidator::identity);
        if (found == genesis.validators.end()) {
            throw ConfigError(fmt::format("{}: [[validator]] '{}' ({}) is no validator of {}; take "
                                          "it out, or use the genesis of this cluster",
                                          config.file.string(), entry.name, name_of(entry.pubkey),
                                          config.genesis.string()));
        }
    }
}

const ValidatorEntry* NodeConfig::find(const Pubkey& pubkey) const
{
    const auto found = std::ranges::find(validators, pubkey, &ValidatorEntry::pubkey);
    return found == validators.end() ? nullptr : &*found;
}

const ValidatorEntry& own_entry(const NodeConfig& config, const Pubkey& identity)
{
    const ValidatorEntry* const entry = config.find(identity);
    if (entry == nullptr) {
        throw ConfigError(
            fmt::format("{}: the key in {} is {}, which no [[validator]] has; use the "
                        "right key file or add the entry",
                        config.file.string(), config.identity_key.string(), name_of(identity)));
    }
    return *entry;
}

} // namespace belfry::node
