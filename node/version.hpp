// SPDX-License-Identifier: Apache-2.0
#pragma once
// version.hpp: what this program calls itself, in one place.

#include <string_view>

namespace belfry::node {

#ifdef BELFRY_VERSION // the project's version, from CMake
inline constexpr std::string_view belfry_version = BELFRY_VERSION;
#endif
/// The release of Solana's validator whose RPC shapes are spoken; clients compare it.
inline constexpr std::string_view solana_api_version = "2.3.0";

} // namespace belfry::node
