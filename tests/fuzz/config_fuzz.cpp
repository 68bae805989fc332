// SPDX-License-Identifier: Apache-2.0
// config_fuzz: any text is a node.toml or refused with one line that names the file; what is one is
// written as TOML that is read back to the same text; a file gives what its text gives.
#include "base/check.hpp"
#include "node/config.hpp"
#include "node/fault_switches.hpp"
#include "tests/fuzz/memory_directory.hpp"

#include <filesystem>
#include <fstream>

namespace belfry::node {
namespace {

/// One line that says of which file.
template <class Act>
bool is_refused(const Act& act)
{
    try {
        act();
    } catch (const ConfigError& error) {
        const std::string_view line = error.what();
        return line.find("node.toml") != std::string_view::npos &&
               line.find('\n') == std::string_view::npos;
    }
    return false;
}

void from_a_file(std::string_view text, const NodeConfig& config)
{
    static const MemoryDirectory directory;
    const std::filesystem::path file = directory.path() / "node.toml";
    std::ofstream(file, std::ios::binary) << text;
    const NodeConfig read = load_config(file);
    BELFRY_CHECK(read.file == file && read.validators.size() == config.validators.size());
    const FaultSwitches switches = load_fault_switches(read);
    const bool honest = switches.partition_file.empty() && !switches.equivocate &&
                        config.faults.drop_shreds == 0 && config.faults.drop_votes == 0;
    BELFRY_CHECK(faults_in_words(config.faults, switches).empty() == honest);
    std::filesystem::resize_file(file, std::uintmax_t{1} << 40);
    BELFRY_CHECK(is_refused([&] { (void)load_config(file); }));
    std::filesystem::remove(file);
    BELFRY_CHECK(is_refused([&] { (void)load_config(file); }));
}

/// The roster must be the validators of genesis, no fewer and no more.
void against_genesis(const NodeConfig& config)
{
    ledger::Genesis genesis;
    for (const ValidatorEntry& entry : config.validators) {
        genesis.validators.push_back({.name = entry.name, .identity = entry.pubkey, .stake = {}});
    }
    check_against_genesis(config, genesis);
    const ledger::GenesisValidator last = genesis.validators.back();
    genesis.validators.pop_back();
    BELFRY_CHECK(is_refused([&] { check_against_genesis(config, genesis); }));
    genesis.validators.push_back(last);
    Pubkey other = last.identity;
    while (config.find(other) != nullptr) {
        ++other.bytes[0];
    }
    genesis.validators.push_back({.name = "other", .identity = other, .stake = {}});
    BELFRY_CHECK(is_refused([&] { check_against_genesis(config, genesis); }));
    BELFRY_CHECK(is_refused([&] { (void)own_entry(config, other); }));
}

} // namespace
} // namespace belfry::node

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
    from_a_file(text, config);
    against_genesis(config);
    for (const ValidatorEntry& entry : config.validators) {
        BELFRY_CHECK(config.find(entry.pubkey) == &entry);
        BELFRY_CHECK(own_entry(config, entry.pubkey).name == entry.name);
    }
    return 0;
}
