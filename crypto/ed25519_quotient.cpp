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

/// Leading words of two remainders, and what the steps done so far make of those:
/// (a r0 - b r1, d r1 - c r0), or both with the other sign after an odd number of steps.
struct Leading {
    std::uint64_t x = 0, y = 0;
    std::uint64_t half = 0; // in y's unit
    std::uint64_t a = 1, b = 0, c = 0, d = 1;
    bool odd = false;

    explicit Leading(const Remainders& r)
    {
        const unsigned position = bit_length(r.larger) - word_bits;
        x = bits_from(r.larger, position);
        y = bits_from(r.smaller, position);
        half = position < half_bits ? std::uint64_t{1} << (half_bits - position) : 1;
    }
};

/// One step of the algorithm on leading words.
struct Step {
    std::uint64_t quotient;
    std::uint64_t rest;
    std::uint64_t next; // d after it
    bool is_certain;    // the whole numbers take the same step, and are not past half before it

    explicit Step(const Leading& at)
        : quotient(at.x / (at.y == 0 ? 1 : at.y)) // 0 only before the first step
        , rest(at.x - quotient * at.y)
        , next(quotient * at.d + at.b)
    {
        // Since b <= d, d bounds how far y is from the truth; and d is below 2^32, for d y <= x of
        // the start and d <= y. So nothing that a certain step depends on is past 64 bits.
        const bool short_enough = quotient < std::uint64_t{1} << 31;
        is_certain =
            short_enough && at.y >= at.half + at.d && next <= rest && at.y - rest >= next + at.d;
    }
};

void take(Leading& at, const Step& step)
{
    const std::uint64_t c = at.a + step.quotient * at.c;
    at.a = at.c;
    at.b = at.d;
    at.c = c;
    at.d = step.next;
    at.x = at.y;
    at.y = step.rest;
    at.odd = !at.odd;
}

/// All steps that leading words decide for certain.
void take_steps(Leading& at)
{
    for (Step step(at); step.is_certain; step = Step(at)) {
        take(at, step);
    }
}

/// The same for two pairs at once, while both have steps: each division waits for the one before,
/// but not for the other pair's.
void take_steps(Leading& first, Leading& second)
{
    Step one(first);
    Step two(second);
    while (one.is_certain && two.is_certain) {
        take(first, one);
        take(second, two);
        one = Step(first);
        two = Step(second);
    }
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

/// The whole numbers take the steps of their leading words.
void apply(Remainders& r, const Leading& m)
{
    if (m.c == 0) {
        subtract_once(r);
        return;
    }
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

Remainders start(const Scalar& k)
{
    constexpr Words order{0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000};
    BELFRY_CHECK(is_below(k.word, order));
    return {.larger = order, .smaller = k.word};
}

bool is_past_half(const Remainders& r)
{
    return bit_length(r.smaller) <= half_bits;
}

ScalarQuotient finish(Remainders& r)
{
    while (!is_past_half(r)) {
        Leading leading(r);
        take_steps(leading);
        apply(r, leading);
    }
    return {.numerator = {r.smaller[0], r.smaller[1]},
            .denominator = {static_cast<std::uint64_t>(r.smaller_t),
                            static_cast<std::uint64_t>(r.smaller_t >> word_bits)},
            .negative = r.smaller_is_negative};
}

} // namespace

void scalar_quotients(std::span<const Scalar> k, std::span<ScalarQuotient> out)
{
    BELFRY_CHECK(k.size() == out.size());
    for (std::size_t i = 0; i < k.size(); i += 2) {
        Remainders one = start(k[i]);
        if (i + 1 == k.size()) {
            out[i] = finish(one);
            return;
        }
        Remainders two = start(k[i + 1]);
        while (!is_past_half(one) && !is_past_half(two)) {
            Leading first(one);
            Leading second(two);
            take_steps(first, second);
            take_steps(first);
            take_steps(second);
            apply(one, first);
            apply(two, second);
        }
        out[i] = finish(one);
        out[i + 1] = finish(two);
    }
}

} // namespace belfry::crypto
