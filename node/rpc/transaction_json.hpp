// SPDX-License-Identifier: Apache-2.0
#pragma once
// transaction_json.hpp: a transaction and what became of it as the JSON text of Solana's RPC.
// Rule     text is appended, so that a block of thousands costs no tree. Everything in it is made
//          here or is base58 and base64: nothing needs escaping.
// Source   the shapes that web3.js 1.99 and kit 8.4 accept.

#include "exec/block_state.hpp"
#include "ledger/model/transaction.hpp"
#include "node/rpc/ledger_questions.hpp"

#include <string>

namespace belfry::node {

/// {"transaction":...,"meta":...} and "version" where the style shows one, without the braces.
void append_transaction(std::string& out, const ledger::Transaction& transaction,
                        const exec::TransactionOutcome& outcome, const TransactionStyle& style);
/// The same with the accounts alone.
void append_accounts_only(std::string& out, const ledger::Transaction& transaction,
                          const exec::TransactionOutcome& outcome, const TransactionStyle& style);
/// False: the client has not said that it knows this transaction's version.
[[nodiscard]] bool style_allows(const TransactionStyle& style,
                                const ledger::Transaction& transaction);
/// The error for what style_allows() refuses.
[[nodiscard]] RpcErrorText version_refusal();

} // namespace belfry::node
