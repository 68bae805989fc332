// SPDX-License-Identifier: Apache-2.0
#pragma once
// program.hpp: what a native program sees of a transaction, and the rules that it cannot break.
// Rules    only the owner of an account takes its lamports or changes its size or owner; nobody
//          changes what the message does not call writable. Source: Solana's runtime.
// Errors   InstructionErrorKind, Solana's names.
// Threads  a context belongs to one worker for one transaction.

#include "base/bytes.hpp"
#include "base/strong.hpp"
#include "exec/transaction_error.hpp"
#include "exec/working_set.hpp"
#include "ledger/model/genesis.hpp"
#include "ledger/model/transaction.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace belfry::exec {

/// The genesis parameters that execution needs.
struct ExecutionRules {
    Lamports lamports_per_signature;
    std::uint32_t burn_percent = 0;
    ledger::RentParameters rent;
    ledger::ComputeParameters compute;
    /// For tests of a cluster: a check fails at each transaction that names this account.
    std::optional<Pubkey> dies_of = {};
    [[nodiscard]] static ExecutionRules from(const ledger::Genesis& genesis);
};

/// How much account data one transaction may allocate in all.
inline constexpr std::uint64_t transaction_allocation_bytes_max = std::uint64_t{20} * 1024 * 1024;

struct InstructionError {
    InstructionErrorKind kind = InstructionErrorKind::none;
    std::uint32_t custom_code = 0;
    [[nodiscard]] bool ok() const { return kind == InstructionErrorKind::none; }
    [[nodiscard]] static InstructionError of(InstructionErrorKind kind) { return {kind, 0}; }
    [[nodiscard]] static InstructionError custom(std::uint32_t code)
    {
        return {InstructionErrorKind::custom, code};
    }
};

/// Across the instructions of one transaction.
struct TransactionMeter {
    std::uint64_t compute_units_left = 0;
    std::uint64_t allocated_bytes = 0;
    /// False, and nothing left, when the units do not suffice.
    [[nodiscard]] bool consume(std::uint64_t compute_units);
};

/// One instruction at work. Account numbers are those of the instruction.
class InstructionContext {
public:
    struct Parts {
        const ledger::Transaction& transaction;
        ledger::InstructionView instruction;
        std::span<const std::uint32_t> places; // of the transaction's accounts
        std::uint64_t writable_mask = 0;
        WorkingSet& working;
        TransactionMeter& meter;
    };
    explicit InstructionContext(const Parts& parts);

    [[nodiscard]] ByteView data() const { return parts_.instruction.data; }
    [[nodiscard]] TransactionMeter& meter() { return parts_.meter; }
    [[nodiscard]] std::size_t account_count() const { return parts_.instruction.accounts.size(); }

    // Precondition of all below: account < account_count().
    [[nodiscard]] bool is_signer(std::size_t account) const;
    [[nodiscard]] bool is_writable(std::size_t account) const;
    [[nodiscard]] const WorkingAccount& get(std::size_t account) const;
    [[nodiscard]] InstructionError subtract_lamports(std::size_t account, std::uint64_t lamports);
    [[nodiscard]] InstructionError add_lamports(std::size_t account, std::uint64_t lamports);
    [[nodiscard]] InstructionError set_data_bytes(std::size_t account, std::uint64_t data_bytes);
    [[nodiscard]] InstructionError set_owner(std::size_t account, const Pubkey& owner);

private:
    [[nodiscard]] std::size_t key_index(std::size_t account) const;
    [[nodiscard]] WorkingAccount& at(std::size_t account);
    [[nodiscard]] bool owned(std::size_t account) const;
    [[nodiscard]] InstructionError set_lamports(std::size_t account, std::uint64_t lamports);

    Parts parts_;
    Pubkey program_;
};

enum class NativeProgram : std::uint8_t { none, system, compute_budget };
[[nodiscard]] NativeProgram native_program(const Pubkey& key);

} // namespace belfry::exec
