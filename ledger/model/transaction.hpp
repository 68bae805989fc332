// SPDX-License-Identifier: Apache-2.0
#pragma once
// transaction.hpp: one transaction in Solana's wire format, checked and ready to be asked.
// Shapes   legacy and v0 without lookup tables, at most 1232 bytes; v1 and lookup tables are
//          refused by name. What parses encodes to the same bytes: there is one encoding.
// Bounds   64 account keys, 64 instructions, bytes left over are refused.
// Errors   TransactionError, one value per rule. Every rule is also a rule of block validity.
// Identity message_hash() names a transaction inside the node; a signature never does.
// Threads  a value without pointers: copy it over links.
// Source   Solana's transaction format; sanity rules as Agave's sanitize and account loading.

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace belfry::ledger {

inline constexpr std::size_t transaction_bytes_max = 1232; // IPv6's minimum MTU less two headers
inline constexpr std::size_t transaction_bytes_min = 134;  // 1 signature, 1 key, no instruction
inline constexpr std::size_t transaction_accounts_max = 64;
inline constexpr std::size_t transaction_instructions_max = 64;

enum class TransactionError : std::uint8_t {
    too_large,                  // more than transaction_bytes_max
    truncated,                  // ends inside a field
    bad_count,                  // a shortvec that is not in its one encoding
    trailing_bytes,             // something follows the message
    no_signature,               // signature count 0
    unsupported_v1,             // starts with 0x81
    unsupported_version,        // message version other than legacy and 0
    lookup_table,               // v0 with address lookup tables
    signature_count_mismatch,   // signatures != numRequiredSignatures
    no_writable_signer,         // numReadonlySigned >= numRequiredSignatures
    header_exceeds_keys,        // numRequiredSignatures + numReadonlyUnsigned > keys
    too_many_accounts,          // more than transaction_accounts_max keys
    duplicate_account,          // AccountLoadedTwice
    too_many_instructions,      // more than transaction_instructions_max
    program_index_out_of_range, // no such key
    program_is_fee_payer,       // program index 0
    account_index_out_of_range, // no such key
    key_not_admissible,         // a signer's key is not canonical or of small order
};
inline constexpr std::size_t transaction_error_count = 18;
/// The enumerator's name, for counters and reports.
[[nodiscard]] std::string_view to_string(TransactionError error);

/// The three counts at the front of a message.
struct MessageHeader {
    std::uint8_t required_signature_count = 0;
    std::uint8_t readonly_signed_count = 0;
    std::uint8_t readonly_unsigned_count = 0;
};

/// Views into the transaction; valid as long as it lives and is not moved.
struct InstructionView {
    std::uint8_t program_index = 0;
    ByteView accounts; // indexes of account keys
    ByteView data;
};

enum class MessageVersion : std::uint8_t { legacy, v0 };

/// A parsed transaction. Made by parse_transaction() only; indexes it holds are in range.
/// All views live as long as the object stays in its place.
class Transaction {
public:
    [[nodiscard]] ByteView wire() const { return ByteView(wire_).first(wire_bytes_); }
    /// The bytes that the signatures sign, version prefix included.
    [[nodiscard]] ByteView message() const { return wire().subspan(message_offset_); }
    /// SHA-256 of message(), computed once by the parser.
    [[nodiscard]] const Hash& message_hash() const { return message_hash_; }
    [[nodiscard]] MessageVersion version() const { return version_; }
    [[nodiscard]] MessageHeader header() const { return header_; }

    [[nodiscard]] std::size_t signature_count() const { return header_.required_signature_count; }
    /// Precondition: index < signature_count().
    [[nodiscard]] Signature signature(std::size_t index) const;
    [[nodiscard]] std::size_t account_count() const { return account_count_; }
    /// Precondition: index < account_count().
    [[nodiscard]] Pubkey account(std::size_t index) const;
    /// Key 0: signer, writable, pays the fee.
    [[nodiscard]] Pubkey fee_payer() const { return account(0); }
    [[nodiscard]] Hash recent_blockhash() const;
    [[nodiscard]] std::size_t instruction_count() const { return instruction_count_; }
    /// Precondition: index < instruction_count().
    [[nodiscard]] InstructionView instruction(std::size_t index) const;
    /// By the header alone; whether a program may write to it is a matter of execution.
    [[nodiscard]] bool is_signer(std::size_t account_index) const;
    [[nodiscard]] bool is_writable(std::size_t account_index) const;

private:
    friend class TransactionParser;
    Transaction() = default;

    std::array<std::uint8_t, transaction_bytes_max> wire_{};
    std::array<std::uint16_t, transaction_instructions_max> instruction_offsets_{};
    Hash message_hash_;
    std::uint16_t wire_bytes_ = 0;
    std::uint16_t message_offset_ = 0;
    std::uint16_t accounts_offset_ = 0;
    MessageHeader header_;
    std::uint8_t account_count_ = 0;
    std::uint8_t instruction_count_ = 0;
    MessageVersion version_ = MessageVersion::legacy;
};

/// Parses and applies every rule except the signatures themselves.
[[nodiscard]] Result<Transaction, TransactionError> parse_transaction(ByteView wire);

} // namespace belfry::ledger
