// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519_cases.hpp: signatures that honest signers never make, with the verdict of ZIP-215.
// Source   made with the big-integer reference; a seed gives the same cases every time.

#include "crypto/ed25519.hpp"
#include "tests/crypto/ed25519_reference.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

namespace belfry::crypto::testing {

struct SignatureCase {
    Pubkey key;
    Bytes message;
    Signature signature;
    bool expected = false;
    std::string what;
    [[nodiscard]] Ed25519Job job() const { return {message, &key, &signature}; }
};

using Bytes32 = std::array<std::uint8_t, 32>;

inline Signature join(const Bytes32& r, const Bytes32& s)
{
    Signature out;
    std::copy(r.begin(), r.end(), out.bytes.begin());
    std::copy(s.begin(), s.end(), out.bytes.begin() + 32);
    return out;
}

/// Makes cases from one seed.
class CaseMaker {
public:
    explicit CaseMaker(std::uint64_t seed)
        : random_(seed)
    {
    }

    Bytes bytes(std::size_t count)
    {
        Bytes out(count);
        for (std::uint8_t& byte : out) {
            byte = static_cast<std::uint8_t>(random_());
        }
        return out;
    }
    Big scalar() { return group_order().reduce(Big::little_endian(bytes(64))); }
    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    SlowPoint torsion(std::uint64_t index) { return slow_multiply(Big(index), slow_torsion()); }

    /// A = aB + key_torsion, R = rB + r_torsion, S = r + k a: good whatever the torsion is.
    SignatureCase with_torsion(std::uint64_t key_torsion, std::uint64_t r_torsion)
    {
        const Big a = scalar();
        const Big r = scalar();
        const Bytes32 key =
            slow_encode(slow_add(slow_multiply(a, slow_base()), torsion(key_torsion)));
        const Bytes32 r_bytes =
            slow_encode(slow_add(slow_multiply(r, slow_base()), torsion(r_torsion)));
        return signed_by(a, r, key, r_bytes, "mixed order");
    }

    /// Both points from given encodings of points of small order, S = 0: good for every message.
    SignatureCase small_order(const Bytes32& key, const Bytes32& r)
    {
        return {Pubkey::from(key), bytes(20), join(r, {}), true, "small order"};
    }

    SignatureCase signed_by(const Big& a, const Big& r, const Bytes32& key, const Bytes32& r_bytes,
                            std::string what)
    {
        SignatureCase out{Pubkey::from(key), bytes(below(90)), {}, true, std::move(what)};
        const Modulus& order = group_order();
        const Big k = slow_challenge(r_bytes, key, out.message);
        out.signature = join(r_bytes, order.add(r, order.mul(k, a)).to_32_bytes());
        return out;
    }

private:
    std::mt19937_64 random_;
};

/// Every encoding of a point of small order that ZIP-215 decodes: also y + p, and -0.
inline std::vector<Bytes32> small_order_encodings()
{
    std::vector<Bytes32> out;
    for (std::uint64_t i = 0; i < 8; ++i) {
        const SlowPoint point = slow_affine(slow_multiply(Big(i), slow_torsion()));
        for (const bool past_p : {false, true}) {
            Big y = point.y;
            if (past_p) {
                BN_add(y.get(), y.get(), prime().value().get());
            }
            if (BN_num_bits(y.get()) > 255) {
                continue;
            }
            Bytes32 bytes = y.to_32_bytes();
            bytes[31] = static_cast<std::uint8_t>(bytes[31] | (point.x.is_odd() ? 0x80 : 0));
            out.push_back(bytes);
            if (point.x.is_zero()) {
                bytes[31] ^= 0x80;
                out.push_back(bytes);
            }
        }
    }
    return out;
}

/// S replaced by S + times L, when that fits 32 bytes.
inline SignatureCase with_s_plus_order(SignatureCase from, unsigned times)
{
    Big s = Big::little_endian(from.signature.view().last(32));
    for (unsigned i = 0; i < times; ++i) {
        BN_add(s.get(), s.get(), group_order().value().get());
    }
    from.signature = join(Pubkey::from(from.signature.view().first(32)).bytes, s.to_32_bytes());
    from.expected = false;
    from.what = "S + L";
    return from;
}

inline std::vector<SignatureCase> adversarial_cases(std::uint64_t seed)
{
    CaseMaker make(seed);
    std::vector<SignatureCase> out;
    for (std::uint64_t i = 0; i < 8; ++i) {
        for (std::uint64_t j = 0; j < 8; j += 1 + i % 3) {
            out.push_back(make.with_torsion(i, j));
        }
    }
    const std::vector<Bytes32> small = small_order_encodings();
    for (std::size_t i = 0; i < small.size(); ++i) {
        out.push_back(make.small_order(small[i], small[(i * 5 + 3) % small.size()]));
        // A small-order key with an honest R = rB, S = r: good for every message.
        const Big r = make.scalar();
        const Bytes32 r_bytes = slow_encode(slow_multiply(r, slow_base()));
        out.push_back(
            {Pubkey::from(small[i]), make.bytes(9), join(r_bytes, r.to_32_bytes()), true, "key 8"});
        // A small-order R with an honest key: S = k a.
        const Big a = make.scalar();
        const Bytes32 key = slow_encode(slow_multiply(a, slow_base()));
        out.push_back(make.signed_by(a, Big(0), key, small[i], "R of small order"));
    }
    const std::size_t good_count = out.size();
    for (std::size_t i = 0; i < good_count; i += 3) {
        SignatureCase bad = out[i];
        bad.signature.bytes[32 + make.below(31)] ^= static_cast<std::uint8_t>(1 << make.below(8));
        bad.what = "S changed";
        out.push_back(bad);
        bad = out[i];
        bad.message.push_back(1);
        bad.what += " message changed";
        out.push_back(bad);
        out.push_back(with_s_plus_order(out[i], 1 + static_cast<unsigned>(i % 7)));
    }
    for (const char* s :
         {"7237005577332262213973186563042994240857116359379907606001950938285454250988",
          "7237005577332262213973186563042994240857116359379907606001950938285454250989",
          "7237005577332262213973186563042994240857116359379907606001950938285454250990", "0",
          "1"}) {
        SignatureCase edge = make.with_torsion(0, 0);
        edge.signature = join(Pubkey::from(edge.signature.view().first(32)).bytes,
                              Big::decimal(s).to_32_bytes());
        edge.what = std::string("S = ") + s;
        out.push_back(edge);
        // S = k a - r exact at the boundary: R = sB - kA cannot be made, but A = R = identity can.
        edge.key = Pubkey::from(small.front());
        edge.signature = join(slow_encode(slow_multiply(Big::decimal(s), slow_base())),
                              Big::decimal(s).to_32_bytes());
        edge.what += " on the identity key";
        out.push_back(edge);
    }
    for (int i = 0; i < 24; ++i) { // half of all encodings are no points
        SignatureCase off = make.with_torsion(0, 0);
        (i % 2 == 0 ? off.key.bytes[static_cast<std::size_t>(i)]
                    : off.signature.bytes[static_cast<std::size_t>(i)]) ^= 4;
        off.what = "point changed";
        out.push_back(off);
    }
    for (SignatureCase& item : out) {
        item.expected = slow_verify(item.key.view(), item.message, item.signature.view());
    }
    return out;
}

} // namespace belfry::crypto::testing
