// SPDX-License-Identifier: Apache-2.0
#pragma once
// model.hpp: transactions as intents, and a slow bank in a std::map that executes intents by rules
//          written a second time, from Solana's documentation of fees, rent and the System program.
//          Nothing of exec/ is used but the names of errors.

#include "exec/transaction_error.hpp"
#include "tests/base/choices.hpp"
#include "tests/exec/support.hpp"

#include <map>
#include <optional>
#include <set>
#include <vector>

namespace belfry::exec::test {

struct Operation {
    enum class What : std::uint8_t { transfer, create, assign, allocate, unknown, junk };
    What what = What::transfer;
    std::size_t a = 0; // wallets by number
    std::size_t b = 0;
    std::uint64_t lamports = 0;
    std::uint64_t space_bytes = 0;
    std::size_t owner = 0; // 0: System, else a made-up program of that number
    bool b_signs = true;   // create: the new account is a signer
    bool b_writable = true;
};

struct Intent {
    std::size_t payer = 0;
    std::vector<Operation> operations;
    std::optional<std::uint32_t> unit_limit;
    std::optional<std::uint64_t> unit_price;
    bool limit_twice = false;
};

[[nodiscard]] inline Pubkey program_of(std::size_t owner)
{
    return owner == 0 ? ledger::system_program : wallet(5'000'000 + owner).pubkey;
}

/// A signed transaction that means the intent.
class IntentWriter {
public:
    explicit IntentWriter(std::size_t wallet_count)
        : wallets_(wallets(wallet_count))
    {
    }
    [[nodiscard]] const std::vector<crypto::InsecureSigningKey>& keys() const { return wallets_; }
    [[nodiscard]] std::optional<ledger::Transaction> write(const Intent& intent,
                                                           const Hash& blockhash) const
    {
        std::vector<ledger::Instruction> instructions;
        if (intent.unit_limit) {
            instructions.push_back(ledger::compute_unit_limit(*intent.unit_limit));
            if (intent.limit_twice) {
                instructions.push_back(ledger::compute_unit_limit(*intent.unit_limit));
            }
        }
        if (intent.unit_price) {
            instructions.push_back(ledger::compute_unit_price(*intent.unit_price));
        }
        std::set<std::size_t> signers{intent.payer};
        for (const Operation& operation : intent.operations) {
            instructions.push_back(instruction_of(operation));
            signers.insert(operation.a);
            if (operation.what == Operation::What::create && operation.b_signs) {
                signers.insert(operation.b);
            }
        }
        std::vector<const crypto::InsecureSigningKey*> keys{&wallets_[intent.payer]};
        for (const std::size_t signer : signers) {
            keys.push_back(&wallets_[signer]);
        }
        auto parsed = ledger::parse_transaction(signed_wire(keys, blockhash, instructions));
        return parsed ? std::optional(*parsed) : std::nullopt;
    }

private:
    [[nodiscard]] ledger::Instruction instruction_of(const Operation& operation) const
    {
        const Pubkey a = wallets_[operation.a].pubkey;
        const Pubkey b = wallets_[operation.b].pubkey;
        ledger::Instruction made{ledger::system_program, {{a, true, true}}, {}};
        ByteWriter out(made.data);
        switch (operation.what) {
        case Operation::What::transfer:
            made.accounts.push_back({b, false, operation.b_writable});
            out.u32(2);
            out.u64(operation.lamports);
            break;
        case Operation::What::create:
            made.accounts.push_back({b, operation.b_signs, operation.b_writable});
            out.u32(0);
            out.u64(operation.lamports);
            out.u64(operation.space_bytes);
            out.bytes(program_of(operation.owner).view());
            break;
        case Operation::What::assign:
            out.u32(1);
            out.bytes(program_of(operation.owner).view());
            break;
        case Operation::What::allocate:
            out.u32(8);
            out.u64(operation.space_bytes);
            break;
        case Operation::What::unknown:
            made.program = program_of(9);
            break;
        case Operation::What::junk:
            out.u32(77);
            break;
        }
        return made;
    }
    std::vector<crypto::InsecureSigningKey> wallets_;
};

/// The slow bank. Accounts by wallet number; a missing one does not exist.
class Model {
public:
    struct Account {
        std::uint64_t lamports = 0;
        std::size_t owner = 0;
        std::uint64_t bytes = 0;
    };
    struct Result {
        bool included = false;
        TransactionError error;
        std::uint64_t fee = 0;
    };
    std::map<std::size_t, Account> accounts;
    std::uint64_t base_fees = 0;
    std::uint64_t priority_fees = 0;

