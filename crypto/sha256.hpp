// SPDX-License-Identifier: Apache-2.0
#pragma once
// sha256.hpp: SHA-256 (FIPS 180-4), one message or many at once.
// Shapes   any length; digests are 32 bytes.
// Speed    bench/kernels: sha256/*; kernels are chosen once at start (crypto/kernels.hpp).

#include "base/bytes.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace belfry::crypto {

[[nodiscard]] Hash sha256(ByteView message);

/// Digest of the concatenation of parts.
[[nodiscard]] Hash sha256(std::initializer_list<ByteView> parts);

/// One message in pieces. After finish() the object must not be used again.
class Sha256 {
public:
    Sha256();
    void update(ByteView piece);
    [[nodiscard]] Hash finish();

private:
    std::array<std::uint32_t, 8> state_{};
    std::array<std::uint8_t, 64> block_{};
    std::uint64_t message_bytes_ = 0;
};

/// digests[i] = sha256(messages[i]); lengths may differ. Precondition: equal counts.
void sha256_many(std::span<const ByteView> messages, std::span<Hash> digests);

} // namespace belfry::crypto
