// SPDX-License-Identifier: Apache-2.0
// The oracle is OpenSSL, which shares no code with this room.
#include "crypto/sha256.hpp"
#include "crypto/sha512.hpp"
#include "tests/crypto/random_bytes.hpp"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <random>

namespace belfry::crypto {
namespace {

constexpr std::size_t message_bytes_max = 1300;

Hash openssl256(ByteView message)
{
    Hash out;
    SHA256(message.data(), message.size(), out.bytes.data());
    return out;
}

Digest512 openssl512(ByteView message)
{
    Digest512 out;
    SHA512(message.data(), message.size(), out.bytes.data());
    return out;
}

TEST(Sha2, equals_openssl_for_every_length_to_1300)
{
    const Bytes message = random_bytes(message_bytes_max, 1);
    for (std::size_t length = 0; length <= message_bytes_max; ++length) {
        const ByteView view = ByteView(message).first(length);
        ASSERT_EQ(sha256(view), openssl256(view)) << length;
        ASSERT_EQ(sha512(view), openssl512(view)) << length;
    }
}

TEST(Sha2, gives_the_same_digest_however_the_message_is_split)
{
    constexpr std::uint64_t seed = 2;
    std::mt19937_64 random(seed);
    for (std::size_t round = 0; round < 400; ++round) {
        const Bytes message = random_bytes(random() % message_bytes_max, random());
        Sha256 small;
        Sha512 large;
        for (ByteView left = message; !left.empty();) {
            const std::size_t taken = random() % (left.size() + 1);
            small.update(left.first(taken));
            large.update(left.first(taken));
            left = left.subspan(taken);
        }
        ASSERT_EQ(small.finish(), openssl256(message)) << "seed " << seed << " round " << round;
        ASSERT_EQ(large.finish(), openssl512(message)) << "seed " << seed << " round " << round;
    }
}

TEST(Sha2, the_digest_of_parts_is_that_of_their_concatenation)
{
    const Bytes message = random_bytes(200, 3);
    const ByteView view = message;
    EXPECT_EQ(sha256({view.first(7), view.subspan(7, 0), view.subspan(7, 90), view.subspan(97)}),
              openssl256(message));
    EXPECT_EQ(sha256(std::initializer_list<ByteView>{}), openssl256({}));
}

TEST(Sha2, many_equals_one_for_every_count_to_70_and_mixed_lengths)
{
    std::mt19937_64 random(4);
    const Bytes pool = random_bytes(message_bytes_max + 1, 5);
    for (std::size_t count = 0; count <= 70; ++count) {
        std::vector<ByteView> messages;
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t length =
                random() % 4 == 0 ? random() % 8 : random() % message_bytes_max;
            messages.push_back(ByteView(pool).subspan(random() % 2, length));
        }
        std::vector<Hash> small(count);
        std::vector<Digest512> large(count);
        sha256_many(messages, small);
        sha512_many(messages, large);
        for (std::size_t i = 0; i < count; ++i) {
            ASSERT_EQ(small[i], openssl256(messages[i])) << count << " messages, index " << i;
            ASSERT_EQ(large[i], openssl512(messages[i])) << count << " messages, index " << i;
        }
    }
}

} // namespace
} // namespace belfry::crypto
