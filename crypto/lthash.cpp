// SPDX-License-Identifier: Apache-2.0
#include "crypto/lthash.hpp"

#include "base/check.hpp"
#include "crypto/sha256.hpp"

#include <sodium.h>

#include <bit>
#include <cstring>

namespace belfry::crypto {
namespace {

static_assert(std::endian::native == std::endian::little); // lanes are stored as they lie

LtHash expand(ByteView element)
{
    static_assert(crypto_stream_chacha20_ietf_KEYBYTES == 32);
    std::array<std::uint8_t, crypto_stream_chacha20_ietf_KEYBYTES> key;
    constexpr std::array<std::uint8_t, crypto_stream_chacha20_ietf_NONCEBYTES> nonce{};
    std::array<std::uint8_t, LtHash::size_bytes> stream;
    BELFRY_CHECK(crypto_generichash(key.data(), key.size(), element.data(), element.size(), nullptr,
                                    0) == 0);
    BELFRY_CHECK(
        crypto_stream_chacha20_ietf(stream.data(), stream.size(), nonce.data(), key.data()) == 0);
    return LtHash::from(stream);
}

} // namespace

LtHash LtHash::from(ByteView stored)
{
    BELFRY_CHECK(stored.size() == size_bytes);
    LtHash out;
    std::memcpy(out.lanes_.data(), stored.data(), size_bytes);
    return out;
}

void LtHash::add(const LtHash& other)
{
    for (std::size_t i = 0; i < lane_count; ++i) {
        lanes_[i] = static_cast<std::uint16_t>(lanes_[i] + other.lanes_[i]);
    }
}

void LtHash::remove(const LtHash& other)
{
    for (std::size_t i = 0; i < lane_count; ++i) {
        lanes_[i] = static_cast<std::uint16_t>(lanes_[i] - other.lanes_[i]);
    }
}

void LtHash::add(ByteView element)
{
    add(expand(element));
}

void LtHash::remove(ByteView element)
{
    remove(expand(element));
}

ByteView LtHash::view() const
{
    return {reinterpret_cast<const std::uint8_t*>(lanes_.data()), size_bytes};
}

Hash LtHash::digest() const
{
    return sha256(view());
}

} // namespace belfry::crypto
