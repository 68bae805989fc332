// SPDX-License-Identifier: Apache-2.0
#include "base/nearest_name.hpp"
#include "base/one_line.hpp"
#include "base/toml.hpp"
#include "crypto/base58.hpp"
#include "ledger/model/genesis.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace belfry::ledger {

namespace {
constexpr std::uintmax_t file_bytes_max = 512U << 20;

/// One table of the file: refuses keys it does not know and values of the wrong type.
class Section {
public:
    Section(const toml::table& table, std::string place,
            std::initializer_list<std::string_view> known)
        : table_(table)
        , place_(std::move(place))
    {
        for (const auto& [key, value] : table_) {
            if (std::ranges::find(known, key.str()) == known.end()) {
                fail(value, unknown_name_text("key", key.str(), std::vector(known)));
            }
        }
    }

    template <class Integer>
    void integer(std::string_view key, Integer& target) const
    {
        const toml::node* node = table_.get(key);
        if (node == nullptr) {
            return; // the default stays
        }
        const auto value = node->value_exact<std::int64_t>();
        if (!value || *value < 0 || !std::in_range<Integer>(*value)) {
            fail(*node, fmt::format("'{}' must be an integer from 0 to {}", key,
                                    std::min<std::uint64_t>(std::numeric_limits<Integer>::max(),
                                                            INT64_MAX)));
        }
        target = static_cast<Integer>(*value);
    }

    void text(std::string_view key, std::string& target) const
    {
        if (const toml::node* node = table_.get(key)) {
            const auto value = node->value_exact<std::string>();
            if (!value) {
                fail(*node, fmt::format("'{}' must be a text in quotes", key));
            }
            target = *value;
        }
    }

    void flag(std::string_view key, bool& target) const
    {
        if (const toml::node* node = table_.get(key)) {
            const auto value = node->value_exact<bool>();
            if (!value) {
                fail(*node, fmt::format("'{}' must be true or false", key));
            }
            target = *value;
        }
    }

    void pubkey(std::string_view key, Pubkey& target) const
    {
        std::string encoded;
        text(key, encoded);
        if (const toml::node* node = table_.get(key)) {
            const auto value = crypto::fixed_from_base58<Pubkey>(encoded);
            if (!value) {
                fail(*node, fmt::format("'{}' must be a 32-byte key in base58", key));
            }
            target = *value;
        }
    }

    void hex(std::string_view key, Bytes& target) const
    {
        std::string encoded;
        text(key, encoded);
        const std::optional<Bytes> value = from_hex(encoded);
        if (!value) {
            fail(*table_.get(key), fmt::format("'{}' must be bytes in hexadecimal", key));
        }
        target = *value;
    }

    void require(std::initializer_list<std::string_view> keys) const
    {
        for (const std::string_view key : keys) {
            if (table_.get(key) == nullptr) {
                fail(table_, fmt::format("'{}' is missing", key));
            }
        }
    }

    /// The table under key; an empty one when it is not there, so that defaults stay.
    [[nodiscard]] const toml::table& table(std::string_view key) const
    {
        static const toml::table none;
        const toml::node* node = table_.get(key);
        if (node != nullptr && !node->is_table()) {
            fail(*node, fmt::format("'{}' must be a table: [{}]", key, key));
        }
        return node == nullptr ? none : *node->as_table();
    }

