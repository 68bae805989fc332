// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/genesis.hpp"

#include "base/check.hpp"
#include "crypto/base58.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/sha256.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace belfry::ledger {

namespace {
constexpr std::uint64_t leader_window_slots = 4;
constexpr std::uint64_t amount_max = INT64_MAX; // what a TOML integer can hold

[[noreturn]] void refuse(const std::string& text)
{
    throw std::runtime_error("genesis: " + text);
}

struct Range {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
};

void require_range(std::string_view name, std::uint64_t value, Range range)
{
    if (value < range.least || value > range.most) {
        refuse(fmt::format("{} is {}; allowed are {} to {}", name, value, range.least, range.most));
    }
}

bool is_name(std::string_view name)
{
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= 32 && std::ranges::all_of(name, allowed);
}

void require_name(std::string_view what, std::string_view name)
{
    if (!is_name(name)) {
        refuse(fmt::format("{} '{}' must be 1 to 32 of a-z A-Z 0-9 _ -", what, name));
    }
}

void validate_parameters(const Genesis& genesis)
{
    require_name("cluster name", genesis.cluster_name);
    require_range("created_unix_s", genesis.created_unix_s, {0, amount_max});
    require_range("slot_ms", genesis.slot_ms, {10, 600'000});
    require_range("ticks_per_slot", genesis.ticks_per_slot, {1, 1024});
    require_range("hashes_per_tick", genesis.hashes_per_tick, {1, 10'000'000});
    require_range("slots_per_epoch", genesis.slots_per_epoch, {leader_window_slots, 1ULL << 40});
    if (genesis.slots_per_epoch % leader_window_slots != 0) {
        refuse(fmt::format("slots_per_epoch is {}; it must be a multiple of {}, a leader's window",
                           genesis.slots_per_epoch, leader_window_slots));
    }
    require_range("lamports_per_signature", genesis.lamports_per_signature.value,
                  {0, 1'000'000'000'000});
    require_range("burn_percent", genesis.burn_percent, {0, 100});
    require_range("rent.lamports_per_byte", genesis.rent.lamports_per_byte, {0, 1'000'000});
    require_range("rent.overhead_bytes", genesis.rent.overhead_bytes, {0, 1'000'000});
    const ComputeParameters& compute = genesis.compute;
    require_range("compute.transaction_units_max", compute.transaction_units_max,
                  {1, 1'000'000'000});
    require_range("compute.instruction_units_default", compute.instruction_units_default,
                  {1, compute.transaction_units_max});
    require_range("compute.native_units_default", compute.native_units_default,
                  {1, compute.transaction_units_max});
    require_range("compute.block_units_max", compute.block_units_max,
                  {compute.transaction_units_max, amount_max});
    const FinalityParameters& finality = genesis.finality;
    require_range("finality.first_shred_ms", finality.first_shred_ms, {1, 3'600'000});
    require_range("finality.notarized_ms", finality.notarized_ms, {1, 3'600'000});
    require_range("finality.delay_bound_ms", finality.delay_bound_ms, {1, 3'600'000});
    require_range("finality.standstill_ms", finality.standstill_ms, {1, 3'600'000});
}

void validate_validators(const Genesis& genesis)
{
    require_range("the number of validators", genesis.validators.size(),
                  {1, genesis_validators_max});
    std::set<std::string_view> names;
    std::set<Pubkey> identities;
    Stake total;
    for (const GenesisValidator& validator : genesis.validators) {
        require_name("validator name", validator.name);
        const std::string key = crypto::to_base58(validator.identity);
        if (!names.insert(validator.name).second) {
            refuse(fmt::format("two validators are named '{}'", validator.name));
        }
        if (!identities.insert(validator.identity).second) {
            refuse(fmt::format("two validators have the identity {}", key));
        }
        if (!crypto::ed25519_key_is_prime_order(validator.identity)) {
            refuse(fmt::format("identity {} of validator '{}' is not a sound Ed25519 key; make one "
                               "with 'belfry keygen'",
                               key, validator.name));
        }
        const std::optional<Stake> sum = total.plus(validator.stake);
        if (validator.stake.value == 0 || !sum || sum->value > amount_max) {
            refuse(fmt::format("stake {} of validator '{}' is 0, or the sum of stakes passes {}",
                               validator.stake.value, validator.name, amount_max));
        }
        total = *sum;
    }
}

void validate_accounts(const Genesis& genesis)
{
    require_range("the number of accounts", genesis.accounts.size(), {0, genesis_accounts_max});
    std::set<Pubkey> addresses;
    Lamports total;
    for (const GenesisAccount& entry : genesis.accounts) {
        const std::string key = crypto::to_base58(entry.pubkey);
        if (!addresses.insert(entry.pubkey).second) {
            refuse(fmt::format("account {} is there twice", key));
        }
        require_range(fmt::format("data bytes of account {}", key), entry.account.data.size(),
                      {0, account_data_bytes_max});
        const std::uint64_t least = std::max<std::uint64_t>(
            1, genesis.rent.exempt_minimum(entry.account.data.size()).value);
        if (entry.account.lamports.value < least) {
            refuse(fmt::format("account {} holds {} lamports; rent asks for at least {}", key,
                               entry.account.lamports.value, least));
        }
        const std::optional<Lamports> sum = total.plus(entry.account.lamports);
        if (!sum || sum->value > amount_max) {
            refuse(fmt::format("the lamports of all accounts pass {}", amount_max));
        }
        total = *sum;
    }
}

void write_text(Bytes& out, std::string_view text)
{
    ByteWriter writer(out);
    writer.u32(static_cast<std::uint32_t>(text.size()));
    for (const char c : text) {
        writer.u8(static_cast<std::uint8_t>(c));
    }
}
} // namespace

void validate_genesis(const Genesis& genesis)
{
    validate_parameters(genesis);
    validate_validators(genesis);
    validate_accounts(genesis);
}

Lamports total_lamports(const Genesis& genesis)
{
    Lamports total;
    for (const GenesisAccount& entry : genesis.accounts) {
        const std::optional<Lamports> sum = total.plus(entry.account.lamports);
        BELFRY_CHECK(sum.has_value());
        total = *sum;
    }
    return total;
}

Stake total_stake(const Genesis& genesis)
{
    Stake total;
    for (const GenesisValidator& validator : genesis.validators) {
        const std::optional<Stake> sum = total.plus(validator.stake);
        BELFRY_CHECK(sum.has_value());
        total = *sum;
    }
    return total;
}

Bytes encode_genesis(const Genesis& genesis)
{
    Bytes out;
    ByteWriter writer(out);
    write_text(out, genesis.cluster_name);
    writer.u64(genesis.created_unix_s);
    writer.u32(genesis.slot_ms);
    writer.u32(genesis.ticks_per_slot);
    writer.u32(genesis.hashes_per_tick);
    writer.u64(genesis.slots_per_epoch);
    writer.u64(genesis.lamports_per_signature.value);
    writer.u32(genesis.burn_percent);
    writer.u64(genesis.rent.lamports_per_byte);
    writer.u64(genesis.rent.overhead_bytes);
    writer.u32(genesis.compute.instruction_units_default);
    writer.u32(genesis.compute.native_units_default);
    writer.u32(genesis.compute.transaction_units_max);
    writer.u64(genesis.compute.block_units_max);
    writer.u8(genesis.finality.certificates ? 1 : 0);
    writer.u32(genesis.finality.first_shred_ms);
    writer.u32(genesis.finality.notarized_ms);
    writer.u32(genesis.finality.delay_bound_ms);
    writer.u32(genesis.finality.standstill_ms);
    writer.u32(static_cast<std::uint32_t>(genesis.validators.size()));
    for (const GenesisValidator& validator : genesis.validators) {
        write_text(out, validator.name);
        writer.bytes(validator.identity.view());
        writer.u64(validator.stake.value);
    }
    writer.u32(static_cast<std::uint32_t>(genesis.accounts.size()));
    for (const GenesisAccount& entry : genesis.accounts) {
        encode_account(out, entry.pubkey, entry.account);
    }
    return out;
}

Hash genesis_hash(const Genesis& genesis)
{
    constexpr std::string_view tag = "belfry.genesis.1";
    const Bytes tag_bytes(tag.begin(), tag.end());
    return crypto::sha256({ByteView(tag_bytes), ByteView(encode_genesis(genesis))});
}

} // namespace belfry::ledger
