// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519_quotient.hpp"

#include "base/check.hpp"

#include <bit>
#include <utility>

namespace belfry::crypto {
namespace {

__extension__ using Wide = unsigned __int128;
using Words = std::array<std::uint64_t, 4>;

constexpr unsigned half_bits = 126;
constexpr unsigned word_bits = 64;

unsigned bit_length(const Words& a)
{
    for (std::size_t i = a.size(); i-- > 0;) {
        if (a[i] != 0) {
            return static_cast<unsigned>(word_bits * i) +
                   static_cast<unsigned>(std::bit_width(a[i]));
        }
    }
    return 0;
}

/// The 64 bits of a from bit position up. Precondition: position + 64 <= 256.
std::uint64_t bits_from(const Words& a, unsigned position)
{
    const std::size_t word = position / word_bits;
    const unsigned shift = position % word_bits;
    const std::uint64_t low = a[word] >> shift;
    return shift == 0 ? low : low | a[word + 1] << (word_bits - shift);
}

/// plus * a - minus * b. Precondition: the result is not negative.
Words combine(const Words& a, std::uint64_t plus, const Words& b, std::uint64_t minus)
{
    Words out{};
    std::uint64_t high = 0;   // of plus * a
    std::uint64_t higher = 0; // of minus * b, with the borrow
    for (std::size_t i = 0; i < out.size(); ++i) {
        const Wide add = Wide{a[i]} * plus + high;
        const Wide take = Wide{b[i]} * minus + higher;
        const auto low = static_cast<std::uint64_t>(add);
        const auto less = static_cast<std::uint64_t>(take);
        high = static_cast<std::uint64_t>(add >> word_bits);
        higher = static_cast<std::uint64_t>(take >> word_bits) + (low < less ? 1 : 0);
        out[i] = low - less;
    }
    return out;
}

bool is_below(const Words& a, const Words& b)
{
    for (std::size_t i = a.size(); i-- > 0;) {
        if (a[i] != b[i]) {
            return a[i] < b[i];
        }
    }
    return false;
}

/// Two remainders r of the Euclidean algorithm on (L, k), r.larger > r.smaller, and the magnitudes
/// t of what k is multiplied by in each; their signs alternate.
struct Remainders {
    Words larger;
    Words smaller;
    Wide larger_t = 0;
    Wide smaller_t = 1;
    bool smaller_is_negative = false; // the sign of smaller_t
};

/// What some steps do to two remainders: (a r0 - b r1, d r1 - c r0), or both with the other sign.
struct Matrix {
    std::uint64_t a = 1, b = 0, c = 0, d = 1;
    bool odd = false; // the number of steps
};

/// As many steps as the leading words decide for certain, none past half.
Matrix leading_steps(std::uint64_t x, std::uint64_t y, std::uint64_t half)
{
    Matrix m;
    // Here b <= d, so that d bounds how far y may be from the truth.
    while (y >= half + m.d) {
        const std::uint64_t quotient = x / y;
        const std::uint64_t rest = x - quotient * y;
        const Wide next = Wide{quotient} * m.d + m.b;
        if (next > rest || y - rest < static_cast<std::uint64_t>(next) + m.d) {
            break;
        }
        m = {m.c, m.d, m.a + quotient * m.c, static_cast<std::uint64_t>(next), !m.odd};
        x = y;
        y = rest;
    }
    return m;
}

/// larger -= smaller * 2^j for the largest j that fits: a step when leading words decide nothing.
void subtract_once(Remainders& r)
{
    unsigned shift = bit_length(r.larger) - bit_length(r.smaller);
    const auto shifted = [&r](unsigned by) {
        Words out{};
        for (std::size_t i = by / word_bits; i < out.size(); ++i) {
            const std::size_t from = i - by / word_bits;
            out[i] = r.smaller[from] << (by % word_bits);
            if (by % word_bits != 0 && from > 0) {
                out[i] |= r.smaller[from - 1] >> (word_bits - by % word_bits);
            }
        }
        return out;
    };
    Words multiple = shifted(shift);
    if (is_below(r.larger, multiple)) {
        multiple = shifted(--shift);
    }
    r.larger = combine(r.larger, 1, multiple, 1);
    r.larger_t += r.smaller_t << shift;
    if (is_below(r.larger, r.smaller)) {
        std::swap(r.larger, r.smaller);
        std::swap(r.larger_t, r.smaller_t);
        r.smaller_is_negative = !r.smaller_is_negative;
    }
}

void apply(Remainders& r, const Matrix& m)
{
    const Words larger =
        m.odd ? combine(r.smaller, m.b, r.larger, m.a) : combine(r.larger, m.a, r.smaller, m.b);
    r.smaller =
        m.odd ? combine(r.larger, m.c, r.smaller, m.d) : combine(r.smaller, m.d, r.larger, m.c);
    r.larger = larger;
    const Wide larger_t = m.a * r.larger_t + m.b * r.smaller_t;
    r.smaller_t = m.c * r.larger_t + m.d * r.smaller_t;
    r.larger_t = larger_t;
    r.smaller_is_negative = r.smaller_is_negative != m.odd;
}

Weight128 words_of(Wide value)
{
    return {static_cast<std::uint64_t>(value), static_cast<std::uint64_t>(value >> word_bits)};
}

} // namespace

ScalarQuotient scalar_quotient(const Scalar& k)
{
    constexpr Words order{0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000};
    Remainders r{.larger = order, .smaller = k.word};
    BELFRY_CHECK(is_below(r.smaller, r.larger));
    while (bit_length(r.smaller) > half_bits) {
        const unsigned position = bit_length(r.larger) - word_bits;
        const std::uint64_t half =
            position < half_bits ? std::uint64_t{1} << (half_bits - position) : 1;
        const Matrix m =
            leading_steps(bits_from(r.larger, position), bits_from(r.smaller, position), half);
        if (m.c == 0) {
            subtract_once(r);
        } else {
            apply(r, m);
        }
    }
    return {{r.smaller[0], r.smaller[1]}, words_of(r.smaller_t), r.smaller_is_negative};
}

} // namespace belfry::crypto
