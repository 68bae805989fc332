// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519.hpp"

#include "base/check.hpp"
#include "crypto/ed25519_digits.hpp"
#include "crypto/ed25519_kernel_choice.hpp"
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

/// k = SHA-512(R | A | message) mod L, over the bytes as received.
Scalar challenge_of(const Ed25519Job& job)
{
    Sha512 hasher;
    hasher.update(job.signature->view().first(32));
    hasher.update(job.key->view());
    hasher.update(job.message);
    return scalar_reduce(scalar512_from_bytes(hasher.finish().view()));
}

bool y_is_below_p(const Bytes32& y)
{
    const bool upper_full =
        y[31] == 0x7f && std::ranges::all_of(std::span(y).subspan(1, 30),
                                             [](std::uint8_t byte) { return byte == 0xff; });
    return !upper_full || y[0] < 0xed;
}

} // namespace

bool ed25519_verify_portable(const Ed25519Job& job)
{
    const std::optional<Scalar> s = scalar_from_canonical_bytes(job.signature->view().last(32));
    if (!s) {
        return false;
    }
    const std::optional<AffineNiels> key = point_decode(job.key->view());
    if (!key) {
        return false;
    }
    const std::optional<AffineNiels> r = point_decode(job.signature->view().first(32));
    if (!r) {
        return false;
    }
    const AffineNiels minus_key{key->y_minus_x, key->y_plus_x,
                                field_carry(field_negate(key->xy2d))};
    const ExtendedPoint sum = point_multiply_with_base(challenge_of(job), minus_key, *s);
    return point_is_small_order(point_subtract(sum, *r));
}

bool ed25519_verify(const Ed25519Job& job)
{
    const auto verify_one = ed25519_kernel().run->verify_one;
    if (verify_one == nullptr) {
        return ed25519_verify_portable(job);
    }
    const std::optional<Scalar> s = scalar_from_canonical_bytes(job.signature->view().last(32));
    if (!s) {
        return false;
    }
    std::array<std::int8_t, ed25519_long_digits> k_digits;
    std::array<std::int8_t, ed25519_long_digits> s_digits;
    recode_long(challenge_of(job), 4, k_digits.data());
    recode_long(*s, 8, s_digits.data());
    const Ed25519One one{job.key->bytes.data(), job.signature->bytes.data(), k_digits.data(),
                         s_digits.data(), ed25519_base_comb()};
    return verify_one(&one);
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
