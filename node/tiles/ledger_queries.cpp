// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/ledger_queries.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <utility>

namespace belfry::node {
namespace {

ReplyBody unreadable()
{
    return NotAvailable{"the ledger cannot be read here"};
}

} // namespace

bool may_need_ledger(const Request& request)
{
    const auto* const statuses = std::get_if<GetSignatureStatuses>(&request);
    return statuses != nullptr && statuses->search_history;
}

bool needs_ledger(const Request& request, const ReplyBody& so_far)
{
    const auto* const statuses = std::get_if<StatusesAnswer>(&so_far);
    return may_need_ledger(request) && statuses != nullptr &&
           std::ranges::any_of(statuses->statuses,
                               [](const auto& status) { return !status.has_value(); });
}

Reply LedgerQueries::complete(HistoryQuestion question) const
{
    Reply reply = std::move(question.so_far);
    if (const auto* const asked = std::get_if<GetSignatureStatuses>(&question.request)) {
        reply.body = fill(*asked, std::move(std::get<StatusesAnswer>(reply.body)));
    }
    return reply;
}

ReplyBody LedgerQueries::fill(const GetSignatureStatuses& question, StatusesAnswer so_far) const
{
    BELFRY_CHECK(question.signatures.size() == so_far.statuses.size());
    for (std::size_t i = 0; i < question.signatures.size(); ++i) {
        if (so_far.statuses[i]) {
            continue;
        }
        const auto found = blocks_.find_signature(question.signatures[i]);
        if (!found) {
            return unreadable();
        }
        if (!*found) {
            continue;
        }
        ByteReader outcome((*found)->outcome);
        const auto error = exec::decode_transaction_error(outcome);
        if (!error) {
            return unreadable();
        }
        // Only what is final is in the ledger under its signature.
        so_far.statuses[i] = SignatureStatus{.slot = (*found)->block.slot,
                                             .confirmations = std::nullopt,
                                             .error = *error,
                                             .level = Commitment::finalized};
    }
    return so_far;
}

} // namespace belfry::node