    /// signatures: of the transaction. writable: wallets that the message's header calls so.
    // NOLINTNEXTLINE(readability-function-size): one transaction from its first to its last rule
    [[nodiscard]] Result apply(const Intent& intent, const ledger::Transaction& wire,
                               const std::vector<crypto::InsecureSigningKey>& keys)
    {
        Result result;
        const bool bad_budget = intent.limit_twice && intent.unit_limit.has_value();
        std::uint64_t instruction_count = intent.operations.size();
        instruction_count += (intent.unit_limit ? (intent.limit_twice ? 2U : 1U) : 0U) +
                             (intent.unit_price ? 1U : 0U);
        std::uint64_t units = 0;
        for (const Operation& operation : intent.operations) {
            units += operation.what == Operation::What::unknown ? 200'000U : 3'000U;
        }
        units += 3'000 * (instruction_count - intent.operations.size());
        if (intent.unit_limit && !bad_budget) {
            units = *intent.unit_limit;
        }
        units = std::min<std::uint64_t>(units, 1'400'000);
        const std::uint64_t price = bad_budget ? 0 : intent.unit_price.value_or(0);
        const std::uint64_t base = 5000 * wire.signature_count();
        const std::uint64_t priority =
            (price * units) / 1'000'000 + ((price * units) % 1'000'000 ? 1 : 0);
        result.fee = base + priority;

        if (accounts.find(intent.payer) == accounts.end()) {
            result.error.kind = TransactionErrorKind::account_not_found;
            return result;
        }
        Account& payer = accounts[intent.payer];
        if (payer.owner != 0 || payer.bytes != 0) {
            result.error.kind = TransactionErrorKind::invalid_account_for_fee;
            return result;
        }
        if (payer.lamports < result.fee) {
            result.error.kind = TransactionErrorKind::insufficient_funds_for_fee;
            return result;
        }
        if (breaks_rent(payer, {payer.lamports - result.fee, 0, 0})) {
            result.error.kind = TransactionErrorKind::insufficient_funds_for_rent;
            return result;
        }
        result.included = true;
        base_fees += base;
        priority_fees += priority;
        payer.lamports -= result.fee;
        const std::map<std::size_t, Account> before = accounts;
        std::size_t index = instruction_count - intent.operations.size();
        if (bad_budget) {
            result.error = {TransactionErrorKind::duplicate_instruction, 1,
                            InstructionErrorKind::none, 0};
        }
        for (const Operation& operation : intent.operations) {
            if (operation.what == Operation::What::unknown && result.error.ok()) {
                result.error.kind = TransactionErrorKind::invalid_program_for_execution;
            }
        }
        // Every instruction takes 150 units, those of the budget too.
        for (std::size_t i = 0; i < instruction_count && result.error.ok(); ++i) {
            if ((i + 1) * 150 > units) {
                result.error = {TransactionErrorKind::instruction_error,
                                static_cast<std::uint8_t>(i),
                                InstructionErrorKind::computational_budget_exceeded, 0};
            } else if (i >= index) {
                const auto failed = perform(intent.operations[i - index], wire, keys);
                if (failed) {
                    result.error = {TransactionErrorKind::instruction_error,
                                    static_cast<std::uint8_t>(i), failed->first, failed->second};
                }
            }
        }
        if (result.error.ok()) {
            for (std::size_t key = 0; key < wire.account_count() && result.error.ok(); ++key) {
                const auto number = number_of(wire.account(key), keys);
                if (!number || !wire.is_writable(key)) {
                    continue;
                }
                const auto was = before.find(*number);
                const auto is = accounts.find(*number);
                if (breaks_rent(was != before.end() ? was->second : Account{},
                                is != accounts.end() ? is->second : Account{})) {
                    result.error = {TransactionErrorKind::insufficient_funds_for_rent,
                                    static_cast<std::uint8_t>(key), InstructionErrorKind::none, 0};
                }
            }
        }
        if (!result.error.ok()) {
            accounts = before;
        }
        std::erase_if(accounts, [](const auto& entry) { return entry.second.lamports == 0; });
        return result;
    }

private:
    using Failure = std::optional<std::pair<InstructionErrorKind, std::uint32_t>>;

    [[nodiscard]] static std::uint64_t minimum(const Account& account)
    {
        return (128 + account.bytes) * 6960;
    }
    [[nodiscard]] static bool breaks_rent(const Account& before, const Account& after)
    {
        if (after.lamports == 0 || after.lamports >= minimum(after)) {
            return false;
        }
        const bool shrinks_below = before.lamports > 0 && before.lamports < minimum(before) &&
                                   before.bytes == after.bytes && after.lamports <= before.lamports;
        return !shrinks_below;
    }
    [[nodiscard]] static std::optional<std::size_t>
    number_of(const Pubkey& key, const std::vector<crypto::InsecureSigningKey>& keys)
    {
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (keys[i].pubkey == key) {
                return i;
            }
        }
        return std::nullopt;
    }
    [[nodiscard]] static std::size_t position_of(const Pubkey& key, const ledger::Transaction& wire)
    {
        for (std::size_t i = 0; i < wire.account_count(); ++i) {
            if (wire.account(i) == key) {
                return i;
            }
        }
        return 0;
    }

