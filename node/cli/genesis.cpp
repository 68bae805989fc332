// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/genesis.hpp"

#include "crypto/base58.hpp"
#include "node/cli/commands.hpp"

#include <fmt/core.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <memory>

namespace belfry::node {

namespace {

constexpr std::uint64_t stake_default = 1'000'000'000;

std::uint64_t number_argument(std::string_view argument, std::string_view text)
{
    std::uint64_t value = 0;
    const char* const begin = std::to_address(text.begin());
    const char* const end = std::to_address(text.end());
    const auto [rest, error] = std::from_chars(begin, end, value);
    if (error != std::errc{} || rest != end) {
        throw CommandError(exit_usage,
                           fmt::format("{}: '{}' is not a whole number", argument, text));
    }
    return value;
}

/// "[NAME=]PUBKEY[:STAKE]"
ledger::GenesisValidator parse_validator(std::string_view text, std::size_t place)
{
    ledger::GenesisValidator validator;
    validator.name = fmt::format("validator-{}", place);
    if (const std::size_t equals = text.find('='); equals != std::string_view::npos) {
        validator.name = text.substr(0, equals);
        text = text.substr(equals + 1);
    }
    const std::size_t colon = text.find(':');
    validator.identity = pubkey_argument("--validator", text.substr(0, colon));
    validator.stake = Stake{colon == std::string_view::npos
                                ? stake_default
                                : number_argument("--validator", text.substr(colon + 1))};
    return validator;
}

/// "PUBKEY:LAMPORTS"
ledger::GenesisAccount parse_account(std::string_view text)
{
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        throw CommandError(exit_usage,
                           fmt::format("--account: '{}' must be PUBKEY:LAMPORTS", text));
    }
    ledger::GenesisAccount account;
    account.pubkey = pubkey_argument("--account", text.substr(0, colon));
    account.account.lamports = Lamports{number_argument("--account", text.substr(colon + 1))};
    return account;
}

template <class Value, class Given>
void replace(Value& value, const std::optional<Given>& given)
{
    if (given) {
        value = Value{*given};
    }
}

void set_hashes_per_slot(ledger::Genesis& genesis, std::uint64_t hashes_per_slot)
{
    if (genesis.ticks_per_slot == 0 || hashes_per_slot % genesis.ticks_per_slot != 0 ||
        hashes_per_slot / genesis.ticks_per_slot > UINT32_MAX) {
        throw CommandError(exit_usage,
                           fmt::format("--hashes-per-slot: {} must be a multiple of the "
                                       "{} ticks of a slot",
                                       hashes_per_slot, genesis.ticks_per_slot));
    }
    genesis.hashes_per_tick = static_cast<std::uint32_t>(hashes_per_slot / genesis.ticks_per_slot);
}

/// The file to start from may leave the validators to the flags, so it is checked with them only.
ledger::Genesis make_genesis(const GenesisOptions& options)
{
    ledger::Genesis genesis;
    if (options.from.empty()) {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        genesis.created_unix_s = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::seconds>(now).count());
    } else {
        genesis = ledger::load_genesis(options.from);
    }
    replace(genesis.cluster_name, options.name);
    replace(genesis.slot_ms, options.slot_ms);
    replace(genesis.ticks_per_slot, options.ticks_per_slot);
    replace(genesis.slots_per_epoch, options.slots_per_epoch);
    replace(genesis.lamports_per_signature, options.lamports_per_signature);
    if (options.hashes_per_slot) {
        set_hashes_per_slot(genesis, *options.hashes_per_slot);
    }
    if (options.no_certificates) {
        genesis.finality.certificates = false;
    }
    for (const std::string& text : options.validators) {
        genesis.validators.push_back(parse_validator(text, genesis.validators.size() + 1));
    }
    for (const std::string& text : options.accounts) {
        genesis.accounts.push_back(parse_account(text));
    }
    ledger::validate_genesis(genesis);
    return genesis;
}

} // namespace

int run_genesis(const GenesisOptions& options)
{
    return guarded([&options]() -> int {
        const ledger::Genesis genesis = make_genesis(options);
        try {
            ledger::save_genesis(genesis, options.out);
        } catch (const std::runtime_error& error) {
            throw CommandError(exit_cannot_create, error.what());
        }
        fmt::print("genesis hash {}\n", crypto::to_base58(ledger::genesis_hash(genesis)));
        return exit_ok;
    });
}

} // namespace belfry::node
