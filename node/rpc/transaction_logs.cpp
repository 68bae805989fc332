// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/transaction_logs.hpp"

#include "crypto/base58.hpp"
#include "exec/program.hpp"
#include "exec/programs/system.hpp"
#include "node/rpc/error_text.hpp"

#include <fmt/core.h>

#include <optional>

namespace belfry::node {
namespace {

using exec::InstructionErrorKind;
using exec::TransactionErrorKind;

constexpr std::uint32_t tag_create_account = 0;
constexpr std::uint32_t tag_transfer = 2;
constexpr std::uint32_t tag_allocate = 8;

std::string name_of_key(const ledger::Transaction& transaction, std::size_t account)
{
    return crypto::to_base58(transaction.account(account));
}

/// The move of lamports that an instruction of the System program asks for.
struct Move {
    std::uint8_t from = 0;
    std::uint8_t to = 0;
    std::uint64_t lamports = 0;
};

std::optional<Move> move_of(const ledger::Transaction& transaction,
                            const ledger::InstructionView& instruction)
{
    if (exec::native_program(transaction.account(instruction.program_index)) !=
            exec::NativeProgram::system ||
        instruction.accounts.size() < 2) {
        return std::nullopt;
    }
    ByteReader in(instruction.data);
    const std::uint32_t tag = in.u32();
    const std::uint64_t lamports = in.u64();
    if (!in.ok() || (tag != tag_create_account && tag != tag_transfer)) {
        return std::nullopt;
    }
    return Move{instruction.accounts[0], instruction.accounts[1], lamports};
}

/// What an account held when instruction `at` began: before the transaction, less the fee, and what
/// the instructions before it moved (they all took effect).
std::uint64_t balance_at(const ledger::Transaction& transaction, const TransactionEnd& end,
                         std::size_t at, std::uint8_t account)
{
    std::uint64_t lamports = end.balances[account] - (account == 0 ? end.fee.value : 0);
    for (std::size_t i = 0; i < at; ++i) {
        const auto move = move_of(transaction, transaction.instruction(i));
        if (move && move->from == account) {
            lamports -= move->lamports;
        }
        if (move && move->to == account) {
            lamports += move->lamports;
        }
    }
    return lamports;
}

/// What the System program says before it fails with a code of its own; "" for the others.
std::string system_complaint(const ledger::Transaction& transaction, const TransactionEnd& end)
{
    const ledger::InstructionView instruction = transaction.instruction(end.error.index);
    if (exec::native_program(transaction.account(instruction.program_index)) !=
            exec::NativeProgram::system ||
        end.error.instruction != InstructionErrorKind::custom) {
        return {};
    }
    ByteReader in(instruction.data);
    const std::uint32_t tag = in.u32();
    const auto move = move_of(transaction, instruction);
    switch (static_cast<exec::SystemError>(end.error.custom_code)) {
    case exec::SystemError::result_with_negative_lamports:
        if (!move || end.balances.size() != 2 * transaction.account_count()) {
            return {};
        }
        return fmt::format("Transfer: insufficient lamports {}, need {}",
                           balance_at(transaction, end, end.error.index, move->from),
                           move->lamports);
    case exec::SystemError::account_already_in_use: {
        const std::size_t place = tag == tag_allocate ? 0 : 1;
        if (instruction.accounts.size() <= place) {
            return {};
        }
        return fmt::format("{}: account Address {{ address: {}, base: None }} already in use",
                           tag == tag_allocate ? "Allocate" : "Create Account",
                           name_of_key(transaction, instruction.accounts[place]));
    }
    default:
        return {};
    }
}

/// How many instructions were begun.
std::size_t begun_count(const ledger::Transaction& transaction, const exec::TransactionError& error)
{
    switch (error.kind) {
    case TransactionErrorKind::none:
    case TransactionErrorKind::insufficient_funds_for_rent:
        return transaction.instruction_count();
    case TransactionErrorKind::instruction_error:
        if (error.index >= transaction.instruction_count()) {
            return 0;
        }
        // A malformed budget is found before the first instruction runs.
        if (error.instruction == InstructionErrorKind::invalid_instruction_data &&
            exec::native_program(
                transaction.account(transaction.instruction(error.index).program_index)) ==
                exec::NativeProgram::compute_budget) {
            return 0;
        }
        return std::size_t{error.index} + 1;
    default:
        return 0;
    }
}

} // namespace

std::vector<std::string> program_logs(const ledger::Transaction& transaction,
                                      const TransactionEnd& end)
{
    std::vector<std::string> lines;
    const bool failed = end.error.kind == TransactionErrorKind::instruction_error;
    const std::size_t count = begun_count(transaction, end.error);
    for (std::size_t i = 0; i < count; ++i) {
        const std::string program =
            name_of_key(transaction, transaction.instruction(i).program_index);
        lines.push_back(fmt::format("Program {} invoke [1]", program));
        if (!failed || i + 1 < count) {
            lines.push_back(fmt::format("Program {} success", program));
            continue;
        }
        if (std::string complaint = system_complaint(transaction, end); !complaint.empty()) {
            lines.push_back(std::move(complaint));
        }
        lines.push_back(
            fmt::format("Program {} failed: {}", program, instruction_error_words(end.error)));
    }
    return lines;
}

} // namespace belfry::node
