// SPDX-License-Identifier: Apache-2.0
#include "exec/programs/compute_budget.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace belfry::exec {
namespace {

enum class Tag : std::uint8_t {
    heap_bytes = 1,
    unit_limit = 2,
    unit_price = 3,
    loaded_bytes = 4,
};
constexpr std::size_t tag_count = 5;
constexpr std::uint64_t heap_bytes_min = std::uint64_t{32} * 1024;
constexpr std::uint64_t heap_bytes_max = std::uint64_t{256} * 1024;
constexpr std::uint64_t heap_step_bytes = 1024;
constexpr std::uint64_t microlamports_per_lamport = 1'000'000;

__extension__ using Wide = unsigned __int128;

[[nodiscard]] Lamports saturate(Wide amount)
{
    return Lamports{amount > UINT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(amount)};
}

/// The values asked for, by tag.
class Request {
public:
    [[nodiscard]] TransactionError read(std::uint8_t instruction_index, ByteView data)
    {
        const TransactionError malformed = TransactionError::of_instruction(
            instruction_index, InstructionErrorKind::invalid_instruction_data);
        ByteReader in(data); // bytes after the value are ignored
        const std::uint8_t tag = in.u8();
        if (!in.ok() || tag == 0 || tag >= tag_count) {
            return malformed;
        }
        const std::uint64_t value = Tag{tag} == Tag::unit_price ? in.u64() : in.u32();
        if (!in.ok()) {
            return malformed;
        }
        if (values_.at(tag)) {
            return TransactionError::of(TransactionErrorKind::duplicate_instruction,
                                        instruction_index);
        }
        if (Tag{tag} == Tag::heap_bytes &&
            (value < heap_bytes_min || value > heap_bytes_max || value % heap_step_bytes != 0)) {
            return malformed;
        }
        if (Tag{tag} == Tag::loaded_bytes && value == 0) {
            return TransactionError::of(
                TransactionErrorKind::invalid_loaded_accounts_data_size_limit);
        }
        values_.at(tag) = value;
        return {};
    }
    [[nodiscard]] std::optional<std::uint64_t> get(Tag tag) const
    {
        return values_.at(static_cast<std::size_t>(tag));
    }

private:
    std::array<std::optional<std::uint64_t>, tag_count> values_;
};

} // namespace

ComputeBudget compute_budget_of(const ledger::Transaction& transaction, const ExecutionRules& rules)
{
    ComputeBudget budget;
    Request request;
    std::uint64_t default_units = 0;
    for (std::size_t i = 0; i < transaction.instruction_count(); ++i) {
        const ledger::InstructionView instruction = transaction.instruction(i);
        const NativeProgram program =
            native_program(transaction.account(instruction.program_index));
        default_units += program == NativeProgram::none ? rules.compute.instruction_units_default
                                                        : rules.compute.native_units_default;
        if (program == NativeProgram::compute_budget && budget.error.ok()) {
            budget.error = request.read(static_cast<std::uint8_t>(i), instruction.data);
        }
    }
    std::uint64_t units = default_units;
    if (budget.error.ok()) {
        units = request.get(Tag::unit_limit).value_or(default_units);
        budget.unit_price_microlamports = request.get(Tag::unit_price).value_or(0);
    }
    budget.unit_limit = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(units, rules.compute.transaction_units_max));
    budget.base_fee =
        saturate(Wide{rules.lamports_per_signature.value} * transaction.signature_count());
    budget.priority_fee = saturate((Wide{budget.unit_price_microlamports} * budget.unit_limit +
                                    (microlamports_per_lamport - 1)) /
                                   microlamports_per_lamport);
    return budget;
}

} // namespace belfry::exec
