// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519_scalar.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace belfry::crypto {
namespace {

__extension__ using Wide = unsigned __int128;
static_assert(std::endian::native == std::endian::little); // words and bytes are copied

constexpr std::array<std::uint64_t, 4> order{0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0,
                                             0x1000000000000000};
constexpr std::array<std::uint64_t, 2> order_tail{0x5812631a5cf5d3ed, 0x14def9dea2f79cd6};

/// out = a * b by rows. out has a.size() + b.size() words.
template <std::size_t A, std::size_t B>
std::array<std::uint64_t, A + B> multiply(const std::array<std::uint64_t, A>& a,
                                          const std::array<std::uint64_t, B>& b)
{
    std::array<std::uint64_t, A + B> out{};
    for (std::size_t i = 0; i < A; ++i) {
        std::uint64_t carry = 0;
        for (std::size_t j = 0; j < B; ++j) {
            const Wide sum = Wide{a[i]} * b[j] + out[i + j] + carry;
            out[i + j] = static_cast<std::uint64_t>(sum);
            carry = static_cast<std::uint64_t>(sum >> 64);
        }
        out[i + B] = carry;
    }
    return out;
}

template <std::size_t N>
std::array<std::uint64_t, N> add(const std::array<std::uint64_t, N>& a,
                                 const std::array<std::uint64_t, N>& b)
{
    std::array<std::uint64_t, N> out{};
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < N; ++i) {
        const Wide sum = Wide{a[i]} + b[i] + carry;
        out[i] = static_cast<std::uint64_t>(sum);
        carry = static_cast<std::uint64_t>(sum >> 64);
    }
    return out;
}

/// a - b, and whether it fell below zero.
template <std::size_t N>
bool subtract(std::array<std::uint64_t, N>& out, const std::array<std::uint64_t, N>& a,
              const std::array<std::uint64_t, N>& b)
{
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < N; ++i) {
        const Wide difference = Wide{a[i]} - b[i] - borrow;
        out[i] = static_cast<std::uint64_t>(difference);
        borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
    }
    return borrow != 0;
}

Scalar subtract_order_once(const Scalar& a)
{
    Scalar less;
    return subtract(less.word, a.word, order) ? a : less;
}

/// The bits of value from 252 up, in Out words.
template <std::size_t Out, std::size_t N>
std::array<std::uint64_t, Out> bits_from_252(const std::array<std::uint64_t, N>& value)
{
    std::array<std::uint64_t, Out> high{};
    for (std::size_t i = 0; i < Out; ++i) {
        const std::uint64_t upper = i + 4 < N ? value[i + 4] << 4 : 0;
        high[i] = (value[i + 3] >> 60) | upper;
    }
    return high;
}

/// value = low + 2^252 high becomes low + multiple - tail * high, the same mod L. multiple is a
/// multiple of L that is larger than tail * high, so nothing falls below zero.
template <std::size_t High, std::size_t N>
std::array<std::uint64_t, N> fold(const std::array<std::uint64_t, N>& value,
                                  const std::array<std::uint64_t, N>& multiple)
{
    const auto product = multiply(order_tail, bits_from_252<High>(value));
    std::array<std::uint64_t, N> minus{};
    std::array<std::uint64_t, N> low{};
    for (std::size_t i = 0; i < N; ++i) {
        minus[i] = i < product.size() ? product[i] : 0;
        low[i] = i < 4 ? value[i] : 0;
    }
    low[3] &= (std::uint64_t{1} << 60) - 1;
    std::array<std::uint64_t, N> out{};
    const bool below_zero = subtract(out, add(low, multiple), minus);
    BELFRY_DCHECK(!below_zero);
    static_cast<void>(below_zero);
    return out;
}

/// Precondition: value < 2^386.
Scalar reduce_386(const std::array<std::uint64_t, 7>& value)
{
    // high < 2^134, tail * high < 2^259 < 2^7 L
    constexpr std::array<std::uint64_t, 7> order_2_7{
        0x09318d2e7ae9f680, 0x6f7cef517bce6b2c, 0xa, 0, 0x8, 0, 0};
    const auto once = fold<3>(value, order_2_7);
    // once < 2^260: high < 2^8, tail * high < 2^133 < L
    const std::array<std::uint64_t, 5> narrow{once[0], once[1], once[2], once[3], once[4]};
    const auto twice = fold<1>(narrow, {order[0], order[1], order[2], order[3], 0});
    return subtract_order_once(subtract_order_once({{twice[0], twice[1], twice[2], twice[3]}}));
}

} // namespace

Scalar scalar_from_bytes_unreduced(ByteView bytes)
{
    BELFRY_CHECK(bytes.size() == 32);
    Scalar out;
    std::memcpy(out.word.data(), bytes.data(), 32);
    return out;
}

std::optional<Scalar> scalar_from_canonical_bytes(ByteView bytes)
{
    const Scalar value = scalar_from_bytes_unreduced(bytes);
    Scalar ignored;
    if (!subtract(ignored.word, value.word, order)) {
        return std::nullopt;
    }
    return value;
}

Scalar512 scalar512_from_bytes(ByteView bytes)
{
    BELFRY_CHECK(bytes.size() == 64);
    Scalar512 out;
    std::memcpy(out.data(), bytes.data(), 64);
    return out;
}

std::array<std::uint8_t, 32> scalar_to_bytes(const Scalar& a)
{
    std::array<std::uint8_t, 32> out{};
    std::memcpy(out.data(), a.word.data(), 32);
    return out;
}

Scalar scalar_reduce(const Scalar512& wide)
{
    // high < 2^260, tail * high < 2^385 < 2^133 L
    constexpr std::array<std::uint64_t, 8> order_2_133{
        0, 0, 0x024c634b9eba7da0, 0x9bdf3bd45ef39acb, 0x2, 0, 0x2, 0};
    const auto once = fold<5>(wide, order_2_133);
    return reduce_386({once[0], once[1], once[2], once[3], once[4], once[5], once[6]});
}

Scalar scalar_weigh(const Weight128& weight, const Scalar& a)
{
    const auto product = multiply(weight, a.word);
    return reduce_386({product[0], product[1], product[2], product[3], product[4], product[5], 0});
}

void scalar_accumulate(Scalar512& sum, const Weight128& weight, const Scalar& a)
{
    const auto product = multiply(weight, a.word);
    Scalar512 wide{};
    std::ranges::copy(product, wide.begin());
    sum = add(sum, wide);
}

Scalar scalar_add(const Scalar& a, const Scalar& b)
{
    return subtract_order_once({add(a.word, b.word)});
}

Scalar scalar_negate(const Scalar& a)
{
    Scalar out;
    subtract(out.word, order, a.word);
    return subtract_order_once(out); // L for zero
}

Scalar scalar_mul_add(const Scalar& a, const Scalar& b, const Scalar& c)
{
    Scalar512 wide_c{};
    for (std::size_t i = 0; i < 4; ++i) {
        wide_c[i] = c.word[i];
    }
    return scalar_reduce(add(multiply(a.word, b.word), wide_c));
}

} // namespace belfry::crypto
