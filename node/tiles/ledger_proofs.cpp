// SPDX-License-Identifier: Apache-2.0
// Certificates and evidence, as the ledger keeps them.
#include "node/proof_kind.hpp"
#include "node/tiles/ledger_queries.hpp"

#include <fmt/core.h>

#include <string>
#include <utility>
#include <vector>

namespace belfry::node {

LedgerQueries::Body LedgerQueries::proofs(const GetProofs& question) const
{
    std::vector<ledger::Proof> found;
    if (question.slot) {
        for (const auto kind : {consensus::StatementKind::notarize, consensus::StatementKind::skip,
                                consensus::StatementKind::finalize}) {
            auto one = proofs_.find({.slot = *question.slot, .kind = proof_kind(kind), .about = 0});
            if (!one) {
                return RpcRefusal{{RpcCode::internal_error, "the ledger cannot be read here", {}}};
            }
            if (*one) {
                found.push_back(std::move(**one));
            }
        }
    } else {
        auto newest = proofs_.newest({.first = evidence_kinds_begin, .last = UINT8_MAX},
                                     evidence_per_answer_max);
        if (!newest) {
            return RpcRefusal{{RpcCode::internal_error, "the ledger cannot be read here", {}}};
        }
        found = std::move(*newest);
    }
    std::string list;
    for (const ledger::Proof& proof : found) {
        list += fmt::format(R"({}{{"slot":{},"kind":{},"about":{},"bytes":"{}"}})",
                            list.empty() ? "" : ",", proof.name.slot.value, proof.name.kind,
                            proof.name.about, to_hex(proof.bytes));
    }
    return JsonAnswer{fmt::format("[{}]", list)};
}

} // namespace belfry::node
