// SPDX-License-Identifier: Apache-2.0
#include "crypto/base58.hpp"
#include "node/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

namespace belfry::node {

namespace {

/// A TOML basic string.
std::string toml_string(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\u{:04x}", byte);
        } else {
            out += c;
        }
    }
    return out + '"';
}

/// An endpoint without its port.
std::string address_of(const Endpoint& endpoint)
{
    const std::string text = endpoint.to_string();
    const std::string host = text.substr(0, text.rfind(':'));
    return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

std::string roster_text(const std::vector<ValidatorEntry>& validators)
{
    std::string out;
    for (const ValidatorEntry& entry : validators) {
        out += fmt::format("[[validator]]\nname = {}\npubkey = \"{}\"\ntransactions = \"{}\"\n"
                           "forwards = \"{}\"\nshreds = \"{}\"\nvotes = \"{}\"\nrepair = \"{}\"\n"
                           "rpc = \"{}\"\n\n",
                           toml_string(entry.name), crypto::to_base58(entry.pubkey),
                           entry.transactions.to_string(), entry.forwards.to_string(),
                           entry.shreds.to_string(), entry.votes.to_string(),
                           entry.repair.to_string(), entry.rpc.to_string());
    }
    return out;
}

std::string faults_text(const NodeConfig::Faults& faults)
{
    return fmt::format("[faults]\ndrop_shreds = {:#}\ndrop_votes = {:#}\nseed = {}\n",
                       faults.drop_shreds, faults.drop_votes, faults.seed);
}

} // namespace

std::string_view default_config_text()
{
    static constexpr std::string_view text =
#include "default_config.inc" // node/default.toml as a raw string, made by CMake
        ;
    return text;
}

std::string to_toml(const NodeConfig& config)
{
    constexpr std::array<std::string_view, 4> levels{"debug", "info", "warn", "error"};
    std::string out = "# Every key is explained in what `belfry config` prints.\n\n";
    out += fmt::format("[node]\nidentity = {}\ndata = {}\ngenesis = {}\n",
                       toml_string(config.identity_key.string()),
                       toml_string(config.data_directory.string()),
                       toml_string(config.genesis.string()));
    if (config.listen) {
        out += fmt::format("listen = {}\n", toml_string(address_of(*config.listen)));
    }
    out += '\n';
    out += roster_text(config.validators);
    out += fmt::format("[turbine]\nfanout = {}\n\n", config.turbine.fanout);
    out += fmt::format("[store]\nmap_size_mb = {}\naccount_flush_blocks = {}\nkeep_slots = {}\n\n",
                       config.store.map_size_mb, config.store.account_flush_blocks,
                       config.store.keep_slots);
    out += fmt::format("[idle]\npolicy = \"{}\"\nspin_us = {}\n\n",
                       config.idle.policy == IdlePolicy::sleep ? "sleep" : "spin",
                       config.idle.spin_us);
    out += fmt::format("[threads]\nexecution = {}\npin = {}\ncores = [{}]\n\n",
                       config.threads.execution, config.threads.pin,
                       fmt::join(config.threads.cores, ", "));
    out += "[rpc]\n";
    if (config.rpc.listen_given) {
        out += fmt::format("listen = \"{}\"\n", config.rpc.listen.to_string());
    }
    if (config.rpc.websocket_given) {
        out += fmt::format("websocket = \"{}\"\n", config.rpc.websocket.to_string());
    }
    if (!config.rpc.faucet.empty()) {
        out += fmt::format("faucet = {}\nfaucet_lamports_max = {}\n",
                           toml_string(config.rpc.faucet.string()), config.rpc.faucet_lamports_max);
    }
    out +=
        fmt::format("connections_max = {}\nbody_bytes_max = {}\nidle_seconds = {}\n\n",
                    config.rpc.connections_max, config.rpc.body_bytes_max, config.rpc.idle_seconds);
    out += fmt::format(
        "[ingress]\npackets_per_second = {}\nburst_packets = {}\nstrangers_per_second = {}\n\n",
        config.ingress.packets_per_second, config.ingress.burst_packets,
        config.ingress.strangers_per_second);
    out += fmt::format("[repair]\nrequests_per_second = {}\nreplies_per_second = {}\n\n",
                       config.repair.requests_per_second, config.repair.replies_per_second);
    out += fmt::format("[log]\nlevel = \"{}\"\n\n",
                       levels[static_cast<std::size_t>(config.log.level)]);
    out += faults_text(config.faults);
    return out;
}

} // namespace belfry::node
