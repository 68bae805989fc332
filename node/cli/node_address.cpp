// SPDX-License-Identifier: Apache-2.0
#include "crypto/keypair.hpp"
#include "node/cli/commands.hpp"
#include "node/config.hpp"

namespace belfry::node {

namespace {

/// The roster's entry of the key file; nullptr when the key may not or cannot be read.
const ValidatorEntry* entry_of_key(const NodeConfig& config)
{
    try {
        return config.find(crypto::Keypair::load(config.identity_key).pubkey());
    } catch (const std::runtime_error&) {
        return nullptr; // asking a node must not need its secret
    }
}

} // namespace

std::string rpc_url_of(const NodeAddress& address)
{
    if (!address.rpc_url.empty()) {
        return address.rpc_url;
    }
    if (address.config.empty()) {
        return std::string(rpc_url_default);
    }
    const NodeConfig config = load_config(address.config);
    if (config.rpc.listen_given && !config.rpc.listen.is_wildcard()) {
        return "http://" + config.rpc.listen.to_string();
    }
    const ValidatorEntry* const own = entry_of_key(config);
    return "http://" + (own != nullptr ? *own : config.validators.front()).rpc.to_string();
}

} // namespace belfry::node
