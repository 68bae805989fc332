// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/transaction_builder.hpp"

#include "base/check.hpp"
#include "ledger/model/program_ids.hpp"
#include "ledger/model/short_vec.hpp"

#include <algorithm>

namespace belfry::ledger {

namespace {
/// 0 writable signer, 1 readonly signer, 2 writable, 3 readonly.
int class_of(const AccountMeta& meta)
{
    return (meta.is_signer ? 0 : 2) + (meta.is_writable ? 0 : 1);
}

/// Every key once, with the union of its rights, in Solana's order.
std::vector<AccountMeta> ordered_keys(const Pubkey& fee_payer,
                                      std::span<const Instruction> instructions)
{
    std::vector<AccountMeta> all;
    for (const Instruction& instruction : instructions) {
        all.push_back({.key = instruction.program});
        all.insert(all.end(), instruction.accounts.begin(), instruction.accounts.end());
    }
    std::ranges::sort(all, {}, &AccountMeta::key);
    std::vector<AccountMeta> merged{{.key = fee_payer, .is_signer = true, .is_writable = true}};
    for (const AccountMeta& meta : all) {
        if (meta.key == fee_payer) {
            continue;
        }
        if (merged.size() == 1 || merged.back().key != meta.key) {
            merged.push_back(meta);
        } else {
            merged.back().is_signer |= meta.is_signer;
            merged.back().is_writable |= meta.is_writable;
        }
    }
    std::ranges::sort(merged.begin() + 1, merged.end(), [](const auto& a, const auto& b) {
        return std::pair(class_of(a), a.key) < std::pair(class_of(b), b.key);
    });
    return merged;
}

std::uint8_t index_of(std::span<const AccountMeta> keys, const Pubkey& key)
{
    const auto found = std::ranges::find(keys, key, &AccountMeta::key);
    BELFRY_CHECK(found != keys.end());
    return static_cast<std::uint8_t>(found - keys.begin());
}

void write_count(Bytes& out, std::size_t count)
{
    BELFRY_CHECK(count <= UINT16_MAX);
    write_short_vec(out, static_cast<std::uint16_t>(count));
}

Instruction compute_budget(Bytes data)
{
    return {.program = compute_budget_program, .accounts = {}, .data = std::move(data)};
}
} // namespace

Bytes build_message(const MessageOptions& options, std::span<const Instruction> instructions)
{
    const std::vector<AccountMeta> keys = ordered_keys(options.fee_payer, instructions);
    BELFRY_CHECK(keys.size() <= 256);
    const auto count_class = [&keys](int wanted) {
        return static_cast<std::uint8_t>(std::ranges::count_if(
            keys, [=](const auto& meta) { return class_of(meta) == wanted; }));
    };
    Bytes message;
    ByteWriter writer(message);
    if (options.version_0) {
        writer.u8(0x80);
    }
    const std::uint8_t readonly_signers = count_class(1);
    writer.u8(static_cast<std::uint8_t>(count_class(0) + readonly_signers));
    writer.u8(readonly_signers);
    writer.u8(count_class(3));
    write_count(message, keys.size());
    for (const AccountMeta& meta : keys) {
        writer.bytes(meta.key.view());
    }
    writer.bytes(options.recent_blockhash.view());
    write_count(message, instructions.size());
    for (const Instruction& instruction : instructions) {
        writer.u8(index_of(keys, instruction.program));
        write_count(message, instruction.accounts.size());
        for (const AccountMeta& meta : instruction.accounts) {
            writer.u8(index_of(keys, meta.key));
        }
        write_count(message, instruction.data.size());
        writer.bytes(instruction.data);
    }
    if (options.version_0) {
        writer.u8(0); // no lookup tables
    }
    return message;
}

Bytes assemble_transaction(std::span<const Signature> signatures, ByteView message)
{
    Bytes wire;
    wire.reserve(3 + signatures.size() * Signature::size_bytes + message.size());
    write_count(wire, signatures.size());
    ByteWriter writer(wire);
    for (const Signature& signature : signatures) {
        writer.bytes(signature.view());
    }
    writer.bytes(message);
    return wire;
}

Instruction system_transfer(const TransferOptions& options)
{
    Instruction instruction{
        .program = system_program,
        .accounts = {{.key = options.from, .is_signer = true, .is_writable = true},
                     {.key = options.to, .is_signer = false, .is_writable = true}},
        .data = {}};
    ByteWriter writer(instruction.data);
    writer.u32(2);
    writer.u64(options.lamports.value);
    return instruction;
}

Instruction system_create_account(const CreateAccountOptions& options)
{
    Instruction instruction{
        .program = system_program,
        .accounts = {{.key = options.from, .is_signer = true, .is_writable = true},
                     {.key = options.new_account, .is_signer = true, .is_writable = true}},
        .data = {}};
    ByteWriter writer(instruction.data);
    writer.u32(0);
    writer.u64(options.lamports.value);
    writer.u64(options.space_bytes);
    writer.bytes(options.owner.view());
    return instruction;
}

Instruction compute_unit_limit(std::uint32_t units)
{
    Bytes data;
    ByteWriter writer(data);
    writer.u8(2);
    writer.u32(units);
    return compute_budget(std::move(data));
}

Instruction compute_unit_price(std::uint64_t microlamports_per_unit)
{
    Bytes data;
    ByteWriter writer(data);
    writer.u8(3);
    writer.u64(microlamports_per_unit);
    return compute_budget(std::move(data));
}

} // namespace belfry::ledger
