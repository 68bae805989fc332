// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519.hpp: Ed25519 verification under the ZIP-215 rule, the only signature predicate of Belfry.
// Rule     S < L; A and R decode with y taken mod p (x = -0 allowed); [8]([S]B - R - [k]A) = 0;
//          k = SHA-512(R | A | message) over the bytes as received. Source: ZIP 215.
// Verdicts the verdict of a job is the same for every batch size, order, kernel and neighbour.
// Errors   none: malformed keys and signatures are rejections.
// Threads  verify() is free of state; a BatchVerifier has one owner.

#include "base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace belfry::crypto {

/// One signature to check. The views must outlive the call.
struct Ed25519Job {
    ByteView message;
    const Pubkey* key = nullptr;
    const Signature* signature = nullptr;
};

[[nodiscard]] bool ed25519_verify(const Ed25519Job& job);

/// Verifies many signatures at once. All memory is taken by the constructor.
class Ed25519BatchVerifier {
public:
    struct Options {
        std::size_t jobs_max = 8192;           // more in one call are split
        std::size_t key_cache_bytes = 1 << 20; // decompressed keys; 0 turns the cache off
        bool coalesce_keys = true;             // one term for all signatures of one key in a batch
    };
    Ed25519BatchVerifier();
    explicit Ed25519BatchVerifier(const Options& options);
    ~Ed25519BatchVerifier();
    Ed25519BatchVerifier(const Ed25519BatchVerifier&) = delete;
    Ed25519BatchVerifier& operator=(const Ed25519BatchVerifier&) = delete;

    /// verdicts[i] = ed25519_verify(jobs[i]). Precondition: verdicts.size() == jobs.size().
    void verify(std::span<const Ed25519Job> jobs, std::span<bool> verdicts);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// True for a key that a transaction may carry: canonical (y < p) and not one of the small-order
/// encodings. Bytes are compared, no point is decoded.
[[nodiscard]] bool ed25519_key_is_admissible(const Pubkey& key);

/// For a roster of validators: admissible, decodes, and in the prime-order subgroup ([L]A = 0).
[[nodiscard]] bool ed25519_key_is_prime_order(const Pubkey& key);

} // namespace belfry::crypto
