// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519_reference.hpp: edwards25519 in big integers of OpenSSL, slow and from the definition. It
// shares no code with crypto/ but the bytes it reads.
// Rule     complete projective addition (Bernstein and others, "Twisted Edwards Curves", 2008),
//          doubling is adding a point to itself.

#include "base/bytes.hpp"

#include <openssl/bn.h>
#include <openssl/sha.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace belfry::crypto::testing {

/// An integer. Values are copied; speed does not matter here.
class Big {
public:
    Big()
        : value_(BN_new(), BN_free)
    {
    }
    explicit Big(std::uint64_t small)
        : Big()
    {
        BN_set_word(value_.get(), small);
    }
    Big(const Big& other)
        : value_(BN_dup(other.get()), BN_free)
    {
    }
    Big& operator=(const Big& other)
    {
        if (this != &other) {
            BN_copy(value_.get(), other.get());
        }
        return *this;
    }
    ~Big() = default;

    [[nodiscard]] static Big decimal(const char* text)
    {
        Big out;
        BIGNUM* raw = out.get();
        BN_dec2bn(&raw, text);
        return out;
    }
    [[nodiscard]] static Big little_endian(ByteView bytes)
    {
        Big out;
        BN_lebin2bn(bytes.data(), static_cast<int>(bytes.size()), out.get());
        return out;
    }
    [[nodiscard]] std::array<std::uint8_t, 32> to_32_bytes() const
    {
        std::array<std::uint8_t, 32> out{};
        BN_bn2lebinpad(get(), out.data(), 32);
        return out;
    }
    [[nodiscard]] BIGNUM* get() const { return value_.get(); }
    [[nodiscard]] bool is_odd() const { return BN_is_odd(get()) == 1; }
    [[nodiscard]] bool is_zero() const { return BN_is_zero(get()) == 1; }
    friend bool operator==(const Big& a, const Big& b) { return BN_cmp(a.get(), b.get()) == 0; }
    friend bool operator<(const Big& a, const Big& b) { return BN_cmp(a.get(), b.get()) < 0; }

private:
    std::unique_ptr<BIGNUM, void (*)(BIGNUM*)> value_;
};

inline BN_CTX* big_context()
{
    static const std::unique_ptr<BN_CTX, void (*)(BN_CTX*)> context(BN_CTX_new(), BN_CTX_free);
    return context.get();
}

/// Arithmetic modulo one number.
class Modulus {
public:
    explicit Modulus(Big m)
        : m_(std::move(m))
    {
    }
    [[nodiscard]] const Big& value() const { return m_; }
    [[nodiscard]] Big reduce(const Big& a) const
    {
        Big out;
        BN_nnmod(out.get(), a.get(), m_.get(), big_context());
        return out;
    }
    [[nodiscard]] Big add(const Big& a, const Big& b) const
    {
        Big out;
        BN_mod_add(out.get(), a.get(), b.get(), m_.get(), big_context());
        return out;
    }
    [[nodiscard]] Big sub(const Big& a, const Big& b) const
    {
        Big out;
        BN_mod_sub(out.get(), a.get(), b.get(), m_.get(), big_context());
        return out;
    }
    [[nodiscard]] Big mul(const Big& a, const Big& b) const
    {
        Big out;
        BN_mod_mul(out.get(), a.get(), b.get(), m_.get(), big_context());
        return out;
    }
    [[nodiscard]] Big inverse(const Big& a) const
    {
        Big out;
        BN_mod_inverse(out.get(), a.get(), m_.get(), big_context());
        return out;
    }
    /// A root, or nullopt.
    [[nodiscard]] std::optional<Big> square_root(const Big& a) const
    {
        if (a.is_zero()) {
            return a;
        }
        Big out;
        if (BN_mod_sqrt(out.get(), a.get(), m_.get(), big_context()) == nullptr) {
            return std::nullopt;
        }
        return mul(out, out) == a ? std::optional<Big>(out) : std::nullopt;
    }

private:
    Big m_;
};

inline const Modulus& prime()
{
    static const Modulus p(Big::decimal(
        "57896044618658097711785492504343953926634992332820282019728792003956564819949"));
    return p;
}
inline const Modulus& group_order()
{
    static const Modulus order(Big::decimal(
        "7237005577332262213973186563042994240857116359379907606001950938285454250989"));
    return order;
}

/// (x : y : z).
struct SlowPoint {
    Big x = Big(0);
    Big y = Big(1);
    Big z = Big(1);
    friend bool operator==(const SlowPoint& a, const SlowPoint& b)
    {
        const Modulus& p = prime();
        return p.mul(a.x, b.z) == p.mul(b.x, a.z) && p.mul(a.y, b.z) == p.mul(b.y, a.z);
    }
};

inline const Big& curve_d()
{
    static const Big d =
        prime().mul(prime().sub(Big(0), Big(121665)), prime().inverse(Big(121666)));
    return d;
}

