// SPDX-License-Identifier: Apache-2.0
#pragma once
// keccak.hpp: Keccak-256 with the padding of the submission (0x01), as Ethereum uses it; not SHA3.
// Shapes   any length; digests are 32 bytes.
// Speed    bench/kernels: keccak256/*.

#include "base/bytes.hpp"

#include <span>

namespace belfry::crypto {

[[nodiscard]] Hash keccak256(ByteView message);

/// digests[i] = keccak256(messages[i]); lengths may differ. Precondition: equal counts.
void keccak256_many(std::span<const ByteView> messages, std::span<Hash> digests);

} // namespace belfry::crypto
