// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/commitment.hpp"

namespace belfry::node {

std::string_view to_string(Commitment commitment)
{
    switch (commitment) {
    case Commitment::processed:
        return "processed";
    case Commitment::confirmed:
        return "confirmed";
    case Commitment::finalized:
        break;
    }
    return "finalized";
}

std::optional<Commitment> commitment_from(std::string_view text)
{
    if (text == "processed" || text == "recent") {
        return Commitment::processed;
    }
    if (text == "confirmed" || text == "single" || text == "singleGossip") {
        return Commitment::confirmed;
    }
    if (text == "finalized" || text == "max" || text == "root") {
        return Commitment::finalized;
    }
    return std::nullopt;
}

} // namespace belfry::node
