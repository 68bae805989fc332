// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519_bulk_sign.hpp"

#include "base/check.hpp"
#include "crypto/ed25519_point.hpp"
#include "crypto/ed25519_scalar.hpp"
#include "crypto/sha512.hpp"

#include <algorithm>

namespace belfry::crypto {
namespace {

Scalar hash_to_scalar(std::initializer_list<ByteView> pieces)
{
    Sha512 hasher;
    for (const ByteView piece : pieces) {
        hasher.update(piece);
    }
    return scalar_reduce(scalar512_from_bytes(hasher.finish().view()));
}

std::array<std::uint8_t, 32> multiply_base(const Scalar& scalar)
{
    return point_to_bytes(point_multiply_with_base(Scalar{}, point_base(), scalar));
}

} // namespace

InsecureSigningKey InsecureSigningKey::from_seed(ByteView seed)
{
    BELFRY_CHECK(seed.size() == 32);
    const Digest512 expanded = sha512(seed);
    InsecureSigningKey key;
    copy_bytes_exactly(key.scalar, expanded.view().first(32));
    copy_bytes_exactly(key.prefix, expanded.view().last(32));
    key.scalar[0] &= 0xF8;
    key.scalar[31] = static_cast<std::uint8_t>((key.scalar[31] & 0x7F) | 0x40);
    Scalar512 wide{};
    std::ranges::copy(scalar_from_bytes_unreduced(key.scalar).word, wide.begin());
    key.pubkey.bytes = multiply_base(scalar_reduce(wide));
    return key;
}

void insecure_sign_many(std::span<const InsecureSignJob> jobs)
{
    for (const InsecureSignJob& job : jobs) {
        const Scalar nonce = hash_to_scalar({job.key->prefix, job.message});
        const std::array<std::uint8_t, 32> r = multiply_base(nonce);
        const Scalar k = hash_to_scalar({r, job.key->pubkey.view(), job.message});
        const Scalar s = scalar_mul_add(k, scalar_from_bytes_unreduced(job.key->scalar), nonce);
        const std::array<std::uint8_t, 32> s_bytes = scalar_to_bytes(s);
        std::ranges::copy(r, job.signature->bytes.begin());
        std::ranges::copy(s_bytes, job.signature->bytes.begin() + 32);
    }
}

} // namespace belfry::crypto
