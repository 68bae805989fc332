// SPDX-License-Identifier: Apache-2.0
#pragma once
// sodium.hpp: private to this room. libsodium must be initialised before it is used.

namespace belfry::crypto {

/// Idempotent and cheap; throws std::runtime_error if the library cannot start.
void ensure_sodium();

} // namespace belfry::crypto
