// SPDX-License-Identifier: Apache-2.0
#pragma once
// commitment.hpp: the names of the three commitment levels.

#include "node/rpc/backend.hpp"

#include <optional>
#include <string_view>

namespace belfry::node {

[[nodiscard]] std::string_view to_string(Commitment commitment);
/// Also takes the older names that web3.js still sends: recent, single, singleGossip, max, root.
[[nodiscard]] std::optional<Commitment> commitment_from(std::string_view text);

} // namespace belfry::node