inline SlowPoint slow_add(const SlowPoint& a, const SlowPoint& b)
{
    const Modulus& p = prime();
    const Big zz = p.mul(a.z, b.z);
    const Big square = p.mul(zz, zz);
    const Big xx = p.mul(a.x, b.x);
    const Big yy = p.mul(a.y, b.y);
    const Big bend = p.mul(curve_d(), p.mul(xx, yy));
    const Big less = p.sub(square, bend);
    const Big more = p.add(square, bend);
    const Big cross = p.add(p.mul(a.x, b.y), p.mul(b.x, a.y));
    return {p.mul(p.mul(zz, less), cross), p.mul(p.mul(zz, more), p.add(yy, xx)),
            p.mul(less, more)};
}

inline SlowPoint slow_negate(const SlowPoint& a)
{
    return {prime().sub(Big(0), a.x), a.y, a.z};
}

/// z = 1.
inline SlowPoint slow_affine(const SlowPoint& a)
{
    const Big inverse = prime().inverse(a.z);
    return {prime().mul(a.x, inverse), prime().mul(a.y, inverse), Big(1)};
}

inline SlowPoint slow_multiply(const Big& scalar, const SlowPoint& point)
{
    SlowPoint sum;
    for (int bit = BN_num_bits(scalar.get()); bit-- > 0;) {
        sum = slow_add(sum, sum);
        if (BN_is_bit_set(scalar.get(), bit) == 1) {
            sum = slow_add(sum, point);
        }
    }
    return sum;
}

/// ZIP-215: y mod p, and the sign of x = 0 is ignored.
inline std::optional<SlowPoint> slow_decode(ByteView bytes)
{
    const Modulus& p = prime();
    std::array<std::uint8_t, 32> raw{};
    std::copy(bytes.begin(), bytes.end(), raw.begin());
    const bool odd = (raw[31] & 0x80) != 0;
    raw[31] &= 0x7F;
    const Big y = p.reduce(Big::little_endian(raw));
    const Big yy = p.mul(y, y);
    const Big ratio = p.mul(p.sub(yy, Big(1)), p.inverse(p.add(p.mul(curve_d(), yy), Big(1))));
    std::optional<Big> x = p.square_root(ratio);
    if (!x) {
        return std::nullopt;
    }
    if (x->is_odd() != odd) {
        x = p.sub(Big(0), *x);
    }
    return SlowPoint{*x, y, Big(1)};
}

inline std::array<std::uint8_t, 32> slow_encode(const SlowPoint& projective)
{
    const SlowPoint point = slow_affine(projective);
    std::array<std::uint8_t, 32> out = point.y.to_32_bytes();
    out[31] = static_cast<std::uint8_t>(out[31] | (point.x.is_odd() ? 0x80 : 0));
    return out;
}

inline const SlowPoint& slow_base()
{
    static const SlowPoint base = [] {
        const Modulus& p = prime();
        std::array<std::uint8_t, 32> bytes = p.mul(Big(4), p.inverse(Big(5))).to_32_bytes();
        return *slow_decode(bytes);
    }();
    return base;
}

/// A generator of the eight points of small order.
inline const SlowPoint& slow_torsion()
{
    static const SlowPoint torsion = [] {
        for (std::uint8_t y = 2;; ++y) {
            const std::array<std::uint8_t, 32> bytes{y};
            const std::optional<SlowPoint> point = slow_decode(bytes);
            if (!point) {
                continue;
            }
            const SlowPoint small = slow_multiply(group_order().value(), *point);
            if (!(slow_multiply(Big(4), small) == SlowPoint{})) {
                return small;
            }
        }
    }();
    return torsion;
}

inline Big slow_challenge(ByteView r, ByteView key, ByteView message)
{
    Bytes all(r.begin(), r.end());
    all.insert(all.end(), key.begin(), key.end());
    all.insert(all.end(), message.begin(), message.end());
    std::array<std::uint8_t, 64> digest{};
    SHA512(all.data(), all.size(), digest.data());
    return group_order().reduce(Big::little_endian(digest));
}

inline bool slow_verify(ByteView key, ByteView message, ByteView signature)
{
    const Big s = Big::little_endian(signature.last(32));
    if (!(s < group_order().value())) {
        return false;
    }
    const std::optional<SlowPoint> a = slow_decode(key);
    const std::optional<SlowPoint> r = slow_decode(signature.first(32));
    if (!a || !r) {
        return false;
    }
    const Big k = slow_challenge(signature.first(32), key, message);
    const SlowPoint right = slow_add(*r, slow_multiply(k, *a));
    const SlowPoint difference = slow_add(slow_multiply(s, slow_base()), slow_negate(right));
    return slow_multiply(Big(8), difference) == SlowPoint{};
}

} // namespace belfry::crypto::testing
