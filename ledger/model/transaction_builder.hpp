// SPDX-License-Identifier: Apache-2.0
#pragma once
// transaction_builder.hpp: makes the transactions of the command line, the load generator and the
// tests: instructions in, message bytes out, signatures added last.
// Shapes   keys in Solana's order: writable signers (fee payer first), readonly signers, writable
//          others, readonly others; within a class by bytes, as Solana's Rust SDK orders them.
// Errors   preconditions are checked: at most 256 keys, 65535 bytes. A message that is too long for
//          the wire is refused by parse_transaction().

#include "base/bytes.hpp"
#include "base/strong.hpp"

#include <span>
#include <vector>

namespace belfry::ledger {

struct AccountMeta {
    Pubkey key;
    bool is_signer = false;
    bool is_writable = false;
};

/// An instruction before its keys have become indexes.
struct Instruction {
    Pubkey program;
    std::vector<AccountMeta> accounts = {};
    Bytes data = {};
};

struct MessageOptions {
    Pubkey fee_payer;
    Hash recent_blockhash = {};
    bool version_0 = false; // else legacy
};

[[nodiscard]] Bytes build_message(const MessageOptions& options,
                                  std::span<const Instruction> instructions);
/// Signatures in the order of the signer keys. The result is the wire transaction.
[[nodiscard]] Bytes assemble_transaction(std::span<const Signature> signatures, ByteView message);

struct TransferOptions {
    Pubkey from; // signs
    Pubkey to;
    Lamports lamports;
};
[[nodiscard]] Instruction system_transfer(const TransferOptions& options);

struct CreateAccountOptions {
    Pubkey from;        // signs, pays
    Pubkey new_account; // signs
    Lamports lamports;
    std::uint64_t space_bytes = 0;
    Pubkey owner;
};
[[nodiscard]] Instruction system_create_account(const CreateAccountOptions& options);
[[nodiscard]] Instruction compute_unit_limit(std::uint32_t units);
[[nodiscard]] Instruction compute_unit_price(std::uint64_t microlamports_per_unit);

} // namespace belfry::ledger
