// SPDX-License-Identifier: Apache-2.0
// The oracle expands elements with OpenSSL's ChaCha20 and sums lane by lane.
#include "crypto/lthash.hpp"
#include "tests/crypto/random_bytes.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sodium.h>

namespace belfry::crypto {
namespace {

Bytes model_of(ByteView element)
{
    std::array<std::uint8_t, 32> key{};
    crypto_generichash(key.data(), key.size(), element.data(), element.size(), nullptr, 0);
    const std::array<std::uint8_t, 16> counter_and_nonce{};
    const Bytes zeros(LtHash::size_bytes);
    Bytes out(LtHash::size_bytes);
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    int written = 0;
    EVP_EncryptInit_ex(context, EVP_chacha20(), nullptr, key.data(), counter_and_nonce.data());
    EVP_EncryptUpdate(context, out.data(), &written, zeros.data(), static_cast<int>(zeros.size()));
    EVP_CIPHER_CTX_free(context);
    EXPECT_EQ(written, 2048);
    return out;
}

void model_add(Bytes& sum, const Bytes& element)
{
    for (std::size_t i = 0; i < sum.size(); i += 2) {
        const int lane = (sum[i] | sum[i + 1] << 8) + (element[i] | element[i + 1] << 8);
        sum[i] = static_cast<std::uint8_t>(lane);
        sum[i + 1] = static_cast<std::uint8_t>(lane >> 8);
    }
}

TEST(LtHash, equals_a_sum_of_key_streams_made_by_openssl)
{
    LtHash hash;
    Bytes model(LtHash::size_bytes);
    for (std::size_t i = 0; i < 50; ++i) {
        const Bytes element = random_bytes(i * 7, i);
        hash.add(element);
        model_add(model, model_of(element));
        ASSERT_TRUE(std::ranges::equal(hash.view(), model)) << i;
    }
    Hash digest;
    SHA256(model.data(), model.size(), digest.bytes.data());
    EXPECT_EQ(hash.digest(), digest);
}

TEST(LtHash, does_not_depend_on_order_and_undoes_what_it_did)
{
    const Bytes a = random_bytes(40, 1);
    const Bytes b = random_bytes(41, 2);
    LtHash forward;
    forward.add(a);
    forward.add(b);
    LtHash backward;
    backward.add(b);
    backward.add(a);
    EXPECT_EQ(forward, backward);
    forward.remove(a);
    LtHash only_b;
    only_b.add(b);
    EXPECT_EQ(forward, only_b);
    EXPECT_NE(forward, backward);
    LtHash joined;
    joined.add(only_b);
    joined.add(a);
    EXPECT_EQ(joined, backward);
    joined.remove(only_b);
    joined.remove(a);
    EXPECT_EQ(joined, LtHash{});
    EXPECT_EQ(LtHash::from(backward.view()), backward);
}

} // namespace
} // namespace belfry::crypto
