// SPDX-License-Identifier: Apache-2.0
// ed25519_scalar_fuzz: the arithmetic modulo the group's order is that of OpenSSL's integers.
// Input    up to 64 bytes wide | 3 x 32 bytes | 16 bytes of weight; what is missing is zero.
#include "base/check.hpp"
#include "crypto/ed25519_scalar.hpp"
#include "tests/crypto/ed25519_reference.hpp"

#include <algorithm>

namespace {

using namespace belfry;                  // NOLINT(google-build-using-namespace)
using namespace belfry::crypto;          // NOLINT(google-build-using-namespace)
using namespace belfry::crypto::testing; // NOLINT(google-build-using-namespace)

bool same(const Scalar& scalar, const Big& big)
{
    return scalar_to_bytes(scalar) == big.to_32_bytes();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Bytes input(64 + 3 * 32 + 16);
    std::copy_n(data, std::min(size, input.size()), input.begin());
    ByteReader in(input);
    const Modulus& order = group_order();
    const ByteView wide = in.bytes(64);
    BELFRY_CHECK(
        same(scalar_reduce(scalar512_from_bytes(wide)), order.reduce(Big::little_endian(wide))));

    const ByteView a_bytes = in.bytes(32);
    const ByteView b_bytes = in.bytes(32);
    const ByteView c_bytes = in.bytes(32);
    const Big a_any = Big::little_endian(a_bytes);
    const auto canonical = scalar_from_canonical_bytes(a_bytes);
    BELFRY_CHECK(canonical.has_value() == (a_any < order.value()));
    BELFRY_CHECK(!canonical || scalar_to_bytes(*canonical) == a_any.to_32_bytes());

    const auto reduced = [](ByteView bytes) {
        Bytes long_bytes(bytes.begin(), bytes.end());
        long_bytes.resize(64);
        return scalar_reduce(scalar512_from_bytes(long_bytes));
    };
    const Scalar a = reduced(a_bytes);
    const Scalar b = reduced(b_bytes);
    const Scalar c = reduced(c_bytes);
    const Big big_a = order.reduce(a_any);
    const Big big_b = order.reduce(Big::little_endian(b_bytes));
    const Big big_c = order.reduce(Big::little_endian(c_bytes));
    BELFRY_CHECK(same(a, big_a) && same(b, big_b) && same(c, big_c));
    BELFRY_CHECK(same(scalar_add(a, b), order.add(big_a, big_b)));
    BELFRY_CHECK(same(scalar_negate(a), order.sub(Big(0), big_a)));
    BELFRY_CHECK(same(scalar_mul_add(a, b, c), order.add(order.mul(big_a, big_b), big_c)));

    // As verification uses them: unreduced, but for the highest bits.
    Bytes half(a_bytes.begin(), a_bytes.end());
    half[31] &= 0x1F;
    const Scalar below_253 = scalar_from_bytes_unreduced(half);
    const Big big_half = Big::little_endian(half);
    BELFRY_CHECK(
        same(scalar_mul_add(below_253, b, c), order.add(order.mul(big_half, big_b), big_c)));
    const ByteView weight_bytes = in.bytes(16);
    ByteReader weight_words(weight_bytes);
    const std::uint64_t low = weight_words.u64();
    const Weight128 weight{low, weight_words.u64()};
    const Big big_weight = Big::little_endian(weight_bytes);
    BELFRY_CHECK(same(scalar_weigh(weight, below_253), order.mul(big_weight, big_half)));
    Scalar512 sum{};
    scalar_accumulate(sum, weight, below_253);
    scalar_accumulate(sum, weight, b);
    BELFRY_CHECK(same(scalar_reduce(sum),
                      order.add(order.mul(big_weight, big_half), order.mul(big_weight, big_b))));
    return 0;
}
