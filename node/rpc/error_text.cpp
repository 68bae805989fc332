// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/error_text.hpp"

#include <fmt/core.h>

namespace belfry::node {

using exec::InstructionErrorKind;
using exec::TransactionErrorKind;

std::string error_json_text(const exec::TransactionError& error)
{
    const std::string_view name = exec::name_of(error.kind);
    switch (error.kind) {
    case TransactionErrorKind::none:
        return "null";
    case TransactionErrorKind::instruction_error:
        if (error.instruction == InstructionErrorKind::custom) {
            return fmt::format(R"({{"{}":[{},{{"Custom":{}}}]}})", name, error.index,
                               error.custom_code);
        }
        return fmt::format(R"({{"{}":[{},"{}"]}})", name, error.index,
                           exec::name_of(error.instruction));
    case TransactionErrorKind::insufficient_funds_for_rent:
        return fmt::format(R"({{"{}":{{"account_index":{}}}}})", name, error.index);
    case TransactionErrorKind::duplicate_instruction:
        return fmt::format(R"({{"{}":{}}})", name, error.index);
    default:
        return fmt::format(R"("{}")", name);
    }
}

std::string instruction_error_words(const exec::TransactionError& error)
{
    switch (error.instruction) {
    case InstructionErrorKind::none:
        return {};
    case InstructionErrorKind::custom:
        return fmt::format("custom program error: {:#x}", error.custom_code);
    case InstructionErrorKind::generic_error:
        return "generic instruction error";
    case InstructionErrorKind::invalid_argument:
        return "invalid program argument";
    case InstructionErrorKind::invalid_instruction_data:
        return "invalid instruction data";
    case InstructionErrorKind::invalid_account_data:
        return "invalid account data for instruction";
    case InstructionErrorKind::insufficient_funds:
        return "insufficient funds for instruction";
    case InstructionErrorKind::missing_required_signature:
        return "missing required signature for instruction";
    case InstructionErrorKind::not_enough_account_keys:
        return "insufficient account keys for instruction";
    case InstructionErrorKind::readonly_lamport_change:
        return "instruction changed the balance of a read-only account";
    case InstructionErrorKind::readonly_data_modified:
        return "instruction modified data of a read-only account";
    case InstructionErrorKind::external_account_lamport_spend:
        return "instruction spent from the balance of an account it does not own";
    case InstructionErrorKind::external_account_data_modified:
        return "instruction modified data of an account it does not own";
    case InstructionErrorKind::modified_program_id:
        return "instruction illegally modified the program id of an account";
    case InstructionErrorKind::account_data_size_changed:
        return "program other than the account's owner changed the size of the account data";
    case InstructionErrorKind::arithmetic_overflow:
        return "Program arithmetic overflowed";
    case InstructionErrorKind::computational_budget_exceeded:
        return "Computational budget exceeded";
    case InstructionErrorKind::max_accounts_data_allocations_exceeded:
        return "Accounts data allocations exceeded the maximum allowed per transaction";
    }
    return "unknown";
}

std::string error_words(const exec::TransactionError& error)
{
    switch (error.kind) {
    case TransactionErrorKind::none:
        return {};
    case TransactionErrorKind::account_not_found:
        return "Attempt to debit an account but found no record of a prior credit.";
    case TransactionErrorKind::invalid_account_for_fee:
        return "This account may not be used to pay transaction fees";
    case TransactionErrorKind::insufficient_funds_for_fee:
        return "Insufficient funds for fee";
    case TransactionErrorKind::insufficient_funds_for_rent:
        return fmt::format(
            "Transaction results in an account ({}) with insufficient funds for rent", error.index);
    case TransactionErrorKind::blockhash_not_found:
        return "Blockhash not found";
    case TransactionErrorKind::already_processed:
        return "This transaction has already been processed";
    case TransactionErrorKind::invalid_program_for_execution:
        return "This program may not be used for executing instructions";
    case TransactionErrorKind::duplicate_instruction:
        return fmt::format("Transaction contains a duplicate instruction ({}) that is not allowed",
                           error.index);
    case TransactionErrorKind::instruction_error:
        return fmt::format("Error processing Instruction {}: {}", error.index,
                           instruction_error_words(error));
    case TransactionErrorKind::invalid_loaded_accounts_data_size_limit:
        return "LoadedAccountsDataSizeLimit set for transaction must be greater than 0.";
    case TransactionErrorKind::account_in_use:
        return "Account in use";
    case TransactionErrorKind::signature_failure:
        return "Transaction did not pass signature verification";
    case TransactionErrorKind::sanitize_failure:
        return "Transaction failed to sanitize accounts offsets correctly";
    case TransactionErrorKind::too_many_account_locks:
        return "Transaction locked too many accounts";
    }
    return "unknown";
}

} // namespace belfry::node
