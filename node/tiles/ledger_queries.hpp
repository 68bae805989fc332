// SPDX-License-Identifier: Apache-2.0
#pragma once
// ledger_queries.hpp: completes the bank's answers with what the ledger on disk holds.
// Errors   a record that cannot be read becomes NotAvailable for this one question; the writer
//          finds out about the disk by itself.
// Threads  one owner; the environment may have its writer in another thread.

#include "ledger/store/block_store.hpp"
#include "node/messages.hpp"

namespace belfry::node {

/// Whether an answer of the bank to this question may have to be completed.
[[nodiscard]] bool may_need_ledger(const Request& request);
/// Whether this answer of the bank is not the last word.
[[nodiscard]] bool needs_ledger(const Request& request, const ReplyBody& so_far);

class LedgerQueries {
public:
    /// env must outlive this object.
    explicit LedgerQueries(const ledger::LmdbEnv& env)
        : blocks_(env)
    {
    }
    [[nodiscard]] Reply complete(HistoryQuestion question) const;

private:
    [[nodiscard]] ReplyBody fill(const GetSignatureStatuses& question, StatusesAnswer so_far) const;

    ledger::BlockReader blocks_;
};

} // namespace belfry::node
