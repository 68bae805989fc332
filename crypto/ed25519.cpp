// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519.hpp"

#include "base/check.hpp"
#include "crypto/ed25519_point.hpp"
#include "crypto/ed25519_scalar.hpp"
#include "crypto/sha512.hpp"

#include <algorithm>

namespace belfry::crypto {
namespace {

using Bytes32 = std::array<std::uint8_t, 32>;

/// y of the points of order 1, 2, 4 and 8; each stands for both signs of x.
constexpr std::array<Bytes32, 5> small_order_y{{
    {},
    {1},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
}};

bool y_is_below_p(const Bytes32& y)
{
    const bool upper_full =
        y[31] == 0x7f && std::ranges::all_of(std::span(y).subspan(1, 30),
                                             [](std::uint8_t byte) { return byte == 0xff; });
    return !upper_full || y[0] < 0xed;
}

} // namespace

bool ed25519_verify(const Ed25519Job& job)
{
    const ByteView signature = job.signature->view();
    const ByteView r_bytes = signature.first(32);
    const std::optional<Scalar> s = scalar_from_canonical_bytes(signature.last(32));
    if (!s) {
        return false;
    }
    const std::optional<AffineNiels> key = point_decode(job.key->view());
    if (!key) {
        return false;
    }
    const std::optional<AffineNiels> r = point_decode(r_bytes);
    if (!r) {
        return false;
    }
    Sha512 hasher;
    hasher.update(r_bytes);
    hasher.update(job.key->view());
    hasher.update(job.message);
    const Scalar k = scalar_reduce(scalar512_from_bytes(hasher.finish().view()));
    const AffineNiels minus_key{key->y_minus_x, key->y_plus_x,
                                field_carry(field_negate(key->xy2d))};
    const ExtendedPoint sum = point_multiply_with_base(k, minus_key, *s);
    return point_is_small_order(point_subtract(sum, *r));
}

bool ed25519_key_is_admissible(const Pubkey& key)
{
    Bytes32 y = key.bytes;
    y[31] &= 0x7f;
    return y_is_below_p(y) && std::ranges::find(small_order_y, y) == small_order_y.end();
}

bool ed25519_key_is_prime_order(const Pubkey& key)
{
    if (!ed25519_key_is_admissible(key)) {
        return false;
    }
    const std::optional<AffineNiels> point = point_decode(key.view());
    if (!point) {
        return false;
    }
    constexpr Scalar order{{0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000}};
    return point_is_identity(point_multiply(order, point_of(*point)));
}

} // namespace belfry::crypto
