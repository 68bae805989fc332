// SPDX-License-Identifier: Apache-2.0
#pragma once
// transaction_error.hpp: why a transaction that is in a block (or was refused) did not take effect.
// Shapes   a TransactionError is seven bytes: kind, index, instruction error, custom code. Names
// are
//          Solana's, so that the RPC writes {"InstructionError":[index,{"Custom":code}]} from them.
// Errors   decode gives nullopt for a value that encode never wrote.
// Source   the names clients decode: clients.md section 3, E.

#include "base/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace belfry::exec {

/// `none` is success. Values are stored on disk: append only.
enum class TransactionErrorKind : std::uint8_t {
    none = 0,
    account_not_found = 1,
    invalid_account_for_fee = 2,
    insufficient_funds_for_fee = 3,
    insufficient_funds_for_rent = 4, // index: the account
    blockhash_not_found = 5,
    already_processed = 6,
    invalid_program_for_execution = 7,
    duplicate_instruction = 8, // index: the instruction
    instruction_error = 9,     // index: the instruction; see InstructionErrorKind
    invalid_loaded_accounts_data_size_limit = 10,
    account_in_use = 11,
    signature_failure = 12,
    sanitize_failure = 13,
    too_many_account_locks = 14,
};
inline constexpr std::uint8_t transaction_error_kind_count = 15;

/// Values are stored on disk: append only.
enum class InstructionErrorKind : std::uint8_t {
    none = 0,
    custom = 1, // TransactionError::custom_code
    generic_error = 2,
    invalid_argument = 3,
    invalid_instruction_data = 4,
    invalid_account_data = 5,
    insufficient_funds = 6,
    missing_required_signature = 7,
    not_enough_account_keys = 8,
    readonly_lamport_change = 9,
    readonly_data_modified = 10,
    external_account_lamport_spend = 11,
    external_account_data_modified = 12,
    modified_program_id = 13,
    account_data_size_changed = 14,
    arithmetic_overflow = 15,
    computational_budget_exceeded = 16,
    max_accounts_data_allocations_exceeded = 17,
};
inline constexpr std::uint8_t instruction_error_kind_count = 18;

struct TransactionError {
    static constexpr std::size_t encoded_bytes = 7;

    TransactionErrorKind kind = TransactionErrorKind::none;
    std::uint8_t index = 0; // of the instruction or of the account, 0 where the kind has none
    InstructionErrorKind instruction = InstructionErrorKind::none;
    std::uint32_t custom_code = 0;

    friend constexpr bool operator==(const TransactionError&, const TransactionError&) = default;
    [[nodiscard]] constexpr bool ok() const { return kind == TransactionErrorKind::none; }

    [[nodiscard]] static constexpr TransactionError of(TransactionErrorKind kind,
                                                       std::uint8_t index = 0)
    {
        return {kind, index, InstructionErrorKind::none, 0};
    }
    [[nodiscard]] static constexpr TransactionError
    of_instruction(std::uint8_t index, InstructionErrorKind error, std::uint32_t custom_code = 0)
    {
        return {TransactionErrorKind::instruction_error, index, error, custom_code};
    }
};

/// Solana's name of the variant, e.g. "InsufficientFundsForFee"; "Ok" for none.
[[nodiscard]] std::string_view name_of(TransactionErrorKind kind);
/// E.g. "InvalidArgument"; "Custom" for custom, "Ok" for none.
[[nodiscard]] std::string_view name_of(InstructionErrorKind kind);

/// Appends TransactionError::encoded_bytes bytes: u8 kind | u8 index | u8 instruction | u32 custom.
void encode(const TransactionError& error, ByteWriter& out);
/// nullopt on too few bytes or an unknown value.
[[nodiscard]] std::optional<TransactionError> decode_transaction_error(ByteReader& in);

} // namespace belfry::exec
