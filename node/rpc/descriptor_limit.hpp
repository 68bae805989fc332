// SPDX-License-Identifier: Apache-2.0
#pragma once
// descriptor_limit.hpp: how many descriptors this process may hold, raised as far as is wanted.
// Why      a shell gives 1,024. A server that would keep as many connections hits that limit first,
//          and then every new client waits for the pause after a failed accept.

#include <array>
#include <cstddef>

namespace belfry::node {

/// Raises the soft limit to `wanted` or to the hard limit, whichever is lower; never lowers it.
/// Returns what the process may hold now.
[[nodiscard]] std::size_t raise_descriptor_limit(std::size_t wanted);

/// How many connections each of two servers may hold, when together with everything else they must
/// not use up the descriptors. Raises the limit for them.
[[nodiscard]] std::size_t connections_that_fit(const std::array<std::size_t, 2>& wanted);

} // namespace belfry::node
