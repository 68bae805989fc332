// SPDX-License-Identifier: Apache-2.0
#include "node/demo/local_cluster.hpp"

#include "crypto/keypair.hpp"
#include "crypto/sha256.hpp"
#include "ledger/model/genesis.hpp"

#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

namespace belfry::node {
namespace {

constexpr Lamports faucet_lamports{1'000'000'000'000'000};
constexpr Lamports load_account_lamports{100'000'000'000};
constexpr Lamports validator_lamports{10'000'000'000};
constexpr Stake validator_stake{1'000'000'000'000};
constexpr std::uint16_t port_first = 10'000; // below Linux's ephemeral range
constexpr std::uint16_t port_last = 29'999;

/// Hands out ports that can be bound now, each once.
class PortFinder {
public:
    PortFinder(bool ipv6, std::uint16_t first)
        : ipv6_(ipv6)
        , next_(first != 0 ? static_cast<std::uint16_t>(first - 1)
                           : static_cast<std::uint16_t>(
                                 port_first + (std::random_device{}() % (port_last - port_first))))
    {
    }

    Endpoint take(int socket_type)
    {
        for (std::uint32_t tried = 0; tried <= port_last - port_first; ++tried) {
            next_ = next_ >= port_last ? port_first : static_cast<std::uint16_t>(next_ + 1);
            const std::optional<Endpoint> endpoint =
                Endpoint::parse(fmt::format("{}:{}", ipv6_ ? "[::1]" : "127.0.0.1", next_));
            if (endpoint && can_bind(*endpoint, socket_type)) {
                return *endpoint;
            }
        }
        throw std::runtime_error(
            fmt::format("local cluster: no free port in {}..{} on loopback; stop what uses them",
                        port_first, port_last));
    }

    /// Two neighbours: web3.js asks for subscriptions at the port after the RPC's.
    std::pair<Endpoint, Endpoint> take_pair(int socket_type)
    {
        Endpoint first = take(socket_type);
        for (;;) {
            const Endpoint second = take(socket_type);
            if (second.port == first.port + 1) {
                return {first, second};
            }
            first = second;
        }
    }

private:
    static bool can_bind(const Endpoint& endpoint, int socket_type)
    {
        sockaddr_storage address{};
        const unsigned length = endpoint.to(address);
        const int fd = socket(address.ss_family, socket_type | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            return false;
        }
        const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0;
        (void)close(fd);
        return bound;
    }
    bool ipv6_;
    std::uint16_t next_;
};

void write_file(const std::filesystem::path& file, const std::string& text)
{
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << text;
    out.flush();
    if (!out) {
        throw std::runtime_error(file.string() + ": cannot be written");
    }
}

/// For key files, which are refused where others may write. One that exists stays as it is.
void create_private_directory(const std::filesystem::path& directory)
{
    if (std::filesystem::create_directories(directory)) {
        std::filesystem::permissions(directory, std::filesystem::perms::owner_all);
    }
}

ledger::GenesisAccount plain_account(const Pubkey& pubkey, Lamports lamports)
{
    ledger::GenesisAccount entry;
    entry.pubkey = pubkey;
    entry.account.lamports = lamports;
    return entry;
}

} // namespace

std::vector<crypto::InsecureSigningKey> load_account_keys(std::uint32_t count)
{
    std::vector<crypto::InsecureSigningKey> keys;
    keys.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::string text = fmt::format("belfry load account {}", i);
        const Hash seed = crypto::sha256(
            ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
        keys.push_back(crypto::InsecureSigningKey::from_seed(seed.view()));
    }
    return keys;
}

LocalCluster write_local_cluster(const LocalClusterOptions& options)
{
    LocalCluster cluster;
    cluster.directory = std::filesystem::absolute(options.directory);
    cluster.genesis = cluster.directory / "genesis.toml";
    if (std::filesystem::exists(cluster.genesis)) {
        throw std::runtime_error(cluster.genesis.string() +
                                 ": a cluster is here already; choose another directory");
    }
    create_private_directory(cluster.directory);

    ledger::Genesis genesis;
    genesis.cluster_name = "local";
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    genesis.created_unix_s =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
    genesis.slot_ms = options.slot_ms;
    genesis.slots_per_epoch = options.slots_per_epoch;
    genesis.finality.certificates = !options.no_certificates;
    PortFinder ports(options.ipv6, options.first_port);
    std::vector<Endpoint> websockets;
    for (std::uint32_t i = 0; i < options.validator_count; ++i) {
        const std::filesystem::path home = cluster.directory / fmt::format("validator-{}", i);
        create_private_directory(home);
        const crypto::Keypair identity = crypto::Keypair::generate();
        identity.save(home / "identity.json");
        ValidatorEntry entry;
        entry.name = fmt::format("validator-{}", i);
        entry.pubkey = identity.pubkey();
        for (Endpoint* endpoint :
             {&entry.transactions, &entry.forwards, &entry.shreds, &entry.votes, &entry.repair}) {
            *endpoint = ports.take(SOCK_DGRAM);
        }
        const auto [rpc, websocket] = ports.take_pair(SOCK_STREAM);
        entry.rpc = rpc;
        websockets.push_back(websocket);
        cluster.validators.push_back(entry);
        genesis.validators.push_back({entry.name, entry.pubkey, validator_stake});
        genesis.accounts.push_back(plain_account(entry.pubkey, validator_lamports));
        cluster.configs.push_back(home / "node.toml");
    }
    const crypto::Keypair faucet = crypto::Keypair::generate();
    faucet.save(cluster.directory / "faucet.json");
    genesis.accounts.push_back(plain_account(faucet.pubkey(), faucet_lamports));
    for (const crypto::InsecureSigningKey& key : load_account_keys(options.load_account_count)) {
        genesis.accounts.push_back(plain_account(key.pubkey, load_account_lamports));
    }
    ledger::validate_genesis(genesis);
    ledger::save_genesis(genesis, cluster.genesis);

    for (std::uint32_t i = 0; i < options.validator_count; ++i) {
        NodeConfig config;
        config.identity_key = "identity.json";
        config.data_directory = "data";
        config.genesis = "../genesis.toml";
        config.validators = cluster.validators;
        config.turbine.fanout = options.fanout;
        config.rpc.websocket = websockets[i];
        config.rpc.websocket_given = true;
        config.rpc.faucet = "../faucet.json";
        config.store.map_size_mb = options.map_size_mb;
        config.ingress = options.ingress;
        config.faults = options.faults;
        config.faults.seed = options.faults.seed + i;
        write_file(cluster.configs[i], to_toml(config));
    }
    return cluster;
}

} // namespace belfry::node
