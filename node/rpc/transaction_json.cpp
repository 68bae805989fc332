// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/transaction_json.hpp"

#include "crypto/base58.hpp"
#include "exec/program.hpp"
#include "node/rpc/error_text.hpp"
#include "node/rpc/transaction_logs.hpp"
#include "node/rpc/transaction_text.hpp"

#include <fmt/format.h>

#include <iterator>
#include <optional>

namespace belfry::node {
namespace {

using ledger::InstructionView;
using ledger::MessageVersion;
using ledger::Transaction;

template <class... Arguments>
void put(std::string& out, fmt::format_string<Arguments...> format, Arguments&&... arguments)
{
    fmt::format_to(std::back_inserter(out), format, std::forward<Arguments>(arguments)...);
}

/// Calls item(i) for each, with commas between.
template <class Item>
void put_list(std::string& out, std::size_t count, const Item& item)
{
    out += '[';
    for (std::size_t i = 0; i < count; ++i) {
        if (i != 0) {
            out += ',';
        }
        item(i);
    }
    out += ']';
}

using crypto::to_base58;

void put_signatures(std::string& out, const Transaction& transaction)
{
    put_list(out, transaction.signature_count(),
             [&](std::size_t i) { put(out, R"("{}")", to_base58(transaction.signature(i))); });
}

void put_account_objects(std::string& out, const Transaction& transaction)
{
    put_list(out, transaction.account_count(), [&](std::size_t i) {
        put(out, R"({{"pubkey":"{}","signer":{},"source":"transaction","writable":{}}})",
            to_base58(transaction.account(i)), transaction.is_signer(i),
            transaction.is_writable(i));
    });
}

void put_plain_instruction(std::string& out, const InstructionView& instruction)
{
    put(out, R"({{"programIdIndex":{},"accounts":)", instruction.program_index);
    put_list(out, instruction.accounts.size(),
             [&](std::size_t i) { put(out, "{}", instruction.accounts[i]); });
    put(out, R"(,"data":"{}","stackHeight":null}})", crypto::to_base58(instruction.data));
}

/// {"type":...,"info":{...}} of a System instruction; nullopt: not one that is known in full.
std::optional<std::string> parsed_system(const Transaction& transaction,
                                         const InstructionView& instruction)
{
    ByteReader in(instruction.data);
    const auto key = [&](std::size_t i) {
        return to_base58(transaction.account(instruction.accounts[i]));
    };
    const std::uint32_t tag = in.u32();
    const std::size_t accounts = instruction.accounts.size();
    std::string text;
    if (tag == 0 && accounts >= 2) {
        const std::uint64_t lamports = in.u64();
        const std::uint64_t space = in.u64();
        const auto owner = in.fixed<Pubkey>();
        text = fmt::format(R"({{"type":"createAccount","info":{{"source":"{}","newAccount":"{}",)"
                           R"("lamports":{},"space":{},"owner":"{}"}}}})",
                           key(0), key(1), lamports, space, to_base58(owner));
    } else if (tag == 1 && accounts >= 1) {
        const auto owner = in.fixed<Pubkey>();
        text = fmt::format(R"({{"type":"assign","info":{{"account":"{}","owner":"{}"}}}})", key(0),
                           to_base58(owner));
    } else if (tag == 2 && accounts >= 2) {
        const std::uint64_t lamports = in.u64();
        text = fmt::format(R"({{"type":"transfer","info":{{"source":"{}","destination":"{}",)"
                           R"("lamports":{}}}}})",
                           key(0), key(1), lamports);
    } else if (tag == 8 && accounts >= 1) {
        const std::uint64_t space = in.u64();
        text = fmt::format(R"({{"type":"allocate","info":{{"account":"{}","space":{}}}}})", key(0),
                           space);
    }
    return in.ok() && !text.empty() ? std::optional(text) : std::nullopt;
}

void put_parsed_instruction(std::string& out, const Transaction& transaction,
                            const InstructionView& instruction)
{
    const Pubkey program = transaction.account(instruction.program_index);
    if (exec::native_program(program) == exec::NativeProgram::system) {
        if (const auto parsed = parsed_system(transaction, instruction)) {
            put(out, R"({{"program":"system","programId":"{}","parsed":{},"stackHeight":null}})",
                to_base58(program), *parsed);
            return;
        }
    }
    put(out, R"({{"programId":"{}","accounts":)", to_base58(program));
    put_list(out, instruction.accounts.size(), [&](std::size_t i) {
        put(out, R"("{}")", to_base58(transaction.account(instruction.accounts[i])));
    });
    put(out, R"(,"data":"{}","stackHeight":null}})", crypto::to_base58(instruction.data));
}

void put_json_transaction(std::string& out, const Transaction& transaction, bool parsed)
{
    out += R"({"signatures":)";
    put_signatures(out, transaction);
    out += R"(,"message":{)";
    if (!parsed) {
        const ledger::MessageHeader header = transaction.header();
        put(out,
            R"("header":{{"numRequiredSignatures":{},"numReadonlySignedAccounts":{},)"
            R"("numReadonlyUnsignedAccounts":{}}},)",
            header.required_signature_count, header.readonly_signed_count,
            header.readonly_unsigned_count);
    }
    out += R"("accountKeys":)";
    if (parsed) {
        put_account_objects(out, transaction);
    } else {
        put_list(out, transaction.account_count(),
                 [&](std::size_t i) { put(out, R"("{}")", to_base58(transaction.account(i))); });
    }
    put(out, R"(,"recentBlockhash":"{}","instructions":)",
        to_base58(transaction.recent_blockhash()));
    put_list(out, transaction.instruction_count(), [&](std::size_t i) {
        if (parsed) {
            put_parsed_instruction(out, transaction, transaction.instruction(i));
        } else {
            put_plain_instruction(out, transaction.instruction(i));
        }
    });
    if (transaction.version() == MessageVersion::v0) {
        out += R"(,"addressTableLookups":[])"; // transactions with lookups are refused here
    }
    out += "}}";
}

void put_balances(std::string& out, std::span<const std::uint64_t> balances)
{
    put_list(out, balances.size(), [&](std::size_t i) { put(out, "{}", balances[i]); });
}

void put_meta(std::string& out, const Transaction& transaction,
              const exec::TransactionOutcome& outcome, bool whole)
{
    const std::string error = error_json_text(outcome.error);
    const std::span<const std::uint64_t> balances(outcome.balances);
    const std::size_t half = balances.size() / 2;
    put(out, R"({{"err":{0},"status":{{"{1}":{0}}},"fee":{2},"preBalances":)", error,
        outcome.error.ok() ? "Ok" : "Err", outcome.fee.value);
    put_balances(out, balances.first(half));
    out += R"(,"postBalances":)";
    put_balances(out, balances.subspan(half));
    if (whole) {
        const std::vector<std::string> logs = program_logs(
            transaction,
            {.error = outcome.error, .fee = outcome.fee, .balances = outcome.balances});
        out += R"(,"innerInstructions":[],"logMessages":)";
        put_list(out, logs.size(), [&](std::size_t i) { put(out, R"("{}")", logs[i]); });
        put(out,
            R"(,"rewards":[],"loadedAddresses":{{"readonly":[],"writable":[]}},)"
            R"("computeUnitsConsumed":{})",
            outcome.compute_units);
    }
    out += R"(,"preTokenBalances":[],"postTokenBalances":[]})";
}

void put_version(std::string& out, const Transaction& transaction, const TransactionStyle& style)
{
    if (style.version_max) {
        put(out, R"(,"version":{})",
            transaction.version() == MessageVersion::legacy ? R"("legacy")" : "0");
    }
}

} // namespace

void append_transaction(std::string& out, const Transaction& transaction,
                        const exec::TransactionOutcome& outcome, const TransactionStyle& style)
{
    out += R"("transaction":)";
    switch (style.encoding) {
    case TransactionEncoding::json:
    case TransactionEncoding::json_parsed:
        put_json_transaction(out, transaction, style.encoding == TransactionEncoding::json_parsed);
        break;
    case TransactionEncoding::base58:
        put(out, R"(["{}","base58"])", crypto::to_base58(transaction.wire()));
        break;
    case TransactionEncoding::base64:
        put(out, R"(["{}","base64"])", to_base64(transaction.wire()));
        break;
    }
    out += R"(,"meta":)";
    put_meta(out, transaction, outcome, true);
    put_version(out, transaction, style);
}

void append_accounts_only(std::string& out, const Transaction& transaction,
                          const exec::TransactionOutcome& outcome, const TransactionStyle& style)
{
    out += R"("transaction":{"signatures":)";
    put_signatures(out, transaction);
    out += R"(,"accountKeys":)";
    put_account_objects(out, transaction);
    out += R"(},"meta":)";
    put_meta(out, transaction, outcome, false);
    put_version(out, transaction, style);
}

bool style_allows(const TransactionStyle& style, const Transaction& transaction)
{
    return transaction.version() == MessageVersion::legacy || style.version_max.has_value();
}

RpcErrorText version_refusal()
{
    return {RpcCode::unsupported_transaction_version,
            "Transaction version (0) is not supported by the requesting client. Please try the "
            "request again with the following configuration parameter: "
            "\"maxSupportedTransactionVersion\": 0",
            {}};
}

} // namespace belfry::node
