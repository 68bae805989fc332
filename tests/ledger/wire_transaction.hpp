// SPDX-License-Identifier: Apache-2.0
#pragma once
// wire_transaction.hpp: a transaction field by field, so that a test can break exactly one of them,
// and the published ones it starts from.

#include "base/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belfry::ledger {

/// Writes what it is told, right or wrong. Counts follow the lists unless they are given.
struct WireTransaction {
    struct Instruction {
        std::uint8_t program_index = 0;
        std::vector<std::uint8_t> accounts;
        Bytes data;
    };
    std::vector<Signature> signatures;
    std::optional<std::uint8_t> version; // the prefix byte
    std::uint8_t required_signature_count = 0;
    std::uint8_t readonly_signed_count = 0;
    std::uint8_t readonly_unsigned_count = 0;
    std::vector<Pubkey> keys;
    Hash blockhash;
    std::vector<Instruction> instructions;
    Bytes tail; // after the instructions

    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] Bytes message() const;
};

/// A legacy transfer of one signer, sound but for its signature.
[[nodiscard]] WireTransaction sound_transfer();
/// A key that a signer may have: the base point with the sign bit varied is not enough for many, so
/// keys are those of seeds. Precondition: index < 64.
[[nodiscard]] Pubkey signer_key(std::uint8_t index);
[[nodiscard]] Pubkey address(std::uint8_t index);

/// From tests/vectors/solana_transactions.json.
[[nodiscard]] Bytes golden_wire(std::string_view name);
[[nodiscard]] std::string golden_signature(std::string_view name);

} // namespace belfry::ledger
