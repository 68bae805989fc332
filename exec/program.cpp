// SPDX-License-Identifier: Apache-2.0
#include "exec/program.hpp"

#include "base/check.hpp"

namespace belfry::exec {

ExecutionRules ExecutionRules::from(const ledger::Genesis& genesis)
{
    return ExecutionRules{genesis.lamports_per_signature, genesis.burn_percent, genesis.rent,
                          genesis.compute};
}

bool TransactionMeter::consume(std::uint64_t compute_units)
{
    if (compute_units > compute_units_left) {
        compute_units_left = 0;
        return false;
    }
    compute_units_left -= compute_units;
    return true;
}

NativeProgram native_program(const Pubkey& key)
{
    if (key == ledger::system_program) {
        return NativeProgram::system;
    }
    if (key == ledger::compute_budget_program) {
        return NativeProgram::compute_budget;
    }
    return NativeProgram::none;
}

InstructionContext::InstructionContext(const Parts& parts)
    : parts_(parts)
    , program_(parts.transaction.account(parts.instruction.program_index))
{
}

std::size_t InstructionContext::key_index(std::size_t account) const
{
    BELFRY_CHECK(account < account_count());
    return parts_.instruction.accounts[account];
}

bool InstructionContext::is_signer(std::size_t account) const
{
    return parts_.transaction.is_signer(key_index(account));
}

bool InstructionContext::is_writable(std::size_t account) const
{
    return (parts_.writable_mask >> key_index(account) & 1) != 0;
}

const WorkingAccount& InstructionContext::get(std::size_t account) const
{
    return parts_.working.at(parts_.places[key_index(account)]);
}

WorkingAccount& InstructionContext::at(std::size_t account)
{
    return parts_.working.at(parts_.places[key_index(account)]);
}

bool InstructionContext::owned(std::size_t account) const
{
    return get(account).owner == program_;
}

InstructionError InstructionContext::set_lamports(std::size_t account, std::uint64_t lamports)
{
    if (!owned(account) && lamports < get(account).lamports) {
        return InstructionError::of(InstructionErrorKind::external_account_lamport_spend);
    }
    if (!is_writable(account)) {
        return InstructionError::of(InstructionErrorKind::readonly_lamport_change);
    }
    at(account).lamports = lamports;
    return {};
}

InstructionError InstructionContext::subtract_lamports(std::size_t account, std::uint64_t lamports)
{
    std::uint64_t left = 0;
    if (__builtin_sub_overflow(get(account).lamports, lamports, &left)) {
        return InstructionError::of(InstructionErrorKind::arithmetic_overflow);
    }
    return set_lamports(account, left);
}

InstructionError InstructionContext::add_lamports(std::size_t account, std::uint64_t lamports)
{
    std::uint64_t sum = 0;
    if (__builtin_add_overflow(get(account).lamports, lamports, &sum)) {
        return InstructionError::of(InstructionErrorKind::arithmetic_overflow);
    }
    return set_lamports(account, sum);
}

InstructionError InstructionContext::set_data_bytes(std::size_t account, std::uint64_t data_bytes)
{
    const std::uint64_t old_bytes = get(account).data_bytes;
    if (old_bytes != data_bytes && !owned(account)) {
        return InstructionError::of(InstructionErrorKind::account_data_size_changed);
    }
    BELFRY_CHECK(data_bytes <= ledger::account_data_bytes_max);
    const std::uint64_t growth = data_bytes > old_bytes ? data_bytes - old_bytes : 0;
    if (parts_.meter.allocated_bytes + growth > transaction_allocation_bytes_max) {
        return InstructionError::of(InstructionErrorKind::max_accounts_data_allocations_exceeded);
    }
    if (!is_writable(account)) {
        return InstructionError::of(InstructionErrorKind::readonly_data_modified);
    }
    if (!owned(account)) {
        return InstructionError::of(InstructionErrorKind::external_account_data_modified);
    }
    if (old_bytes != data_bytes) {
        // A working account has no bytes to keep: only an empty one can get a new length.
        BELFRY_CHECK(old_bytes == 0);
        parts_.meter.allocated_bytes += growth;
        at(account).data_bytes = data_bytes;
        at(account).data_is_new = true;
        at(account).data_is_zeros = true;
    }
    return {};
}

InstructionError InstructionContext::set_owner(std::size_t account, const Pubkey& owner)
{
    // What one program wrote must not be believed by the next owner.
    if (!owned(account) || !is_writable(account) || !get(account).data_is_zeros) {
        return InstructionError::of(InstructionErrorKind::modified_program_id);
    }
    at(account).owner = owner;
    return {};
}

} // namespace belfry::exec