    /// Calls visit for every [[key]] table.
    template <class Visit>
    void tables(std::string_view key, const Visit& visit) const
    {
        const toml::node* node = table_.get(key);
        if (node == nullptr) {
            return;
        }
        if (!node->is_array_of_tables()) {
            fail(*node, fmt::format("'{}' must be a list of tables: [[{}]]", key, key));
        }
        for (const toml::node& item : *node->as_array()) {
            visit(*item.as_table());
        }
    }

private:
    [[noreturn]] void fail(const toml::node& node, const std::string& text) const
    {
        throw std::runtime_error(
            one_line(fmt::format("{}:{}: {}", place_, node.source().begin.line, text)));
    }
    const toml::table& table_;
    std::string place_;
};

void read_parameters(const Section& root, const std::string& place, Genesis& genesis)
{
    const Section cluster(root.table("cluster"), place,
                          {"name", "created_unix_s", "slot_ms", "ticks_per_slot", "hashes_per_tick",
                           "slots_per_epoch"});
    cluster.text("name", genesis.cluster_name);
    cluster.integer("created_unix_s", genesis.created_unix_s);
    cluster.integer("slot_ms", genesis.slot_ms);
    cluster.integer("ticks_per_slot", genesis.ticks_per_slot);
    cluster.integer("hashes_per_tick", genesis.hashes_per_tick);
    cluster.integer("slots_per_epoch", genesis.slots_per_epoch);
    const Section fees(root.table("fees"), place, {"lamports_per_signature", "burn_percent"});
    fees.integer("lamports_per_signature", genesis.lamports_per_signature.value);
    fees.integer("burn_percent", genesis.burn_percent);
    const Section rent(root.table("rent"), place, {"lamports_per_byte", "overhead_bytes"});
    rent.integer("lamports_per_byte", genesis.rent.lamports_per_byte);
    rent.integer("overhead_bytes", genesis.rent.overhead_bytes);
    const Section compute(root.table("compute"), place,
                          {"instruction_units_default", "native_units_default",
                           "transaction_units_max", "block_units_max"});
    compute.integer("instruction_units_default", genesis.compute.instruction_units_default);
    compute.integer("native_units_default", genesis.compute.native_units_default);
    compute.integer("transaction_units_max", genesis.compute.transaction_units_max);
    compute.integer("block_units_max", genesis.compute.block_units_max);
    const Section finality(
        root.table("finality"), place,
        {"certificates", "first_shred_ms", "notarized_ms", "delay_bound_ms", "standstill_ms"});
    finality.flag("certificates", genesis.finality.certificates);
    finality.integer("first_shred_ms", genesis.finality.first_shred_ms);
    finality.integer("notarized_ms", genesis.finality.notarized_ms);
    finality.integer("delay_bound_ms", genesis.finality.delay_bound_ms);
    finality.integer("standstill_ms", genesis.finality.standstill_ms);
}

GenesisValidator read_validator(const toml::table& table, const std::string& place)
{
    const Section section(table, place, {"name", "identity", "stake"});
    section.require({"name", "identity", "stake"});
    GenesisValidator validator;
    section.text("name", validator.name);
    section.pubkey("identity", validator.identity);
    section.integer("stake", validator.stake.value);
    return validator;
}

GenesisAccount read_account(const toml::table& table, const std::string& place)
{
    const Section section(table, place, {"pubkey", "lamports", "owner", "data_hex", "executable"});
    section.require({"pubkey", "lamports"});
    GenesisAccount account;
    section.pubkey("pubkey", account.pubkey);
    section.integer("lamports", account.account.lamports.value);
    section.pubkey("owner", account.account.owner);
    section.hex("data_hex", account.account.data);
    section.flag("executable", account.account.executable);
    return account;
}

std::string parameters_to_toml(const Genesis& genesis)
{
    return fmt::format(
        R"(# Genesis of a Belfry cluster. Every node has the same file; its hash names the cluster,
# so nothing may change here once the cluster runs. Comments are not part of the hash.

[cluster]
name = "{}"
created_unix_s = {}     # shown by RPC as the time of slot 0; consensus never reads it
slot_ms = {}            # one leader's turn
ticks_per_slot = {}     # proof of history: ticks in a slot,
hashes_per_tick = {}    # and SHA-256 hashes in a tick
slots_per_epoch = {}    # slots with one leader schedule; a multiple of 4

[fees]
lamports_per_signature = {}
burn_percent = {}       # of the base fee; the rest goes to the leader

[rent]                  # an account must hold (overhead_bytes + its bytes) * lamports_per_byte
lamports_per_byte = {}
overhead_bytes = {}

[compute]               # units that instructions are counted with
instruction_units_default = {}
native_units_default = {}
transaction_units_max = {}
block_units_max = {}

[finality]
certificates = {}       # false: a block is final once > 2/3 of stake has rooted it, 32 votes deep
first_shred_ms = {}     # from a leader's first slot: without a shred by then all four are skipped
notarized_ms = {}       # from a slot's end: without a notarization by then it is skipped
delay_bound_ms = {}     # the worst one-way delay that is planned for
standstill_ms = {}      # without finality for so long, everything is said again
)",
        genesis.cluster_name, genesis.created_unix_s, genesis.slot_ms, genesis.ticks_per_slot,
        genesis.hashes_per_tick, genesis.slots_per_epoch, genesis.lamports_per_signature.value,
        genesis.burn_percent, genesis.rent.lamports_per_byte, genesis.rent.overhead_bytes,
        genesis.compute.instruction_units_default, genesis.compute.native_units_default,
        genesis.compute.transaction_units_max, genesis.compute.block_units_max,
        genesis.finality.certificates, genesis.finality.first_shred_ms,
        genesis.finality.notarized_ms, genesis.finality.delay_bound_ms,
        genesis.finality.standstill_ms);
}
} // namespace

