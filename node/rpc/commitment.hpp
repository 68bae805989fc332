// SPDX-License-Identifier: Apache-2.0
#pragma once
// commitment.hpp: the three commitment levels and their names.

#include <cstdint>
#include <optional>
#include <string_view>

namespace belfry::node {

enum class Commitment : std::uint8_t { processed, confirmed, finalized };

[[nodiscard]] std::string_view to_string(Commitment commitment);
/// Also takes the older names that web3.js still sends: recent, single, singleGossip, max, root.
[[nodiscard]] std::optional<Commitment> commitment_from(std::string_view text);

} // namespace belfry::node
