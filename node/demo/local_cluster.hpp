// SPDX-License-Identifier: Apache-2.0
#pragma once
// local_cluster.hpp: writes the files of a cluster on this machine: keys, genesis, one node.toml
// per validator, a faucet and funded accounts for a load generator.
// Shapes   DIR/genesis.toml, DIR/faucet.json, DIR/validator-<i>/{identity.json,node.toml}; data
//          directories are DIR/validator-<i>/data. Ports are free ones below the ephemeral range,
//          so that no outgoing connection can take the port of a validator that is down.
// Errors   std::runtime_error, one line.

#include "crypto/ed25519_bulk_sign.hpp"
#include "node/config.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace belfry::node {

struct LocalClusterOptions {
    std::filesystem::path directory; // created; must not hold a cluster yet
    std::uint32_t validator_count = 4;
    std::uint32_t slot_ms = 600;
    std::uint64_t slots_per_epoch = 10'000;
    std::uint32_t fanout = 1;
    std::uint32_t load_account_count = 1000;
    std::uint16_t first_port = 0; // the first that is tried; 0: anywhere
    bool ipv6 = false;
    bool no_certificates = false;
    std::uint32_t map_size_mb = 1024;
    NodeConfig::Ingress ingress;
    NodeConfig::Faults faults; // the seed is varied per validator
};

struct LocalCluster {
    std::filesystem::path directory;
    std::vector<std::filesystem::path> configs; // node.toml of each validator
    std::vector<ValidatorEntry> validators;
    std::filesystem::path genesis;
};

[[nodiscard]] LocalCluster write_local_cluster(const LocalClusterOptions& options);

/// The signing keys of the funded load accounts; derived from a fixed text and the index, because
/// they guard nothing.
[[nodiscard]] std::vector<crypto::InsecureSigningKey> load_account_keys(std::uint32_t count);

} // namespace belfry::node
