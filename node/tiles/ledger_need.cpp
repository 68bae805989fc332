// SPDX-License-Identifier: Apache-2.0
// ledger_need.cpp: which questions the ledger is asked, and what is said when it has no answer yet.
#include "node/tiles/ledger_queries.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace belfry::node {

bool may_need_ledger(const Request& request)
{
    if (const auto* const statuses = std::get_if<GetSignatureStatuses>(&request)) {
        return statuses->search_history;
    }
    return std::holds_alternative<GetTransaction>(request) ||
           std::holds_alternative<GetBlock>(request) ||
           std::holds_alternative<GetBlockLogs>(request) ||
           std::holds_alternative<GetBlocks>(request) ||
           std::holds_alternative<GetBlockTime>(request) ||
           std::holds_alternative<GetFirstAvailableBlock>(request) ||
           std::holds_alternative<GetProofs>(request) ||
           std::holds_alternative<GetSignaturesForAddress>(request) ||
           std::holds_alternative<GetBlockProduction>(request);
}

bool needs_ledger(const Request& request, const ReplyBody& so_far)
{
    if (!may_need_ledger(request)) {
        return false;
    }
    if (const auto* const statuses = std::get_if<StatusesAnswer>(&so_far)) {
        return std::ranges::any_of(statuses->statuses,
                                   [](const auto& status) { return !status.has_value(); });
    }
    return std::holds_alternative<TransactionPlaceAnswer>(so_far) ||
           std::holds_alternative<BlockPlaceAnswer>(so_far) ||
           std::holds_alternative<ChainAnswer>(so_far) ||
           std::holds_alternative<UnfinalChainAnswer>(so_far);
}

Reply not_on_disk(HistoryQuestion question)
{
    std::string which;
    if (const auto* const place = std::get_if<TransactionPlaceAnswer>(&question.so_far.body)) {
        which = place->place ? fmt::format(" for slot {}", place->place->block.slot.value) : "";
    } else if (const auto* const block = std::get_if<GetBlock>(&question.request)) {
        which = fmt::format(" for slot {}", block->slot.value);
    } else if (const auto* const time = std::get_if<GetBlockTime>(&question.request)) {
        which = fmt::format(" for slot {}", time->slot.value);
    }
    Reply late = std::move(question.so_far);
    late.body = RpcRefusal{{RpcCode::block_status_not_available,
                            fmt::format("Block status not yet available{}", which),
                            {}}};
    return late;
}

} // namespace belfry::node
