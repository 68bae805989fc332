// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519_kernel_choice.hpp: private to this room. The kernels of Ed25519, best first, and the one
// in use.

#include "crypto/ed25519.hpp"
#include "crypto/ed25519_kernels.hpp"
#include "crypto/ed25519_point.hpp"
#include "crypto/kernels.hpp"

#include <array>
#include <span>

namespace belfry::crypto {

/// Best first; the last one is portable.
[[nodiscard]] std::span<const Kernel<const Ed25519Lanes*>> ed25519_kernels();

/// Chosen and self-tested at first use.
[[nodiscard]] const Kernel<const Ed25519Lanes*>& ed25519_kernel();

/// True if decoding, bucket sums, exact lanes and base multiplication agree with the portable
/// point arithmetic on fixed inputs, good and bad ones.
[[nodiscard]] bool ed25519_self_test(const Ed25519Lanes* const& lanes);

/// ed25519_verify without any kernel: the meaning that every kernel is held to.
[[nodiscard]] bool ed25519_verify_portable(const Ed25519Job& job);

/// The digits that one lane of exact verification takes.
struct Ed25519ExactDigits {
    std::array<std::int8_t, 32> u;
    std::array<std::int8_t, 32> v;
    std::array<std::int8_t, ed25519_long_digits> w;
    /// Points into this object.
    [[nodiscard]] Ed25519ExactLane lane(const Ed25519Row* key, const Ed25519Row* r) const
    {
        return {key, r, u.data(), v.data(), w.data()};
    }
};
/// digits[i] for k[i] and s[i]. Preconditions: equal counts, at most ed25519_lanes_max.
void ed25519_exact_digits(std::span<const Scalar> k, std::span<const Scalar> s,
                          std::span<Ed25519ExactDigits> digits);

/// comb[128 w + j] = (j + 1) 256^w B for w = 0..31; its first 128 rows are the multiples of B.
[[nodiscard]] const Ed25519Row* ed25519_base_comb();

/// The window that makes a bucket sum of so many terms cheapest; the costs were measured.
[[nodiscard]] unsigned ed25519_window_bits(const Ed25519Lanes& lanes, std::size_t long_count,
                                           std::size_t short_count);

[[nodiscard]] ExtendedPoint point_of(const Ed25519Sum& sum);
[[nodiscard]] AffineNiels niels_of(const Ed25519Row& row);
[[nodiscard]] Ed25519Row row_of(const AffineNiels& niels);

} // namespace belfry::crypto
