// SPDX-License-Identifier: Apache-2.0
#include "crypto/base58.hpp"
#include "tests/crypto/random_bytes.hpp"

#include <gtest/gtest.h>

namespace belfry::crypto {
namespace {

struct Base58Vector {
    std::string_view hex;
    std::string_view text;
};

// Source: Bitcoin Core, src/test/data/base58_encode_decode.json, and Solana's system program.
constexpr Base58Vector published[] = {
    {"", ""},
    {"61", "2g"},
    {"626262", "a3gV"},
    {"636363", "aPEr"},
    {"73696d706c792061206c6f6e6720737472696e67", "2cFupjhnEsSn59qHXstmK2ffpLv2"},
    {"00eb15231dfceb60925886b67d065299925915aeb172c06647", "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"},
    {"516b6fcd0f", "ABnLTmg"},
    {"bf4f89001e670274dd", "3SEo3LWLoPntC"},
    {"572e4794", "3EFU7m"},
    {"ecac89cad93923c02321", "EJDM8drfXA6uyA"},
    {"10c8511e", "Rt5zm"},
    {"00000000000000000000", "1111111111"},
    {"0000000000000000000000000000000000000000000000000000000000000000",
     "11111111111111111111111111111111"},
};

TEST(Base58, agrees_with_the_published_vectors_both_ways)
{
    for (const Base58Vector& vector : published) {
        const std::optional<Bytes> bytes = from_hex(vector.hex);
        ASSERT_TRUE(bytes);
        EXPECT_EQ(to_base58(*bytes), vector.text);
        EXPECT_EQ(from_base58(vector.text, bytes->size()), bytes) << vector.text;
    }
}

TEST(Base58, gives_back_what_went_in_for_every_length_to_100)
{
    for (std::size_t length = 0; length <= 100; ++length) {
        for (const std::size_t zeros : {std::size_t{0}, length / 3, length}) {
            Bytes bytes = random_bytes(length, length);
            std::fill_n(bytes.begin(), zeros, std::uint8_t{0});
            EXPECT_EQ(from_base58(to_base58(bytes), length), bytes);
        }
    }
}

TEST(Base58, refuses_foreign_characters_and_what_is_too_long)
{
    for (const char foreign : {'0', 'O', 'I', 'l', ' ', '+', '\0', '\xE4'}) {
        EXPECT_EQ(from_base58(std::string("2g") + foreign, 32), std::nullopt);
    }
    EXPECT_EQ(from_base58("a3gV", 2), std::nullopt);
    EXPECT_TRUE(from_base58("a3gV", 3));
    EXPECT_EQ(from_base58(std::string(1'000'000, '2'), 64), std::nullopt);
    EXPECT_EQ(from_base58(std::string(33, '1'), 32), std::nullopt);
    EXPECT_EQ(fixed_from_base58<Pubkey>(std::string(31, '1')), std::nullopt);
    EXPECT_EQ(fixed_from_base58<Pubkey>(std::string(32, '1')), Pubkey{});
}

} // namespace
} // namespace belfry::crypto
