// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519_quotient.hpp: writes a scalar as a quotient of two numbers of half its length, so that
// an exact verification needs half the doublings.
// Rule     numerator = denominator * k mod L with the denominator nonzero mod L.
// Use      with u = v k mod L, [8](S B - R - k A) = 0 exactly if [8](v S B - v R - u A) = 0: the
//          second is v times the first, up to L A, and the factor 8 leaves only the subgroup of
//          order L, in which multiplying by v loses nothing. No verdict depends on which quotient
//          is found.
// Bounds   numerator < 2^126, |denominator| <= L / 2^126 < 2^126 + 1, whatever k is.
// Source   the extended Euclidean algorithm on (L, k), stopped half way; leading words as Lehmer
//          does, kept exact by Jebelean's condition ("A Double-Digit Lehmer-Euclid Algorithm for
//          Finding the GCD of Long Integers", 1995). The use for signatures is Antipa et al.
//          (2005).

#include "crypto/ed25519_scalar.hpp"

#include <span>

namespace belfry::crypto {

struct ScalarQuotient {
    Weight128 numerator{};
    Weight128 denominator{}; // its magnitude
    bool negative = false;   // of the denominator
};

/// out[i] for k[i]; two at a time take hardly longer than one. Preconditions: equal counts, every k
/// below L. Variable time.
void scalar_quotients(std::span<const Scalar> k, std::span<ScalarQuotient> out);

} // namespace belfry::crypto
