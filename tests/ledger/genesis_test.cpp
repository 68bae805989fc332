// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256.hpp"
#include "ledger/model/genesis.hpp"
#include "tests/ledger/wire_transaction.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace belfry::ledger {
namespace {

Genesis sample_genesis()
{
    Genesis genesis;
    genesis.cluster_name = "four-towers";
    genesis.created_unix_s = 1'760'000'000;
    genesis.slots_per_epoch = 64;
    for (std::uint8_t i = 0; i < 4; ++i) {
        genesis.validators.push_back(
            {.name = "v" + std::to_string(i), .identity = signer_key(i), .stake = Stake{100U + i}});
        genesis.accounts.push_back(
            {.pubkey = signer_key(static_cast<std::uint8_t>(10 + i)),
             .account = {.lamports = Lamports{5'000'000'000U + i}, .owner = {}, .data = {}}});
    }
    genesis.accounts.push_back({.pubkey = address(200),
                                .account = {.lamports = Lamports{1'000'000'000},
                                            .owner = vote_program,
                                            .data = {0xde, 0xad},
                                            .executable = true}});
    return genesis;
}

std::string error_of(const std::function<void()>& action)
{
    try {
        action();
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "no error";
}

std::string parse_error(std::string text, std::string_view from, std::string_view into)
{
    const std::size_t at = text.find(from);
    if (at == std::string::npos) {
        return "the text has no " + std::string(from);
    }
    text.replace(at, from.size(), into);
    return error_of([&] { static_cast<void>(parse_genesis(text, "g.toml")); });
}

TEST(Genesis, the_file_that_is_written_reads_back_to_the_same_genesis_and_hash)
{
    const Genesis genesis = sample_genesis();
    const Genesis again = parse_genesis(genesis_to_toml(genesis), "g.toml");
    EXPECT_EQ(again, genesis);
    EXPECT_EQ(genesis_hash(again), genesis_hash(genesis));
}

TEST(Genesis, saves_loads_and_never_overwrites)
{
    const std::filesystem::path file =
        std::filesystem::path(testing::TempDir()) / ("genesis_" + std::to_string(getpid()));
    std::filesystem::remove(file);
    save_genesis(sample_genesis(), file);
    EXPECT_EQ(load_genesis(file), sample_genesis());
    EXPECT_NE(error_of([&] { save_genesis(sample_genesis(), file); }).find("never overwritten"),
              std::string::npos);
    std::filesystem::remove(file);
    EXPECT_NE(error_of([&] { static_cast<void>(load_genesis(file)); }).find("belfry genesis"),
              std::string::npos);
}

TEST(Genesis, every_value_changes_the_hash_and_a_comment_does_not)
{
    using Change = std::function<void(Genesis&)>;
    const std::vector<Change> changes{
        [](Genesis& g) { g.cluster_name = "other"; },
        [](Genesis& g) { ++g.created_unix_s; },
        [](Genesis& g) { ++g.slot_ms; },
        [](Genesis& g) { ++g.ticks_per_slot; },
        [](Genesis& g) { ++g.hashes_per_tick; },
        [](Genesis& g) { g.slots_per_epoch += 4; },
        [](Genesis& g) { ++g.lamports_per_signature.value; },
        [](Genesis& g) { ++g.burn_percent; },
        [](Genesis& g) { ++g.rent.lamports_per_byte; },
        [](Genesis& g) { ++g.rent.overhead_bytes; },
        [](Genesis& g) { ++g.compute.instruction_units_default; },
        [](Genesis& g) { ++g.compute.native_units_default; },
        [](Genesis& g) { ++g.compute.transaction_units_max; },
        [](Genesis& g) { ++g.compute.block_units_max; },
        [](Genesis& g) { g.finality.certificates = false; },
        [](Genesis& g) { ++g.finality.first_shred_ms; },
        [](Genesis& g) { ++g.finality.notarized_ms; },
        [](Genesis& g) { ++g.finality.delay_bound_ms; },
        [](Genesis& g) { ++g.finality.standstill_ms; },
        [](Genesis& g) { g.validators[1].name = "w1"; },
        [](Genesis& g) { g.validators[1].identity = signer_key(40); },
        [](Genesis& g) { ++g.validators[1].stake.value; },
        [](Genesis& g) { std::swap(g.validators[0], g.validators[1]); },
        [](Genesis& g) { g.validators.pop_back(); },
        [](Genesis& g) { g.accounts[1].pubkey = address(77); },
        [](Genesis& g) { ++g.accounts[1].account.lamports.value; },
        [](Genesis& g) { g.accounts[1].account.owner = stake_program; },
        [](Genesis& g) { g.accounts[4].account.data.push_back(1); },
        [](Genesis& g) { g.accounts[4].account.executable = false; },
        [](Genesis& g) { g.accounts.pop_back(); },
    };
    std::set<Hash> hashes{genesis_hash(sample_genesis())};
    for (const Change& change : changes) {
        Genesis genesis = sample_genesis();
        change(genesis);
        hashes.insert(genesis_hash(genesis));
        EXPECT_EQ(parse_genesis(genesis_to_toml(genesis), "g.toml"), genesis);
    }
    EXPECT_EQ(hashes.size(), changes.size() + 1);
    const std::string commented = "# a comment\n" + genesis_to_toml(sample_genesis());
    EXPECT_EQ(genesis_hash(parse_genesis(commented, "g.toml")), genesis_hash(sample_genesis()));
}

TEST(Genesis, the_hash_is_the_digest_of_tag_and_encoding)
{
    const std::string tag = "belfry.genesis.1";
    Bytes joined(tag.begin(), tag.end());
    const Bytes encoding = encode_genesis(sample_genesis());
    joined.insert(joined.end(), encoding.begin(), encoding.end());
    EXPECT_EQ(genesis_hash(sample_genesis()), crypto::sha256(joined));
    // The front of the encoding, by hand: name, time, slot_ms, ticks, hashes.
    EXPECT_EQ(to_hex(ByteView(encoding).first(35)), "0b000000666f75722d746f77657273"
                                                    "0078e76800000000"
                                                    "5802000040000000d0070000");
}

TEST(Genesis, an_unknown_key_names_the_nearest_known_one_and_its_line)
{
    const std::string text = genesis_to_toml(sample_genesis());
    EXPECT_EQ(parse_error(text, "slot_ms =", "slot_sm ="),
              "g.toml:7: unknown key 'slot_sm'; the nearest known one is 'slot_ms'");
    EXPECT_NE(parse_error(text, "[fees]", "[fee]").find("nearest known one is 'fees'"),
              std::string::npos);
    EXPECT_NE(parse_error(text, "stake =", "steak =").find("nearest known one is 'stake'"),
              std::string::npos);
    EXPECT_NE(parse_error(text, "data_hex", "data").find("nearest known one is 'data_hex'"),
              std::string::npos);
}

TEST(Genesis, what_is_not_toml_or_of_the_wrong_type_is_refused_with_its_line)
{
    const std::string text = genesis_to_toml(sample_genesis());
    EXPECT_EQ(parse_error(text, "[cluster]", "[cluster").substr(0, 9), "g.toml:4:");
    EXPECT_NE(parse_error(text, "slot_ms = 600", "slot_ms = \"600\"").find("must be an integer"),
              std::string::npos);
    EXPECT_NE(parse_error(text, "slot_ms = 600", "slot_ms = 6.0").find("must be an integer"),
              std::string::npos);
    EXPECT_NE(parse_error(text, "slot_ms = 600", "slot_ms = -1").find("must be an integer"),
              std::string::npos);
    EXPECT_NE(parse_error(text, "slot_ms = 600", "slot_ms = 4294967296").find("4294967295"),
              std::string::npos);
    EXPECT_NE(parse_error(text, "identity = \"", "identity = \"0").find("32-byte key in base58"),
              std::string::npos);
    EXPECT_NE(parse_error(text, "executable = true", "executable = 1").find("true or false"),
              std::string::npos);
    EXPECT_NE(parse_error(text, "stake = 100\n", "").find("'stake' is missing"), std::string::npos);
    EXPECT_NE(parse_error(text, "\"dead\"", "\"dea\"").find("hexadecimal"), std::string::npos);
}

TEST(Genesis, values_that_make_no_cluster_are_refused)
{
    const auto refused = [](const std::function<void(Genesis&)>& change, std::string_view words) {
        Genesis genesis = sample_genesis();
        change(genesis);
        const std::string text = error_of([&] { validate_genesis(genesis); });
        EXPECT_NE(text.find(words), std::string::npos) << text;
    };
    refused([](Genesis& g) { g.cluster_name = "a b"; }, "cluster name");
    refused([](Genesis& g) { g.slot_ms = 9; }, "slot_ms is 9");
    refused([](Genesis& g) { g.ticks_per_slot = 0; }, "ticks_per_slot");
    refused([](Genesis& g) { g.hashes_per_tick = 0; }, "hashes_per_tick");
    refused([](Genesis& g) { g.slots_per_epoch = 66; }, "multiple of 4");
    refused([](Genesis& g) { g.burn_percent = 101; }, "burn_percent");
    refused([](Genesis& g) { g.finality.delay_bound_ms = 0; }, "finality.delay_bound_ms");
    refused([](Genesis& g) { g.compute.block_units_max = 1; }, "block_units_max");
    refused([](Genesis& g) { g.validators.clear(); }, "number of validators");
    refused([](Genesis& g) { g.validators[0].stake = Stake{0}; }, "stake 0");
    refused([](Genesis& g) { g.validators[0].stake = Stake{INT64_MAX}; }, "sum of stakes");
    refused([](Genesis& g) { g.validators[1].name = "v0"; }, "two validators are named");
    refused([](Genesis& g) { g.validators[1].identity = g.validators[0].identity; },
            "two validators have");
    refused([](Genesis& g) { g.validators[1].identity = Pubkey{}; }, "not a sound Ed25519 key");
    refused([](Genesis& g) { g.accounts[1].pubkey = g.accounts[0].pubkey; }, "there twice");
    refused([](Genesis& g) { g.accounts[4].account.lamports = Lamports{904'799}; },
            "rent asks for at least 904800");
    refused([](Genesis& g) { g.accounts[0].account.lamports = Lamports{INT64_MAX}; },
            "the lamports of all accounts");
}

TEST(Genesis, totals_are_sums)
{
    EXPECT_EQ(total_stake(sample_genesis()), Stake{406});
    EXPECT_EQ(total_lamports(sample_genesis()), Lamports{21'000'000'006});
}

TEST(Genesis, text_that_its_parser_takes_for_impossible_is_refused_by_line)
{
    const auto error = [](std::string_view text) {
        return error_of([&] { static_cast<void>(parse_genesis(text, "g.toml")); });
    };
    EXPECT_TRUE(error("[)lus/[)").starts_with("g.toml:1: not TOML: "));
    EXPECT_TRUE(error("# a\n\xCB\xA9").starts_with("g.toml:2: not ASCII; "));
}

TEST(Genesis, rent_of_an_empty_account_is_the_published_one)
{
    EXPECT_EQ(RentParameters{}.exempt_minimum(0), Lamports{890'880});
}

} // namespace
} // namespace belfry::ledger
