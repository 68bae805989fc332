// SPDX-License-Identifier: Apache-2.0
#pragma once
// poh_choice.hpp: private to this room. Verification with a given kernel, for the tests.

#include "crypto/poh.hpp"
#include "crypto/sha256_choice.hpp"

namespace belfry::crypto {

[[nodiscard]] bool poh_verify_with(const Sha256Single& single, const Sha256Lanes& lanes,
                                   std::span<const PohSegment> segments);

} // namespace belfry::crypto
