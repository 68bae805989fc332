// SPDX-License-Identifier: Apache-2.0
#pragma once
// sha512.hpp: SHA-512 (FIPS 180-4), one message or many at once.
// Shapes   any length; digests are 64 bytes.
// Speed    bench/kernels: sha512/*.

#include "base/bytes.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace belfry::crypto {

using Digest512 = FixedBytes<struct Digest512Tag, 64>;

[[nodiscard]] Digest512 sha512(ByteView message);

/// One message in pieces. After finish() the object must not be used again.
class Sha512 {
public:
    Sha512();
    void update(ByteView piece);
    [[nodiscard]] Digest512 finish();

private:
    std::array<std::uint64_t, 8> state_{};
    std::array<std::uint8_t, 128> block_{};
    std::uint64_t message_bytes_ = 0; // messages of 2^61 bytes and more are out of range
};

/// digests[i] = sha512(messages[i]); lengths may differ. Precondition: equal counts.
void sha512_many(std::span<const ByteView> messages, std::span<Digest512> digests);

} // namespace belfry::crypto
