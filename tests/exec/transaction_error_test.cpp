// SPDX-License-Identifier: Apache-2.0
#include "exec/transaction_error.hpp"

#include <gtest/gtest.h>

namespace belfry::exec {
namespace {

TEST(TransactionError, every_value_survives_encoding_and_no_other_decodes)
{
    for (int kind = 0; kind < 256; ++kind) {
        for (int instruction = 0; instruction < 256; ++instruction) {
            Bytes bytes{static_cast<std::uint8_t>(kind),
                        7,
                        static_cast<std::uint8_t>(instruction),
                        0xef,
                        0xbe,
                        0xad,
                        0xde};
            ByteReader in(bytes);
            const auto decoded = decode_transaction_error(in);
            const bool known =
                kind < transaction_error_kind_count && instruction < instruction_error_kind_count;
            ASSERT_EQ(decoded.has_value(), known);
            if (decoded) {
                EXPECT_EQ(decoded->index, 7);
                EXPECT_EQ(decoded->custom_code, 0xdeadbeef);
                Bytes again;
                ByteWriter out(again);
                encode(*decoded, out);
                EXPECT_EQ(again, bytes);
                EXPECT_FALSE(name_of(decoded->kind).empty());
                EXPECT_FALSE(name_of(decoded->instruction).empty());
            }
        }
    }
}

TEST(TransactionError, a_short_encoding_is_refused)
{
    const Bytes bytes(TransactionError::encoded_bytes - 1, 0);
    ByteReader in(bytes);
    EXPECT_FALSE(decode_transaction_error(in));
}

} // namespace
} // namespace belfry::exec
