// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.hpp"

#include <gtest/gtest.h>

namespace belfry {
namespace {

TEST(Bytes, hex_round_trips_every_byte)
{
    Bytes all(256);
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = static_cast<std::uint8_t>(i);
    }
    EXPECT_EQ(from_hex(to_hex(all)), all);
    EXPECT_EQ(from_hex("0aFf"), (Bytes{0x0a, 0xff}));
    EXPECT_EQ(from_hex("0"), std::nullopt);
    EXPECT_EQ(from_hex("0g"), std::nullopt);
    EXPECT_EQ(from_hex("\x01@"), std::nullopt);
}

TEST(Bytes, a_reader_gives_back_what_a_writer_wrote)
{
    Bytes out;
    ByteWriter writer(out);
    writer.u8(1);
    writer.u16(0x0203);
    writer.u32(0x04050607);
    writer.u64(0x08090a0b0c0d0e0f);
    writer.bytes(Bytes{9, 9});
    EXPECT_EQ(to_hex(out), "0103020706050"
                           "40f0e0d0c0b0a09080909");
    ByteReader reader(out);
    EXPECT_EQ(reader.u8(), 1);
    EXPECT_EQ(reader.u16(), 0x0203);
    EXPECT_EQ(reader.u32(), 0x04050607u);
    EXPECT_EQ(reader.u64(), 0x08090a0b0c0d0e0fu);
    EXPECT_FALSE(reader.finished());
    EXPECT_EQ(reader.bytes(2).size(), 2u);
    EXPECT_TRUE(reader.finished());
}

TEST(Bytes, a_reader_past_the_end_gives_zeros_and_is_not_ok_for_ever)
{
    const Bytes three{1, 2, 3};
    ByteReader reader(three);
    EXPECT_EQ(reader.u32(), 0u);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.u8(), 0);
    EXPECT_EQ(reader.left(), 0u);
    EXPECT_EQ(reader.fixed<Hash>(), Hash{});
    EXPECT_FALSE(reader.finished());
}

} // namespace
} // namespace belfry
