// SPDX-License-Identifier: Apache-2.0
#include "exec/executor.hpp"

#include "base/check.hpp"
#include "exec/in_flight.hpp"
#include "exec/programs/compute_budget.hpp"
#include "exec/programs/system.hpp"

#include <algorithm>
#include <array>

namespace belfry::exec {
namespace {

// A transfer takes a fifth of a microsecond and more, a wave's hand-over several.
constexpr std::size_t transactions_per_chunk = 32;

/// Solana's rule: an account is empty, or rent-exempt, or was below the minimum and shrinks.
[[nodiscard]] bool rent_allows(const WorkingAccount& before, const WorkingAccount& after,
                               const ledger::RentParameters& rent)
{
    if (after.lamports == 0 || after.lamports >= rent.exempt_minimum(after.data_bytes).value) {
        return true;
    }
    const bool was_below =
        before.lamports != 0 && before.lamports < rent.exempt_minimum(before.data_bytes).value;
    return was_below && after.data_bytes == before.data_bytes && after.lamports <= before.lamports;
}

void forget_when_empty(WorkingAccount& account)
{
    if (account.lamports == 0) {
        account = WorkingAccount{};
    }
}

bool names(const ledger::Transaction& transaction, const Pubkey& account)
{
    for (std::size_t index = 0; index < transaction.account_count(); ++index) {
        if (transaction.account(index) == account) {
            return true;
        }
    }
    return false;
}

/// One transaction at work.
class Run {
public:
    Run(const LoadedTransaction& loaded, WorkingSet& working, const ExecutionRules& rules)
        : transaction_(*loaded.transaction)
        , loaded_(loaded)
        , working_(working)
        , rules_(rules)
        , budget_(compute_budget_of(transaction_, rules))
    {
    }

    [[nodiscard]] ExecutionOutcome operator()()
    {
        ExecutionOutcome outcome;
        outcome.fee = budget_.fee();
        outcome.base_fee = budget_.base_fee;
        outcome.balances = loaded_.balances;
        note_balances(0);
        outcome.error = charge_fee();
        if (outcome.error.ok()) {
            outcome.charged = true;
            save();
            outcome.error = effects(outcome.compute_units);
            if (!outcome.error.ok()) {
                restore();
            }
            for_writable([&](std::size_t index) { forget_when_empty(at(index)); });
        }
        note_balances(loaded_.places.size());
        return outcome;
    }

private:
    void note_balances(std::size_t first)
    {
        if (!loaded_.balances.empty()) {
            for (std::size_t index = 0; index < loaded_.places.size(); ++index) {
                loaded_.balances[first + index] = at(index).lamports;
            }
        }
    }

    [[nodiscard]] WorkingAccount& at(std::size_t index)
    {
        return working_.at(loaded_.places[index]);
    }
    template <class Visit>
    void for_writable(Visit&& visit)
    {
        for (std::size_t index = 0; index < loaded_.places.size(); ++index) {
            if ((loaded_.writable_mask >> index & 1) != 0) {
                visit(index);
            }
        }
    }

    /// Takes the fee, or says why the transaction may not be in a block at all.
    [[nodiscard]] TransactionError charge_fee()
    {
        WorkingAccount& payer = at(0);
        if (payer.lamports == 0) {
            return TransactionError::of(TransactionErrorKind::account_not_found);
        }
        if (payer.owner != ledger::system_program || payer.data_bytes != 0) {
            return TransactionError::of(TransactionErrorKind::invalid_account_for_fee);
        }
        if (payer.lamports < budget_.fee().value) {
            return TransactionError::of(TransactionErrorKind::insufficient_funds_for_fee);
        }
        WorkingAccount after = payer;
        after.lamports -= budget_.fee().value;
        if (!rent_allows(payer, after, rules_.rent)) {
            return TransactionError::of(TransactionErrorKind::insufficient_funds_for_rent, 0);
        }
        payer = after;
        return {};
    }

