// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519_digits.hpp"

#include "base/check.hpp"

#include <bit>
#include <cstring>

namespace belfry::crypto {
namespace {

__extension__ using Wide = unsigned __int128;
using Words = std::array<std::uint64_t, 7>; // two more than values need, so that reads may run over

static_assert(std::endian::native == std::endian::little); // digits are stored eight at a time

/// 2^(bits - 1) at each of window_count windows.
template <unsigned bits>
constexpr Words half_of_each_window(std::size_t window_count)
{
    Words out{};
    for (std::size_t i = 0; i < window_count; ++i) {
        const std::size_t at = bits * i + bits - 1;
        out[at / 64] |= std::uint64_t{1} << (at % 64);
    }
    return out;
}

constexpr void add_to(Words& sum, const Words& term)
{
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < sum.size(); ++i) {
        const Wide wide = Wide{sum[i]} + term[i] + carry;
        sum[i] = static_cast<std::uint64_t>(wide);
        carry = static_cast<std::uint64_t>(wide >> 64);
    }
}

constexpr void subtract_from(Words& sum, const Words& term)
{
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < sum.size(); ++i) {
        const Wide wide = Wide{sum[i]} - term[i] - borrow;
        sum[i] = static_cast<std::uint64_t>(wide);
        borrow = static_cast<std::uint64_t>(wide >> 64) & 1;
    }
}

/// Eight fields of bits each to eight bytes.
template <unsigned bits>
std::uint64_t spread(std::uint64_t fields)
{
    constexpr std::uint64_t four = (std::uint64_t{1} << (4 * bits)) - 1;
    constexpr std::uint64_t two = ((std::uint64_t{1} << (2 * bits)) - 1) * 0x0000000100000001;
    constexpr std::uint64_t one = ((std::uint64_t{1} << bits) - 1) * 0x0001000100010001;
    std::uint64_t x = (fields & four) | ((fields >> (4 * bits)) << 32);
    x = (x & two) | (((x >> (2 * bits)) & two) << 16);
    return (x & one) | (((x >> bits) & one) << 8);
}

template <unsigned bits>
void write_digits(const Words& lifted, std::size_t window_count, std::size_t room,
                  std::int8_t* digits)
{
    constexpr std::uint64_t tops = 0x8080808080808080;
    constexpr std::uint64_t halves = 0x0101010101010101 * (std::uint64_t{1} << (bits - 1));
    for (std::size_t at = 0; at < room; at += 8) {
        std::uint64_t eight = 0;
        if (at < window_count) {
            const std::size_t bit = bits * at;
            std::uint64_t fields = lifted[bit / 64] >> (bit % 64);
            if (bit % 64 != 0) {
                fields |= lifted[bit / 64 + 1] << (64 - bit % 64);
            }
            if constexpr (bits < 8) {
                fields &= (std::uint64_t{1} << (8 * bits)) - 1;
                eight = ((spread<bits>(fields) | tops) - halves) ^ tops;
            } else {
                eight = fields ^ tops;
            }
            if (at + 8 > window_count) {
                eight &= (std::uint64_t{1} << (8 * (window_count - at))) - 1;
            }
        }
        std::memcpy(digits + at, &eight, 8);
    }
}

template <unsigned bits>
void recode_long_in(const Scalar& scalar, std::int8_t* digits)
{
    static constexpr Words lift = half_of_each_window<bits>(long_window_count(bits));
    Words value{scalar.word[0], scalar.word[1], scalar.word[2], scalar.word[3]};
    add_to(value, lift);
    write_digits<bits>(value, long_window_count(bits), 64, digits);
}

template <unsigned bits>
void recode_short_in(const BatchWeight& weight, std::int8_t* digits)
{
    // Z - bias + halves; with 8 bits the two are equal, else halves are larger.
    static constexpr Words lift = [] {
        Words out = half_of_each_window<bits>(short_window_count(bits));
        subtract_from(out, Words{BatchWeight::bias, BatchWeight::bias});
        return out;
    }();
    Words value{weight.random[0], weight.random[1]};
    add_to(value, lift);
    write_digits<bits>(value, short_window_count(bits), 32, digits);
    if constexpr (bits == 4) {
        digits[31] = static_cast<std::int8_t>(digits[31] + 16 * static_cast<int>(value[2]));
    }
}

} // namespace

bool BatchWeight::is_negative() const
{
    return random[1] < bias || (random[1] == bias && random[0] < bias);
}

Weight128 BatchWeight::magnitude() const
{
    const Wide z = Wide{random[1]} << 64 | random[0];
    const Wide offset = Wide{bias} << 64 | bias;
    const Wide size = is_negative() ? offset - z : z - offset;
    return {static_cast<std::uint64_t>(size), static_cast<std::uint64_t>(size >> 64)};
}

void recode_long(const Scalar& scalar, unsigned bits, std::int8_t* digits)
{
    switch (bits) {
    case 4:
        return recode_long_in<4>(scalar, digits);
    case 5:
        return recode_long_in<5>(scalar, digits);
    case 6:
        return recode_long_in<6>(scalar, digits);
    case 7:
        return recode_long_in<7>(scalar, digits);
    default:
        BELFRY_CHECK(bits == 8);
        return recode_long_in<8>(scalar, digits);
    }
}

void recode_short(const BatchWeight& weight, unsigned bits, std::int8_t* digits)
{
    switch (bits) {
    case 4:
        return recode_short_in<4>(weight, digits);
    case 5:
        return recode_short_in<5>(weight, digits);
    case 6:
        return recode_short_in<6>(weight, digits);
    case 7:
        return recode_short_in<7>(weight, digits);
    default:
        BELFRY_CHECK(bits == 8);
        return recode_short_in<8>(weight, digits);
    }
}

void recode_half(const Weight128& value, bool negative, std::int8_t* digits)
{
    static constexpr std::size_t half_windows = 32;
    static constexpr Words lift = half_of_each_window<4>(half_windows);
    BELFRY_CHECK(value[1] <= std::uint64_t{1} << 62);
    Words lifted{value[0], value[1]};
    add_to(lifted, lift);
    write_digits<4>(lifted, half_windows, half_windows, digits);
    if (negative) {
        for (std::size_t i = 0; i < half_windows; ++i) {
            digits[i] = static_cast<std::int8_t>(-digits[i]);
        }
    }
}

} // namespace belfry::crypto