Genesis parse_genesis(std::string_view toml, std::string_view source)
{
    const std::string place(source);
    const toml::table table = parse_toml(toml, source);
    Genesis genesis;
    const Section root(table, place,
                       {"cluster", "fees", "rent", "compute", "finality", "validator", "account"});
    read_parameters(root, place, genesis);
    root.tables("validator", [&](const toml::table& item) {
        genesis.validators.push_back(read_validator(item, place));
    });
    root.tables("account", [&](const toml::table& item) {
        genesis.accounts.push_back(read_account(item, place));
    });
    try {
        validate_genesis(genesis);
    } catch (const std::runtime_error& error) {
        throw std::runtime_error(one_line(fmt::format("{}: {}", place, error.what())));
    }
    return genesis;
}

Genesis load_genesis(const std::filesystem::path& file)
{
    std::error_code error;
    const std::uintmax_t bytes = std::filesystem::file_size(file, error);
    if (error) {
        throw std::runtime_error(
            fmt::format("{}: {}; write one with 'belfry genesis'", file.string(), error.message()));
    }
    if (bytes > file_bytes_max) {
        throw std::runtime_error(
            fmt::format("{}: longer than {} bytes", file.string(), file_bytes_max));
    }
    std::ifstream input(file, std::ios::binary);
    std::ostringstream text;
    text << input.rdbuf();
    if (!input) {
        throw std::runtime_error(fmt::format("{}: cannot be read", file.string()));
    }
    return parse_genesis(text.str(), file.string());
}

std::string genesis_to_toml(const Genesis& genesis)
{
    validate_genesis(genesis);
    std::string text = parameters_to_toml(genesis);
    for (const GenesisValidator& validator : genesis.validators) {
        text += fmt::format("\n[[validator]]\nname = \"{}\"\nidentity = \"{}\"\nstake = {}\n",
                            validator.name, crypto::to_base58(validator.identity),
                            validator.stake.value);
    }
    for (const GenesisAccount& entry : genesis.accounts) {
        text += fmt::format("\n[[account]]\npubkey = \"{}\"\nlamports = {}\n",
                            crypto::to_base58(entry.pubkey), entry.account.lamports.value);
        if (entry.account.owner != system_program) {
            text += fmt::format("owner = \"{}\"\n", crypto::to_base58(entry.account.owner));
        }
        if (!entry.account.data.empty()) {
            text += fmt::format("data_hex = \"{}\"\n", to_hex(entry.account.data));
        }
        if (entry.account.executable) {
            text += "executable = true\n";
        }
    }
    return text;
}

void save_genesis(const Genesis& genesis, const std::filesystem::path& file)
{
    const std::string text = genesis_to_toml(genesis);
    std::FILE* output = std::fopen(file.c_str(), "wxe");
    if (output == nullptr) {
        throw std::runtime_error(fmt::format("{}: cannot be made ({}); an existing file is never "
                                             "overwritten",
                                             file.string(),
                                             std::generic_category().message(errno)));
    }
    const bool written = std::fwrite(text.data(), 1, text.size(), output) == text.size();
    const bool closed = std::fclose(output) == 0;
    if (!written || !closed) {
        throw std::runtime_error(fmt::format("{}: cannot be written: {}", file.string(),
                                             std::generic_category().message(errno)));
    }
}

} // namespace belfry::ledger
