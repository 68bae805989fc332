// SPDX-License-Identifier: Apache-2.0
// The oracle builds the tree by recursion over OpenSSL's SHA-256.
#include "crypto/merkle.hpp"
#include "tests/crypto/random_bytes.hpp"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <string>

namespace belfry::crypto {
namespace {

Hash tagged(char kind, const std::string& name, const Bytes& body)
{
    Bytes all{static_cast<std::uint8_t>(kind)};
    all.insert(all.end(), name.begin(), name.end());
    all.insert(all.end(), body.begin(), body.end());
    Hash out;
    SHA256(all.data(), all.size(), out.bytes.data());
    return out;
}

Hash model_root(std::vector<Hash> level)
{
    while (level.size() > 1) {
        if (level.size() % 2 != 0) {
            level.push_back(level.back());
        }
        std::vector<Hash> above;
        for (std::size_t i = 0; i < level.size(); i += 2) {
            Bytes body(level[i].bytes.begin(), level[i].bytes.begin() + 20);
            body.insert(body.end(), level[i + 1].bytes.begin(), level[i + 1].bytes.begin() + 20);
            above.push_back(tagged('\1', "BELFRY_MERKLE_NODE", body));
        }
        level = above;
    }
    return level.front();
}

struct Rows {
    std::vector<Bytes> bytes;
    std::vector<ByteView> views;
};

Rows make_rows(std::size_t count, std::size_t row_bytes, bool mixed_lengths = false)
{
    Rows rows;
    for (std::size_t i = 0; i < count; ++i) {
        rows.bytes.push_back(random_bytes(mixed_lengths ? i * 11 % 200 : row_bytes, i));
    }
    rows.views.assign(rows.bytes.begin(), rows.bytes.end());
    return rows;
}

TEST(Merkle, root_equals_the_model_for_every_leaf_count)
{
    for (std::size_t count = 1; count <= merkle_leaves_max; ++count) {
        const Rows rows = make_rows(count, 100, count % 3 == 0);
        std::vector<Hash> leaves;
        for (const Bytes& row : rows.bytes) {
            leaves.push_back(tagged('\0', "BELFRY_MERKLE_LEAF", row));
        }
        ASSERT_EQ(MerkleTree(rows.views).root(), model_root(leaves)) << count;
    }
}

TEST(Merkle, root_equals_the_model_for_leaves_of_every_length_to_300)
{
    for (std::size_t length = 0; length <= 300; ++length) {
        const Rows rows = make_rows(33, length);
        std::vector<Hash> leaves;
        for (const Bytes& row : rows.bytes) {
            leaves.push_back(tagged('\0', "BELFRY_MERKLE_LEAF", row));
        }
        ASSERT_EQ(MerkleTree(rows.views).root(), model_root(leaves)) << length;
    }
}

TEST(Merkle, every_leaf_is_proven_at_its_place_and_nowhere_else)
{
    for (const std::size_t count : {1UL, 2UL, 3UL, 5UL, 8UL, 33UL, 64UL, 255UL, 256UL}) {
        const Rows rows = make_rows(count, 40);
        const MerkleTree tree(rows.views);
        Bytes proof(merkle_proof_nodes(count) * merkle_node_bytes);
        for (std::size_t i = 0; i < count; ++i) {
            tree.proof(i, proof);
            ASSERT_EQ(merkle_root_from_proof(rows.views[i], i, count, proof), tree.root());
            const std::size_t elsewhere = (i + 1) % count;
            if (elsewhere != i) {
                ASSERT_NE(merkle_root_from_proof(rows.views[i], elsewhere, count, proof),
                          tree.root())
                    << count << " leaves, leaf " << i;
            }
        }
    }
}

TEST(Merkle, a_changed_row_or_proof_gives_another_root)
{
    const Rows rows = make_rows(64, 1024);
    const MerkleTree tree(rows.views);
    Bytes proof(120);
    tree.proof(17, proof);
    for (std::size_t i = 0; i < proof.size(); ++i) {
        Bytes changed = proof;
        changed[i] ^= 4;
        ASSERT_NE(merkle_root_from_proof(rows.views[17], 17, 64, changed), tree.root());
    }
    Bytes row = rows.bytes[17];
    row[500] ^= 1;
    EXPECT_NE(merkle_root_from_proof(row, 17, 64, proof), tree.root());
}

TEST(Merkle, refuses_positions_and_proof_lengths_that_do_not_fit)
{
    const Bytes row(10);
    const Bytes proof(140);
    const ByteView view = proof;
    EXPECT_TRUE(merkle_root_from_proof(row, 63, 64, view.first(120)));
    EXPECT_FALSE(merkle_root_from_proof(row, 64, 64, view.first(120)));
    EXPECT_FALSE(merkle_root_from_proof(row, 0, 0, {}));
    EXPECT_FALSE(merkle_root_from_proof(row, 0, 257, view));
    EXPECT_FALSE(merkle_root_from_proof(row, 0, 64, view.first(100)));
    EXPECT_FALSE(merkle_root_from_proof(row, 0, 64, view.first(119)));
    EXPECT_FALSE(merkle_root_from_proof(row, 0, 64, view));
    EXPECT_FALSE(merkle_root_from_proof(row, 0, 1, view.first(20)));
    EXPECT_TRUE(merkle_root_from_proof(row, 0, 1, {}));
}

} // namespace
} // namespace belfry::crypto
