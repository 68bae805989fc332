// SPDX-License-Identifier: Apache-2.0
#pragma once
// genesis.hpp: block 0, written by hand: who validates, who owns what, and every parameter that
// all nodes must share. Its hash names the cluster.
// Shapes   one commented TOML file; the hash is over a canonical binary encoding, so comments and
//          order of keys do not matter, the order of validators and accounts does.
// Errors   read at start only: std::runtime_error with one line that says what is wrong, where,
//          and what to do; an unknown key names the nearest known one.

#include "base/bytes.hpp"
#include "base/strong.hpp"
#include "ledger/model/account.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace belfry::ledger {

inline constexpr std::size_t genesis_validators_max = 1024;
inline constexpr std::size_t genesis_accounts_max = 1'000'000;

struct GenesisValidator {
    std::string name; // 1..32 of a-z A-Z 0-9 _ -
    Pubkey identity;  // signs blocks and votes, receives fees
    Stake stake;
    friend bool operator==(const GenesisValidator&, const GenesisValidator&) = default;
};

struct GenesisAccount {
    Pubkey pubkey;
    Account account;
    friend bool operator==(const GenesisAccount&, const GenesisAccount&) = default;
};

struct RentParameters {
    std::uint64_t lamports_per_byte = 6960;
    std::uint64_t overhead_bytes = 128;
    /// Fewest lamports an account of so many bytes may hold.
    [[nodiscard]] Lamports exempt_minimum(std::size_t data_bytes) const
    {
        return Lamports{(overhead_bytes + data_bytes) * lamports_per_byte};
    }
    friend bool operator==(const RentParameters&, const RentParameters&) = default;
};

struct ComputeParameters {
    std::uint32_t instruction_units_default = 200'000; // instruction of a program that is unknown
    std::uint32_t native_units_default = 3'000;        // instruction of a native program
    std::uint32_t transaction_units_max = 1'400'000;
    std::uint64_t block_units_max = 100'000'000;
    friend bool operator==(const ComputeParameters&, const ComputeParameters&) = default;
};

/// How a block becomes final: by certificates of two rounds of votes, or, where they are off, by
/// Tower's roots alone. The times are milliseconds and the same on all nodes.
struct FinalityParameters {
    bool certificates = true;
    std::uint32_t first_shred_ms = 750; // from a window's begin: without a shred it is skipped
    std::uint32_t notarized_ms = 1'000; // from a slot's end: not notarized, it is skipped
    std::uint32_t delay_bound_ms = 250; // one way, the worst that is planned for
    std::uint32_t standstill_ms = 10'000;
    friend bool operator==(const FinalityParameters&, const FinalityParameters&) = default;
};

struct Genesis {
    std::string cluster_name = "belfry";
    std::uint64_t created_unix_s = 0; // shown by RPC; consensus never reads it
    std::uint32_t slot_ms = 600;
    std::uint32_t ticks_per_slot = 64;
    std::uint32_t hashes_per_tick = 2000;
    std::uint64_t slots_per_epoch = 10'000;
    Lamports lamports_per_signature{5000};
    std::uint32_t burn_percent = 50; // of the base fee; the rest and the priority fee: leader
    RentParameters rent;
    ComputeParameters compute;
    FinalityParameters finality;
    std::vector<GenesisValidator> validators;
    std::vector<GenesisAccount> accounts;

    [[nodiscard]] std::uint64_t hashes_per_slot() const
    {
        return std::uint64_t{ticks_per_slot} * hashes_per_tick;
    }
    friend bool operator==(const Genesis&, const Genesis&) = default;
};

/// Throws std::runtime_error, one line, when a value or a relation of values is not allowed.
/// Sums of stakes and of lamports are known not to overflow afterwards.
void validate_genesis(const Genesis& genesis);
/// All accounts together. Precondition: validated.
[[nodiscard]] Lamports total_lamports(const Genesis& genesis);
[[nodiscard]] Stake total_stake(const Genesis& genesis);

/// Canonical encoding: fields in the order of the struct, little-endian; strings and lists are
/// preceded by their u32 count; accounts as in account.hpp.
[[nodiscard]] Bytes encode_genesis(const Genesis& genesis);
/// SHA-256("belfry.genesis.1" | encode_genesis).
[[nodiscard]] Hash genesis_hash(const Genesis& genesis);

/// Parsed and validated; source names the text in errors.
[[nodiscard]] Genesis parse_genesis(std::string_view toml, std::string_view source);
[[nodiscard]] Genesis load_genesis(const std::filesystem::path& file);
/// The commented TOML file that parse_genesis reads back to an equal Genesis.
[[nodiscard]] std::string genesis_to_toml(const Genesis& genesis);
/// Refuses to overwrite.
void save_genesis(const Genesis& genesis, const std::filesystem::path& file);

} // namespace belfry::ledger
