// SPDX-License-Identifier: Apache-2.0
#include "exec/programs/system.hpp"

namespace belfry::exec {
namespace {

enum class SystemTag : std::uint8_t { create_account = 0, assign = 1, transfer = 2, allocate = 8 };

[[nodiscard]] InstructionError system_error(SystemError error)
{
    return InstructionError::custom(static_cast<std::uint32_t>(error));
}

struct Transfer {
    std::size_t from = 0;
    std::size_t to = 1;
    std::uint64_t lamports = 0;
};

[[nodiscard]] InstructionError transfer(InstructionContext& context, const Transfer& wanted)
{
    if (!context.is_signer(wanted.from)) {
        return InstructionError::of(InstructionErrorKind::missing_required_signature);
    }
    const WorkingAccount& from = context.get(wanted.from);
    if (from.data_bytes != 0) {
        return InstructionError::of(InstructionErrorKind::invalid_argument);
    }
    if (wanted.lamports > from.lamports) {
        return system_error(SystemError::result_with_negative_lamports);
    }
    if (const InstructionError error = context.subtract_lamports(wanted.from, wanted.lamports);
        !error.ok()) {
        return error;
    }
    return context.add_lamports(wanted.to, wanted.lamports);
}

[[nodiscard]] InstructionError allocate(InstructionContext& context, std::size_t account,
                                        std::uint64_t space_bytes)
{
    if (!context.is_signer(account)) {
        return InstructionError::of(InstructionErrorKind::missing_required_signature);
    }
    const WorkingAccount& target = context.get(account);
    if (target.data_bytes != 0 || target.owner != ledger::system_program) {
        return system_error(SystemError::account_already_in_use);
    }
    if (space_bytes > ledger::account_data_bytes_max) {
        return system_error(SystemError::invalid_account_data_length);
    }
    return context.set_data_bytes(account, space_bytes);
}

[[nodiscard]] InstructionError assign(InstructionContext& context, std::size_t account,
                                      const Pubkey& owner)
{
    if (context.get(account).owner == owner) {
        return {};
    }
    if (!context.is_signer(account)) {
        return InstructionError::of(InstructionErrorKind::missing_required_signature);
    }
    return context.set_owner(account, owner);
}

struct NewAccount {
    std::uint64_t lamports = 0;
    std::uint64_t space_bytes = 0;
    Pubkey owner;
};

[[nodiscard]] InstructionError create_account(InstructionContext& context, const NewAccount& wanted)
{
    constexpr std::size_t from = 0;
    constexpr std::size_t to = 1;
    if (context.get(to).lamports > 0) {
        return system_error(SystemError::account_already_in_use);
    }
    if (const InstructionError error = allocate(context, to, wanted.space_bytes); !error.ok()) {
        return error;
    }
    if (const InstructionError error = assign(context, to, wanted.owner); !error.ok()) {
        return error;
    }
    return transfer(context, Transfer{from, to, wanted.lamports});
}

[[nodiscard]] std::size_t accounts_needed(SystemTag tag)
{
    return tag == SystemTag::create_account || tag == SystemTag::transfer ? 2 : 1;
}

} // namespace

InstructionError run_system(InstructionContext& context)
{
    if (!context.meter().consume(system_compute_units)) {
        return InstructionError::of(InstructionErrorKind::computational_budget_exceeded);
    }
    ByteReader in(context.data());
    const std::uint32_t tag_value = in.u32();
    if (tag_value > UINT8_MAX) {
        return InstructionError::of(InstructionErrorKind::invalid_instruction_data);
    }
    const SystemTag tag{static_cast<std::uint8_t>(tag_value)};
    NewAccount fields;
    switch (tag) {
    case SystemTag::create_account:
        fields.lamports = in.u64();
        fields.space_bytes = in.u64();
        fields.owner = in.fixed<Pubkey>();
        break;
    case SystemTag::assign:
        fields.owner = in.fixed<Pubkey>();
        break;
    case SystemTag::transfer:
        fields.lamports = in.u64();
        break;
    case SystemTag::allocate:
        fields.space_bytes = in.u64();
        break;
    default:
        return InstructionError::of(InstructionErrorKind::invalid_instruction_data);
    }
    if (!in.ok()) {
        return InstructionError::of(InstructionErrorKind::invalid_instruction_data);
    }
    if (context.account_count() < accounts_needed(tag)) {
        return InstructionError::of(InstructionErrorKind::not_enough_account_keys);
    }
    switch (tag) {
    case SystemTag::create_account:
        return create_account(context, fields);
    case SystemTag::assign:
        return assign(context, 0, fields.owner);
    case SystemTag::transfer:
        return transfer(context, Transfer{0, 1, fields.lamports});
    case SystemTag::allocate:
        return allocate(context, 0, fields.space_bytes);
    }
    return InstructionError::of(InstructionErrorKind::invalid_instruction_data);
}

} // namespace belfry::exec
