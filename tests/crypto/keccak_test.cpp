// SPDX-License-Identifier: Apache-2.0
#include "crypto/keccak.hpp"
#include "tests/crypto/random_bytes.hpp"
#include "tests/crypto/slow_keccak.hpp"

#include <gtest/gtest.h>

#include <string>

namespace belfry::crypto {
namespace {

ByteView bytes_of(const std::string& text)
{
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

struct KeccakVector {
    std::string message;
    std::string_view digest;
};

// Source: Keccak team, KeccakKAT 3.0 (ShortMsgKAT_256, LongMsgKAT_256); Ethereum's Solidity
// documentation for the function signatures.
TEST(Keccak, agrees_with_published_vectors)
{
    const KeccakVector vectors[] = {
        {"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
        {"\xCC", "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a"},
        {"A\xFB", "a8eaceda4d47b3281a795ad9e1ea2122b407baf9aabcb9e18b5717b7873537d2"},
        {"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"},
        {"testing", "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02"},
        {"transfer(address,uint256)",
         "a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b"},
        {"The quick brown fox jumps over the lazy dog",
         "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15"},
    };
    for (const KeccakVector& vector : vectors) {
        EXPECT_EQ(to_hex(keccak256(bytes_of(vector.message)).view()), vector.digest)
            << vector.message;
    }
}

TEST(Keccak, equals_the_definition_for_every_length_to_1300)
{
    const Bytes message = random_bytes(1300, 1);
    for (std::size_t length = 0; length <= message.size(); ++length) {
        const ByteView view = ByteView(message).first(length);
        ASSERT_EQ(keccak256(view), SlowKeccak::hash(view)) << length;
    }
}

TEST(Keccak, many_equals_one_for_every_count_to_40_and_mixed_lengths)
{
    std::mt19937_64 random(2);
    const Bytes pool = random_bytes(1301, 3);
    for (std::size_t count = 0; count <= 40; ++count) {
        std::vector<ByteView> messages;
        for (std::size_t i = 0; i < count; ++i) {
            messages.push_back(ByteView(pool).subspan(random() % 2, random() % 1300));
        }
        std::vector<Hash> digests(count);
        keccak256_many(messages, digests);
        for (std::size_t i = 0; i < count; ++i) {
            ASSERT_EQ(digests[i], SlowKeccak::hash(messages[i])) << count << " index " << i;
        }
    }
}

} // namespace
} // namespace belfry::crypto
