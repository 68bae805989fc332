// SPDX-License-Identifier: Apache-2.0
#include "crypto/base58.hpp"
#include "node/config.hpp"
#include "node/fault_switches.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace belfry::node {
namespace {

std::string default_text()
{
    return std::string(default_config_text());
}

/// The first occurrence of a piece of the default configuration replaced.
std::string with(std::string_view piece, std::string_view replacement)
{
    std::string text = default_text();
    const std::size_t at = text.find(piece);
    EXPECT_NE(at, std::string::npos) << piece;
    return text.replace(at, piece.size(), replacement);
}

/// The line of a piece in the default configuration, counted from 1.
std::size_t line_of(std::string_view piece)
{
    const std::string text = default_text();
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(text.find(piece));
    return static_cast<std::size_t>(std::count(text.begin(), end, '\n')) + 1;
}

/// What parse_config says; empty when it says nothing.
std::string complaint(const std::string& text)
{
    try {
        (void)parse_config(text, "/etc/belfry/node.toml");
    } catch (const ConfigError& error) {
        return error.what();
    }
    return {};
}

void expect_complaint(const std::string& text, std::size_t line, std::string_view words)
{
    const std::string said = complaint(text);
    EXPECT_TRUE(said.starts_with(fmt::format("/etc/belfry/node.toml:{}: ", line))) << said;
    EXPECT_NE(said.find(words), std::string::npos) << said << " lacks " << words;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
}

TEST(Config, the_shipped_file_says_exactly_the_defaults)
{
    const NodeConfig config = parse_config(default_text(), "/etc/belfry/node.toml");
    EXPECT_EQ(config.identity_key, "/etc/belfry/identity.json");
    EXPECT_EQ(config.data_directory, "/etc/belfry/data");
    ASSERT_EQ(config.validators.size(), 1U);
    NodeConfig defaults;
    defaults.identity_key = config.identity_key;
    defaults.data_directory = config.data_directory;
    defaults.genesis = config.genesis;
    defaults.validators = config.validators;
    defaults.rpc.websocket = *Endpoint::parse("127.0.0.1:8900");
    defaults.rpc.websocket_given = true;
    EXPECT_EQ(to_toml(config), to_toml(defaults));
}

TEST(Config, the_address_to_listen_at_is_one_without_a_port)
{
    for (const std::string address : {"10.0.0.5", "::1", "0.0.0.0"}) {
        NodeConfig config = parse_config(default_text(), "/etc/belfry/node.toml");
        EXPECT_FALSE(config.listen);
        std::string text = with("[node]\n", "[node]\nlisten = \"" + address + "\"\n");
        config = parse_config(text, "/etc/belfry/node.toml");
        ASSERT_TRUE(config.listen) << address;
        EXPECT_NE(to_toml(config).find("listen = \"" + address + "\""), std::string::npos);
        EXPECT_EQ(to_toml(parse_config(to_toml(config), "/etc/belfry/node.toml")), to_toml(config));
        text.replace(text.find(address), address.size(), address + ":80:x");
        EXPECT_THROW((void)parse_config(text, "/etc/belfry/node.toml"), ConfigError);
    }
}

TEST(Config, every_value_is_read_back_from_what_to_toml_writes)
{
    NodeConfig config = parse_config(default_text(), "/etc/belfry/node.toml");
    config.identity_key = "/tmp/a \"b\"\\c.json";
    config.validators.push_back(config.validators.front());
    ValidatorEntry& second = config.validators.back();
    second.name = "second";
    second.pubkey.bytes[31] ^= 1;
    std::uint16_t port = 9000;
    for (Endpoint* const endpoint : {&second.transactions, &second.forwards, &second.shreds,
                                     &second.votes, &second.repair, &second.rpc}) {
        *endpoint = *Endpoint::parse(fmt::format("[::1]:{}", port++));
    }
    config.turbine.fanout = 1;
    config.store = {16, 7, 2000};
    config.idle = {IdlePolicy::spin, 3};
    config.threads = {3, true, {1, 0}};
    config.rpc = {.listen = *Endpoint::parse("[::]:0"),
                  .listen_given = true,
                  .connections_max = 5,
                  .body_bytes_max = 4096,
                  .idle_seconds = 21,
                  .websocket = *Endpoint::parse("[::1]:9100"),
                  .websocket_given = true,
                  .faucet = "/tmp/faucet.json",
                  .faucet_lamports_max = 77};
    config.ingress = {8, 9, 10};
    config.repair = {11, 12};
    config.log = {LogLevel::warn};
    config.faults = {.drop_shreds = 0.15, .drop_votes = 0.05, .seed = 42};
    const std::string text = to_toml(config);
    const NodeConfig back = parse_config(text, "/etc/belfry/node.toml");
    EXPECT_EQ(to_toml(back), text);
    EXPECT_EQ(back.identity_key, config.identity_key);
    EXPECT_EQ(back.validators[1].repair, *Endpoint::parse("[::1]:9004"));
    EXPECT_EQ(back.threads.cores, (std::vector<std::uint32_t>{1, 0}));
    EXPECT_EQ(back.rpc.listen, *Endpoint::parse("[::]:0"));
    EXPECT_EQ(back.rpc.websocket, *Endpoint::parse("[::1]:9100"));
    EXPECT_EQ(back.rpc.faucet, "/tmp/faucet.json");
    EXPECT_EQ(back.rpc.faucet_lamports_max, 77U);
    EXPECT_EQ(back.faults.drop_shreds, 0.15);
    EXPECT_EQ(back.ingress.packets_per_second, 8U);
    EXPECT_EQ(back.ingress.burst_packets, 9U);
    EXPECT_EQ(back.ingress.strangers_per_second, 10U);
    EXPECT_EQ(back.log.level, LogLevel::warn);
    EXPECT_EQ(back.idle.policy, IdlePolicy::spin);
}

TEST(Config, a_fault_is_on_only_where_the_faults_section_says_so)
{
    const auto switches = [](const std::string& text) {
        return parse_fault_switches(text, "/etc/belfry/node.toml");
    };
    const FaultSwitches none = switches(default_text());
    EXPECT_TRUE(none.partition_file.empty());
    EXPECT_FALSE(none.equivocate);
    EXPECT_EQ(faults_in_words({}, none), "");
    const FaultSwitches two =
        switches(with("equivocate = false", "equivocate = true\npartition_file = \"cut\""));
    EXPECT_EQ(two.partition_file, "/etc/belfry/cut");
    EXPECT_TRUE(two.equivocate);
    EXPECT_EQ(faults_in_words({}, two),
              "by [faults] this node does not hear whom /etc/belfry/cut names, signs two blocks "
              "for each of its slots");
    EXPECT_EQ(faults_in_words({.drop_votes = 0.1}, none),
              "by [faults] this node loses shreds and votes");
    Pubkey account;
    account.bytes.fill(9);
    const std::string key_text = crypto::to_base58(account);
    const Pubkey deadly =
        switches(with("equivocate = false", "dies_of = \"" + key_text + "\"")).dies_of.value();
    EXPECT_EQ(deadly, account);
    EXPECT_FALSE(none.dies_of);
    for (const std::string_view key :
         {"equivocate = true", "partition_file = \"cut\"", "dies_of = \"x\""}) {
        EXPECT_NE(complaint(with("[log]", fmt::format("[log]\n{}", key))), "") << key;
    }
    EXPECT_NE(complaint(with("equivocate = false", "partition_file = \"\"")), "");
}

TEST(Config, an_unknown_key_is_named_with_its_line_and_the_nearest_known_one)
{
    expect_complaint(with("fanout = 8", "fanuot = 8"), line_of("fanout = 8"),
                     "unknown key 'fanuot'; the nearest known one is 'fanout' (in [turbine])");
    expect_complaint(with("[store]", "[sotre]"), line_of("[store]"), "'store'");
    expect_complaint(with("shreds =", "shred ="), line_of("shreds ="), "'shreds'");
    expect_complaint(with("[node]", "spin_us = 5\n[node]"), line_of("[node]"), "'spin_us'");
}

TEST(Config, a_missing_key_is_named)
{
    for (const std::string_view key :
         {"identity", "data", "genesis", "name", "pubkey", "transactions", "forwards", "shreds",
          "votes", "repair", "rpc"}) {
        const std::string said = complaint(with(fmt::format("\n{} = ", key), "\n# "));
        EXPECT_NE(said.find(fmt::format("{} is missing", key)), std::string::npos) << said;
        EXPECT_TRUE(said.starts_with("/etc/belfry/node.toml:")) << said;
    }
    EXPECT_NE(
        complaint("[node]\nidentity='a'\ndata='b'\ngenesis='c'\n").find("validator is missing"),
        std::string::npos);
    EXPECT_NE(complaint("").find("node is missing"), std::string::npos);
}

TEST(Config, every_value_is_checked_with_its_line)
{
    struct Case {
        std::string_view piece;
        std::string_view replacement;
        std::string_view words;
    };
    for (const Case& c : std::initializer_list<Case>{
             {"fanout = 8", "fanout = 0", "1 to 1024"},
             {"fanout = 8", "fanout = 8.0", "integer"},
             {"fanout = 8", "fanout = \"8\"", "integer"},
             {"map_size_mb = 4096", "map_size_mb = -1", "16 to"},
             {"policy = \"sleep\"", "policy = \"nap\"", "sleep, spin"},
             {"pin = false", "pin = 1", "true or false"},
             {"cores = []", "cores = 1", "list of numbers"},
             {"cores = []", "cores = [1]", "pin"},
             {"level = \"info\"", "level = \"loud\"", "debug, info, warn, error"},
             {"drop_shreds = 0.0", "drop_shreds = 1.5", "0.0 to 1.0"},
             {"drop_shreds = 0.0", "drop_shreds = nan", "0.0 to 1.0"},
             {"\"127.0.0.1:8000\"", "\"127.0.0.1\"", "ip:port"},
             {"\"127.0.0.1:8000\"", "\"localhost:8000\"", "ip:port"},
             {"\"127.0.0.1:8000\"", "\"127.0.0.1:65536\"", "ip:port"},
             {"\"127.0.0.1:8000\"", "\"::1:8000\"", "ip:port"},
             {"\"127.0.0.1:8000\"", "\"127.0.0.1:0\"", "others cannot send there"},
             {"\"127.0.0.1:8000\"", "\"0.0.0.0:8000\"", "others cannot send there"},
             {"\"127.0.0.1:8001\"", "\"127.0.0.1:8000\"", "transactions of 'first'"},
             {"idle_seconds = 30", "idle_seconds = 5", "20 to 3600"},
             {"data = \"data\"", "data = \"\"", "name a file"},
         }) {
        expect_complaint(with(c.piece, c.replacement), line_of(c.piece), c.words);
    }
    expect_complaint(with("pubkey = \"", "pubkey = \"0"), line_of("pubkey = \""), "base58");
    expect_complaint(with("fanout = 8", "fanout = "), line_of("fanout = 8"), "not TOML");
}

TEST(Config, a_key_twice_in_the_roster_is_refused)
{
    const std::string text = default_text();
    const std::size_t begin = text.find("[[validator]]\nname");
    std::string entry = text.substr(begin, text.find("[turbine]") - begin);
    for (std::size_t at = 0; (at = entry.find("127.0.0.1", at)) != std::string::npos; ++at) {
        entry.replace(at, 9, "127.0.0.2");
    }
    EXPECT_NE(complaint(with("[turbine]", entry + "[turbine]")).find("is also that of 'first'"),
              std::string::npos);
}

TEST(Config, the_roster_must_be_the_validators_of_genesis)
{
    const NodeConfig config = parse_config(default_text(), "/etc/belfry/node.toml");
    const Pubkey own = config.validators.front().pubkey;
    Pubkey other = own;
    other.bytes[0] ^= 1;
    ledger::Genesis genesis;
    genesis.validators = {{"first", own, Stake{1}}};
    EXPECT_NO_THROW(check_against_genesis(config, genesis));
    genesis.validators.push_back({"second", other, Stake{1}});
    const auto said = [&]() -> std::string {
        try {
            check_against_genesis(config, genesis);
        } catch (const ConfigError& error) {
            return error.what();
        }
        return {};
    };
    EXPECT_NE(said().find("'second'"), std::string::npos);
    genesis.validators = {{"second", other, Stake{1}}};
    EXPECT_NE(said().find("'second'"), std::string::npos);
    genesis.validators.clear();
    EXPECT_NE(said().find("'first'"), std::string::npos);
    EXPECT_EQ(own_entry(config, own).name, "first");
    EXPECT_THROW((void)own_entry(config, other), ConfigError);
}

TEST(Config, a_file_that_is_not_there_is_named)
{
    try {
        (void)load_config("/nowhere/node.toml");
        FAIL();
    } catch (const ConfigError& error) {
        EXPECT_NE(std::string_view(error.what()).find("/nowhere/node.toml"),
                  std::string_view::npos);
    }
}

} // namespace
} // namespace belfry::node
