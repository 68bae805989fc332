// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/crc32c.hpp"
#include "tests/ledger/seeded.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string_view>

namespace belfry::ledger {
namespace {

/// Bit by bit, as the polynomial says.
std::uint32_t slow_crc32c(ByteView bytes)
{
    std::uint32_t crc = 0xffffffff;
    for (const std::uint8_t byte : bytes) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78U : crc >> 1;
        }
    }
    return ~crc;
}

TEST(Crc32c, gives_the_published_check_value)
{
    const std::string_view digits = "123456789";
    EXPECT_EQ(crc32c(Bytes(digits.begin(), digits.end())), 0xe3069283U);
    // RFC 3720, B.4: 32 bytes of zeros, and of ones.
    EXPECT_EQ(crc32c(Bytes(32, 0)), 0x8a9136aaU);
    EXPECT_EQ(crc32c(Bytes(32, 0xff)), 0x62a8ab43U);
}

TEST(Crc32c, agrees_with_the_slow_model_whole_and_in_pieces)
{
    std::mt19937 random = seeded(1);
    for (std::size_t length = 0; length < 200; ++length) {
        Bytes bytes(length);
        for (std::uint8_t& byte : bytes) {
            byte = static_cast<std::uint8_t>(random());
        }
        ASSERT_EQ(crc32c(bytes), slow_crc32c(bytes));
        const std::size_t cut = length == 0 ? 0 : random() % length;
        ASSERT_EQ(crc32c(ByteView(bytes).subspan(cut), crc32c(ByteView(bytes).first(cut))),
                  slow_crc32c(bytes));
    }
}

} // namespace
} // namespace belfry::ledger
