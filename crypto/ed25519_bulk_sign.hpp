// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519_bulk_sign.hpp: fast signing in VARIABLE TIME, for load generators and tests whose keys
// guard nothing. Validators sign with Keypair (keypair.hpp) only.

#include "base/bytes.hpp"

#include <memory>
#include <span>

namespace belfry::crypto {

/// An expanded insecure signing key (RFC 8032: clamped scalar, nonce prefix, public key).
struct InsecureSigningKey {
    std::array<std::uint8_t, 32> scalar{};
    std::array<std::uint8_t, 32> prefix{};
    Pubkey pubkey;
    /// Precondition: seed.size() == 32.
    [[nodiscard]] static InsecureSigningKey from_seed(ByteView seed);
};

struct InsecureSignJob {
    const InsecureSigningKey* key = nullptr;
    ByteView message;
    Signature* signature = nullptr; // out
};

/// Signs all jobs; the same bytes as RFC 8032. Variable time.
void insecure_sign_many(std::span<const InsecureSignJob> jobs);

} // namespace belfry::crypto