    [[nodiscard]] Failure perform(const Operation& operation, const ledger::Transaction& wire,
                                  const std::vector<crypto::InsecureSigningKey>& keys)
    {
        using K = InstructionErrorKind;
        const std::size_t b_key = position_of(keys[operation.b].pubkey, wire);
        switch (operation.what) {
        case Operation::What::junk:
            return Failure({K::invalid_instruction_data, 0});
        case Operation::What::unknown:
            return std::nullopt;
        case Operation::What::transfer:
            return move(operation, wire.is_writable(b_key));
        case Operation::What::create: {
            if (accounts[operation.b].lamports > 0) {
                return Failure({K::custom, 0});
            }
            if (!wire.is_signer(b_key)) {
                return Failure({K::missing_required_signature, 0});
            }
            if (const Failure failed =
                    allocate(operation.b, operation.space_bytes, wire.is_writable(b_key))) {
                return failed;
            }
            if (const Failure failed =
                    assign(operation.b, operation.owner, wire.is_writable(b_key))) {
                return failed;
            }
            return move(operation, wire.is_writable(b_key));
        }
        case Operation::What::assign:
            return assign(operation.a, operation.owner, true);
        case Operation::What::allocate:
            return allocate(operation.a, operation.space_bytes, true);
        }
        return std::nullopt;
    }
    [[nodiscard]] Failure move(const Operation& operation, bool to_writable)
    {
        using K = InstructionErrorKind;
        Account& from = accounts[operation.a];
        if (from.bytes != 0) {
            return Failure({K::invalid_argument, 0});
        }
        if (from.lamports < operation.lamports) {
            return Failure({K::custom, 1});
        }
        if (from.owner != 0 && operation.lamports > 0) {
            return Failure({K::external_account_lamport_spend, 0});
        }
        from.lamports -= operation.lamports;
        if (!to_writable) {
            return Failure({K::readonly_lamport_change, 0});
        }
        accounts[operation.b].lamports += operation.lamports;
        return std::nullopt;
    }
    [[nodiscard]] Failure allocate(std::size_t number, std::uint64_t bytes, bool writable)
    {
        using K = InstructionErrorKind;
        Account& account = accounts[number];
        if (account.bytes != 0 || account.owner != 0) {
            return Failure({K::custom, 0});
        }
        if (bytes > 10 * 1024 * 1024) {
            return Failure({K::custom, 3});
        }
        if (!writable) {
            return Failure({K::readonly_data_modified, 0});
        }
        account.bytes = bytes;
        return std::nullopt;
    }
    [[nodiscard]] Failure assign(std::size_t number, std::size_t owner, bool writable)
    {
        using K = InstructionErrorKind;
        Account& account = accounts[number];
        if (account.owner == owner) {
            return std::nullopt;
        }
        if (account.owner != 0 || !writable) {
            return Failure({K::modified_program_id, 0});
        }
        account.owner = owner;
        return std::nullopt;
    }
};

/// Random intents over few wallets, so that most conflict.
[[nodiscard]] inline Intent random_intent(Choices& random, std::size_t wallet_count)
{
    const auto below = [&](std::uint64_t bound) {
        return random.up_to(bound - 1);
    };
    const auto amount = [&]() -> std::uint64_t {
        switch (below(6)) {
        case 0:
            return 0;
        case 1:
            return below(rent_minimum + 10);
        case 2:
            return rent_minimum;
        case 3:
            return below(200) * sol;
        default:
            return below(sol / 20);
        }
    };
    Intent intent;
    intent.payer = below(wallet_count);
    const std::uint64_t count = 1 + below(3);
    for (std::uint64_t i = 0; i < count; ++i) {
        Operation operation;
        operation.a = below(2) == 0 ? intent.payer : below(wallet_count);
        operation.b = below(wallet_count);
        operation.lamports = amount();
        const std::uint64_t kind = below(100);
        operation.what = kind < 70   ? Operation::What::transfer
                         : kind < 88 ? Operation::What::create
                         : kind < 92 ? Operation::What::assign
                         : kind < 96 ? Operation::What::allocate
                         : kind < 98 ? Operation::What::unknown
                                     : Operation::What::junk;
        operation.space_bytes = below(10) == 0 ? 11'000'000 : below(200);
        operation.owner = below(4) == 0 ? 1 + below(2) : 0;
        operation.b_signs = below(8) != 0;
        operation.b_writable = below(10) != 0;
        intent.operations.push_back(operation);
    }
    if (below(4) == 0) {
        intent.unit_limit =
            static_cast<std::uint32_t>(below(5) == 0 ? below(600) : below(2'000'000));
        intent.limit_twice = below(6) == 0;
    }
    if (below(4) == 0) {
        intent.unit_price = below(20'000'000);
    }
    return intent;
}

} // namespace belfry::exec::test
