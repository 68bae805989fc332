// SPDX-License-Identifier: Apache-2.0
#pragma once
// error_text.hpp: a transaction's error as clients decode it and as people read it.
// Source   the forms and words are those of Agave's TransactionError and InstructionError, which
//          both clients know.

#include "exec/transaction_error.hpp"

#include <string>

namespace belfry::node {

/// null, a quoted name, or an object of one name.
[[nodiscard]] std::string error_json_text(const exec::TransactionError& error);
/// One line of words; "" for success.
[[nodiscard]] std::string error_words(const exec::TransactionError& error);
/// E.g. "custom program error: 0x1".
[[nodiscard]] std::string instruction_error_words(const exec::TransactionError& error);

} // namespace belfry::node