    void save()
    {
        for_writable([&](std::size_t index) { saved_[index] = at(index); });
    }
    void restore()
    {
        for_writable([&](std::size_t index) { at(index) = saved_[index]; });
    }

    [[nodiscard]] TransactionError effects(std::uint64_t& compute_units)
    {
        if (!budget_.error.ok()) {
            return budget_.error;
        }
        for (std::size_t i = 0; i < transaction_.instruction_count(); ++i) {
            if (program_of(i) == NativeProgram::none) {
                return TransactionError::of(TransactionErrorKind::invalid_program_for_execution);
            }
        }
        TransactionMeter meter{.compute_units_left = budget_.unit_limit, .allocated_bytes = 0};
        TransactionError error;
        for (std::size_t i = 0; i < transaction_.instruction_count() && error.ok(); ++i) {
            if (const InstructionError failed = run_instruction(i, meter); !failed.ok()) {
                error = TransactionError::of_instruction(static_cast<std::uint8_t>(i), failed.kind,
                                                         failed.custom_code);
            }
        }
        compute_units = budget_.unit_limit - meter.compute_units_left;
        return error.ok() ? rent_error() : error;
    }

    [[nodiscard]] NativeProgram program_of(std::size_t instruction) const
    {
        return native_program(
            transaction_.account(transaction_.instruction(instruction).program_index));
    }

    [[nodiscard]] InstructionError run_instruction(std::size_t index, TransactionMeter& meter)
    {
        if (program_of(index) == NativeProgram::compute_budget) {
            return meter.consume(compute_budget_compute_units)
                       ? InstructionError{}
                       : InstructionError::of(InstructionErrorKind::computational_budget_exceeded);
        }
        InstructionContext context(InstructionContext::Parts{
            .transaction = transaction_,
            .instruction = transaction_.instruction(index),
            .places = loaded_.places,
            .writable_mask = loaded_.writable_mask,
            .working = working_,
            .meter = meter,
        });
        return run_system(context);
    }

    [[nodiscard]] TransactionError rent_error()
    {
        TransactionError error;
        for_writable([&](std::size_t index) {
            if (error.ok() && !rent_allows(saved_[index], at(index), rules_.rent)) {
                error = TransactionError::of(TransactionErrorKind::insufficient_funds_for_rent,
                                             static_cast<std::uint8_t>(index));
            }
        });
        return error;
    }

