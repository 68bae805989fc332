// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/short_vec.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace belfry::ledger {
namespace {

/// The slow model: a table of the one encoding of every value, made by division.
std::map<Bytes, std::uint16_t> all_encodings()
{
    std::map<Bytes, std::uint16_t> table;
    for (std::uint32_t value = 0; value <= 0xffff; ++value) {
        Bytes digits;
        std::uint32_t rest = value;
        do {
            digits.push_back(static_cast<std::uint8_t>(rest % 128));
            rest /= 128;
        } while (rest != 0);
        for (std::size_t i = 0; i + 1 < digits.size(); ++i) {
            digits[i] = static_cast<std::uint8_t>(digits[i] + 128);
        }
        table.emplace(digits, static_cast<std::uint16_t>(value));
    }
    return table;
}

TEST(ShortVec, writes_and_reads_the_one_encoding_of_every_value)
{
    for (const auto& [encoding, value] : all_encodings()) {
        Bytes written;
        write_short_vec(written, value);
        ASSERT_EQ(written, encoding);
        const ShortVec read = read_short_vec(encoding).value_or(ShortVec{});
        ASSERT_EQ(read.value, value);
        ASSERT_EQ(read.encoded_bytes, encoding.size());
    }
}

TEST(ShortVec, every_string_of_one_to_three_bytes_is_read_as_the_model_reads_it)
{
    // by the encoding's bytes as one little-endian number: 3 bytes at most, and no encoding ends in
    // a zero byte but that of 0, so that two encodings are two numbers
    std::vector<std::int32_t> table(1U << 24, -1);
    for (const auto& [encoding, value] : all_encodings()) {
        std::uint32_t number = 0;
        for (std::size_t k = 0; k < encoding.size(); ++k) {
            number |= std::uint32_t{encoding[k]} << (8 * k);
        }
        table[number] = value;
    }
    std::size_t accepted = 0;
    std::array<std::uint8_t, 3> text{};
    for (std::size_t length = 1; length <= 3; ++length) {
        for (std::uint32_t i = 0; i < 1U << (8 * length); ++i) {
            // The first byte without the top bit ends the count.
            std::size_t end = 0;
            for (std::size_t k = 0; k < length; ++k) {
                text[k] = static_cast<std::uint8_t>(i >> (8 * k));
                end += end == k && text[k] >= 128 ? 1U : 0U;
            }
            const std::int32_t known = end == length ? -1 : table[i & ((1U << (8 * end + 8)) - 1)];
            const std::optional<ShortVec> read = read_short_vec(std::span(text.data(), length));
            // 16 million times: no assertion that costs more than what it asks
            if (read.has_value() != (known >= 0) ||
                (read && (read->value != known || read->encoded_bytes != end + 1))) {
                FAIL() << to_hex(std::span(text.data(), length)) << " read as "
                       << (read ? read->value : -1) << ", the model says " << known;
            }
            accepted += read ? 1U : 0U;
        }
    }
    EXPECT_GT(accepted, 65536U);
}

TEST(ShortVec, an_empty_string_and_a_fourth_byte_are_refused)
{
    EXPECT_FALSE(read_short_vec({}).has_value());
    EXPECT_FALSE(read_short_vec(Bytes{0x80, 0x80, 0x80, 0x01}).has_value());
}

} // namespace
} // namespace belfry::ledger
