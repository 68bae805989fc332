// SPDX-License-Identifier: Apache-2.0
#include "exec/transaction_error.hpp"

#include <array>

namespace belfry::exec {

std::string_view name_of(TransactionErrorKind kind)
{
    static constexpr std::array<std::string_view, transaction_error_kind_count> names{
        "Ok",
        "AccountNotFound",
        "InvalidAccountForFee",
        "InsufficientFundsForFee",
        "InsufficientFundsForRent",
        "BlockhashNotFound",
        "AlreadyProcessed",
        "InvalidProgramForExecution",
        "DuplicateInstruction",
        "InstructionError",
        "InvalidLoadedAccountsDataSizeLimit",
        "AccountInUse",
        "SignatureFailure",
        "SanitizeFailure",
        "TooManyAccountLocks",
    };
    return names.at(static_cast<std::size_t>(kind));
}

std::string_view name_of(InstructionErrorKind kind)
{
    static constexpr std::array<std::string_view, instruction_error_kind_count> names{
        "Ok",
        "Custom",
        "GenericError",
        "InvalidArgument",
        "InvalidInstructionData",
        "InvalidAccountData",
        "InsufficientFunds",
        "MissingRequiredSignature",
        "NotEnoughAccountKeys",
        "ReadonlyLamportChange",
        "ReadonlyDataModified",
        "ExternalAccountLamportSpend",
        "ExternalAccountDataModified",
        "ModifiedProgramId",
        "AccountDataSizeChanged",
        "ArithmeticOverflow",
        "ComputationalBudgetExceeded",
        "MaxAccountsDataAllocationsExceeded",
    };
    return names.at(static_cast<std::size_t>(kind));
}

void encode(const TransactionError& error, ByteWriter& out)
{
    out.u8(static_cast<std::uint8_t>(error.kind));
    out.u8(error.index);
    out.u8(static_cast<std::uint8_t>(error.instruction));
    out.u32(error.custom_code);
}

std::optional<TransactionError> decode_transaction_error(ByteReader& in)
{
    const std::uint8_t kind = in.u8();
    const std::uint8_t index = in.u8();
    const std::uint8_t instruction = in.u8();
    const std::uint32_t custom_code = in.u32();
    if (!in.ok() || kind >= transaction_error_kind_count ||
        instruction >= instruction_error_kind_count) {
        return std::nullopt;
    }
    return TransactionError{static_cast<TransactionErrorKind>(kind), index,
                            static_cast<InstructionErrorKind>(instruction), custom_code};
}

} // namespace belfry::exec