    const ledger::Transaction& transaction_;
    const LoadedTransaction& loaded_;
    WorkingSet& working_;
    const ExecutionRules& rules_;
    ComputeBudget budget_;
    std::array<WorkingAccount, ledger::transaction_accounts_max> saved_; // after the fee
};

} // namespace

std::uint64_t writable_mask_of(const ledger::Transaction& transaction)
{
    static_assert(ledger::transaction_accounts_max <= 64);
    std::uint64_t mask = 0;
    for (std::size_t index = 0; index < transaction.account_count(); ++index) {
        if (transaction.is_writable(index) &&
            native_program(transaction.account(index)) == NativeProgram::none) {
            mask |= std::uint64_t{1} << index;
        }
    }
    for (std::size_t i = 0; i < transaction.instruction_count(); ++i) {
        mask &= ~(std::uint64_t{1} << transaction.instruction(i).program_index);
    }
    return mask | 1; // the fee is taken from account 0 whatever it is
}

ExecutionOutcome run_transaction(const LoadedTransaction& loaded, WorkingSet& working,
                                 const ExecutionRules& rules)
{
    const TransactionInFlight mark(*loaded.transaction);
    if (rules.dies_of) {
        BELFRY_CHECK(!names(*loaded.transaction, *rules.dies_of));
    }
    return Run(loaded, working, rules)();
}

Executor::Executor(const ExecutionRules& rules, Arena& arena)
    : rules_(rules)
    , arena_(arena)
{
}

void Executor::execute(std::span<const ledger::Transaction* const> transactions,
                       WorkingSet& working, const AccountLookup& lookup,
                       std::span<ExecutionOutcome> outcomes)
{
    BELFRY_CHECK(transactions.size() == outcomes.size());
    load(transactions, working, lookup);
    if (arena_.threads() == 1 || transactions.size() <= transactions_per_chunk) {
        for (std::size_t i = 0; i < loaded_.size(); ++i) {
            outcomes[i] = run_transaction(loaded_[i], working, rules_);
        }
        return;
    }
    make_waves(working);
    for (std::size_t wave = 0; wave + 1 < wave_begins_.size(); ++wave) {
        const std::size_t begin = wave_begins_[wave];
        const std::size_t count = wave_begins_[wave + 1] - begin;
        arena_.for_chunks(count, transactions_per_chunk, [&](const Chunk& chunk) {
            for (std::size_t i = begin + chunk.begin; i < begin + chunk.end; ++i) {
                const std::uint32_t at = order_[i];
                outcomes[at] = run_transaction(loaded_[at], working, rules_);
            }
        });
    }
}

void Executor::load(std::span<const ledger::Transaction* const> transactions, WorkingSet& working,
                    const AccountLookup& lookup)
{
    std::size_t place_count = 0;
    for (const ledger::Transaction* transaction : transactions) {
        place_count += transaction->account_count();
    }
    places_.resize(place_count);
    balances_.resize(2 * place_count);
    loaded_.clear();
    loaded_.reserve(transactions.size());
    std::size_t begin = 0;
    for (const ledger::Transaction* transaction : transactions) {
        const std::size_t count = transaction->account_count();
        const TransactionInFlight mark(*transaction);
        for (std::size_t index = 0; index < count; ++index) {
            places_[begin + index] = working.load(transaction->account(index), lookup);
        }
        loaded_.push_back(
            LoadedTransaction{.transaction = transaction,
                              .places = std::span(places_).subspan(begin, count),
                              .writable_mask = writable_mask_of(*transaction),
                              .balances = std::span(balances_).subspan(2 * begin, 2 * count)});
        begin += count;
    }
}

void Executor::make_waves(const WorkingSet& working)
{
    last_waves_.resize(working.size());
    ++generation_;
    waves_.resize(loaded_.size());
    std::uint32_t wave_count = 0;
    for (std::size_t i = 0; i < loaded_.size(); ++i) {
        const LoadedTransaction& loaded = loaded_[i];
        std::uint32_t wave = 0;
        for (std::size_t index = 0; index < loaded.places.size(); ++index) {
            LastWave& last = last_waves_[loaded.places[index]];
            if (last.generation != generation_) {
                last = LastWave{.generation = generation_, .written = 0, .read = 0};
            }
            wave = std::max(wave, last.written);
            if ((loaded.writable_mask >> index & 1) != 0) {
                wave = std::max(wave, last.read);
            }
        }
        for (std::size_t index = 0; index < loaded.places.size(); ++index) {
            LastWave& last = last_waves_[loaded.places[index]];
            if ((loaded.writable_mask >> index & 1) != 0) {
                last.written = wave + 1;
            } else {
                last.read = std::max(last.read, wave + 1);
            }
        }
        waves_[i] = wave;
        wave_count = std::max(wave_count, wave + 1);
    }
    wave_begins_.assign(wave_count + 1, 0);
    for (const std::uint32_t wave : waves_) {
        ++wave_begins_[wave + 1];
    }
    for (std::size_t wave = 0; wave < wave_count; ++wave) {
        wave_begins_[wave + 1] += wave_begins_[wave];
    }
    order_.resize(loaded_.size());
    next_in_wave_ = wave_begins_;
    for (std::size_t i = 0; i < loaded_.size(); ++i) {
        order_[next_in_wave_[waves_[i]]++] = static_cast<std::uint32_t>(i);
    }
}

} // namespace belfry::exec
