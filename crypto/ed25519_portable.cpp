// SPDX-License-Identifier: Apache-2.0
// One lane: the same text as the islands over the field of the baseline CPU.
#include "crypto/ed25519_kernels.hpp"
#include "crypto/field25519.hpp"

#define BELFRY_LANES_INLINE [[gnu::always_inline]] static inline
#define BELFRY_LANES_NOINLINE [[gnu::noinline]] static

namespace belfry::crypto {
namespace {

constexpr std::size_t lane_count = 1;
using Mask = bool;
using Fe = Field;

BELFRY_LANES_INLINE Fe fe_constant(const std::uint64_t (&limbs)[5])
{
    return {{limbs[0], limbs[1], limbs[2], limbs[3], limbs[4]}};
}
/// a + 4p, so that a tight element or the sum of two can be taken off.
BELFRY_LANES_INLINE Fe field_lift(const Fe& a)
{
    return field_sub(a, field_zero);
}
BELFRY_LANES_INLINE Fe fe_add(const Fe& a, const Fe& b)
{
    return field_add(a, b);
}
BELFRY_LANES_INLINE Fe fe_sub(const Fe& a, const Fe& b)
{
    return field_sub(a, b);
}
BELFRY_LANES_INLINE Fe fe_mul(const Fe& a, const Fe& b)
{
    return field_mul(a, b);
}
BELFRY_LANES_INLINE Fe fe_square(const Fe& a)
{
    return field_square(a);
}
BELFRY_LANES_INLINE Fe fe_carry(const Fe& a)
{
    return field_carry(a);
}
/// Raw products are tight here, and sums of four of them with one 4p are below 2^54.
BELFRY_LANES_INLINE Fe fe_mul_raw(const Fe& a, const Fe& b)
{
    return field_mul(a, b);
}
BELFRY_LANES_INLINE Fe fe_square_raw(const Fe& a)
{
    return field_square(a);
}
BELFRY_LANES_INLINE Fe fe_mul_lifted(const Fe& a, const Fe& b)
{
    return field_lift(field_mul(a, b));
}
BELFRY_LANES_INLINE Fe fe_square_lifted(const Fe& a)
{
    return field_lift(field_square(a));
}
BELFRY_LANES_INLINE Fe fe_twice_lifted(const Fe& a)
{
    return field_lift(field_add(a, a));
}
BELFRY_LANES_INLINE Fe fe_sub_lifted(const Fe& a, const Fe& b)
{
    return {{a.limb[0] - b.limb[0], a.limb[1] - b.limb[1], a.limb[2] - b.limb[2],
             a.limb[3] - b.limb[3], a.limb[4] - b.limb[4]}};
}
BELFRY_LANES_INLINE Fe fe_tighten(const Fe& a)
{
    return a;
}
BELFRY_LANES_INLINE Fe fe_select(Mask which, const Fe& yes, const Fe& no)
{
    return which ? yes : no;
}
BELFRY_LANES_INLINE Mask fe_is_zero(const Fe& a)
{
    return field_is_zero(a);
}
BELFRY_LANES_INLINE Mask fe_is_odd(const Fe& a)
{
    return field_is_odd(a);
}
BELFRY_LANES_INLINE Fe fe_lanes_down(const Fe& a, unsigned)
{
    return a;
}

template <std::size_t elements>
BELFRY_LANES_INLINE void load_same(const std::uint64_t* row, Fe* out)
{
    for (std::size_t i = 0; i < 5 * elements; ++i) {
        out[i / 5].limb[i % 5] = row[i];
    }
}
template <std::size_t elements>
BELFRY_LANES_INLINE void load_words(const std::uint64_t* const* rows, Fe* out)
{
    load_same<elements>(rows[0], out);
}
template <std::size_t elements>
BELFRY_LANES_INLINE void store_words(std::uint64_t* const* rows, const Fe* in)
{
    for (std::size_t i = 0; i < 5 * elements; ++i) {
        rows[0][i] = in[i / 5].limb[i % 5];
    }
}

BELFRY_LANES_INLINE Fe fe_from_encodings(const std::uint8_t* const* encodings, Mask& sign)
{
    sign = (encodings[0][31] >> 7) != 0;
    return field_from_bytes({encodings[0], 32});
}
BELFRY_LANES_INLINE void fe_to_words(const Fe& a, std::uint64_t (&words)[4][1])
{
    const std::array<std::uint8_t, 32> bytes = field_to_bytes(a);
    for (std::size_t i = 0; i < 4; ++i) {
        words[i][0] = 0;
        for (std::size_t byte = 0; byte < 8; ++byte) {
            words[i][0] |= std::uint64_t{bytes[8 * i + byte]} << (8 * byte);
        }
    }
}

BELFRY_LANES_INLINE Mask split_digits(const std::int8_t* digits, std::uint64_t (&index)[1])
{
    const std::int8_t digit = digits[0];
    index[0] = static_cast<std::uint64_t>(digit < 0 ? -digit : digit);
    return digit < 0;
}
BELFRY_LANES_INLINE unsigned mask_bits(Mask a)
{
    return a ? 1 : 0;
}
BELFRY_LANES_INLINE Mask mask_of(unsigned bits)
{
    return (bits & 1U) != 0;
}
BELFRY_LANES_INLINE Mask mask_xor(Mask a, Mask b)
{
    return a != b;
}
BELFRY_LANES_INLINE Mask mask_or(Mask a, Mask b)
{
    return a || b;
}
BELFRY_LANES_INLINE Mask mask_not(Mask a)
{
    return !a;
}

#include "crypto/ed25519_lanes.inc"
#include "crypto/ed25519_lanes_sums.inc"

} // namespace

const Ed25519Lanes ed25519_lanes_portable = {lane_count,   decode,        bucket_sums, fold_windows,
                                             verify_exact, base_multiply, nullptr};

} // namespace belfry::crypto
