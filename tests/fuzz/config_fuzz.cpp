// SPDX-License-Identifier: Apache-2.0
// config_fuzz: any text is a node.toml or refused with one line that names the file; what is one is
// written as TOML that is read back to the same text.
#include "base/check.hpp"
#include "node/config.hpp"
#include "node/fault_switches.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry::node; // NOLINT(google-build-using-namespace)
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    NodeConfig config;
    try {
        config = parse_config(text, "/node/node.toml");
    } catch (const ConfigError& error) {
        const std::string_view line = error.what();
        BELFRY_CHECK(line.starts_with("/node/node.toml:"));
        BELFRY_CHECK(line.find('\n') == std::string_view::npos);
        return 0;
    }
    const std::string written = to_toml(config);
    const NodeConfig again = parse_config(written, "/node/node.toml");
    BELFRY_CHECK(to_toml(again) == written && again.validators.size() == config.validators.size());
    for (const ValidatorEntry& entry : config.validators) {
        BELFRY_CHECK(config.find(entry.pubkey) == &entry);
        BELFRY_CHECK(own_entry(config, entry.pubkey).name == entry.name);
    }
    return 0;
}
