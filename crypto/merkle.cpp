// SPDX-License-Identifier: Apache-2.0
#include "crypto/merkle.hpp"

#include "base/check.hpp"
#include "crypto/sha256_choice.hpp"

#include <algorithm>
#include <string_view>

namespace belfry::crypto {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view leaf_prefix = "\0BELFRY_MERKLE_LEAF"sv;
constexpr std::string_view node_prefix = "\1BELFRY_MERKLE_NODE"sv;
static_assert(leaf_prefix.size() == 19 && node_prefix.size() == 19);

ByteView bytes_of(std::string_view text)
{
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Hash leaf_hash(ByteView row)
{
    return sha256({bytes_of(leaf_prefix), row});
}

Hash node_hash(ByteView left, ByteView right)
{
    return sha256({bytes_of(node_prefix), left, right});
}

ByteView cut(const Hash& hash)
{
    return hash.view().first(merkle_node_bytes);
}

} // namespace

std::size_t merkle_proof_nodes(std::size_t leaf_count)
{
    BELFRY_CHECK(leaf_count >= 1 && leaf_count <= merkle_leaves_max);
    std::size_t count = 0;
    for (; leaf_count > 1; leaf_count = (leaf_count + 1) / 2) {
        ++count;
    }
    return count;
}

MerkleTree::MerkleTree(std::span<const ByteView> rows)
    : leaf_count_(rows.size())
{
    BELFRY_CHECK(!rows.empty() && rows.size() <= merkle_leaves_max);
    std::size_t node_count = 1;
    for (std::size_t count = leaf_count_; count > 1; count = (count + 1) / 2) {
        node_count += count;
    }
    nodes_.resize(node_count);
    std::span<Hash> level = std::span(nodes_).first(leaf_count_);
    sha256_many(bytes_of(leaf_prefix), rows, level);
    std::array<std::uint8_t, merkle_leaves_max * merkle_node_bytes> pairs;
    std::array<ByteView, merkle_leaves_max / 2> pair;
    while (level.size() > 1) {
        const std::size_t above_count = (level.size() + 1) / 2;
        for (std::size_t i = 0; i < above_count; ++i) {
            const std::span<std::uint8_t> both =
                std::span(pairs).subspan(2 * merkle_node_bytes * i, 2 * merkle_node_bytes);
            const std::size_t right = std::min(2 * i + 1, level.size() - 1);
            std::ranges::copy(cut(level[2 * i]), both.begin());
            std::ranges::copy(cut(level[right]), both.begin() + merkle_node_bytes);
            pair[i] = both;
        }
        const std::span<Hash> above(level.data() + level.size(), above_count);
        sha256_many(bytes_of(node_prefix), std::span(pair).first(above_count), above);
        level = above;
    }
}

void MerkleTree::proof(std::size_t leaf_index, std::span<std::uint8_t> out) const
{
    BELFRY_CHECK(leaf_index < leaf_count_);
    BELFRY_CHECK(out.size() == merkle_proof_nodes(leaf_count_) * merkle_node_bytes);
    std::size_t level = 0;
    std::size_t index = leaf_index;
    for (std::size_t count = leaf_count_; count > 1; count = (count + 1) / 2) {
        const std::size_t sibling = std::min(index ^ 1, count - 1);
        std::ranges::copy(cut(nodes_[level + sibling]), out.begin());
        out = out.subspan(merkle_node_bytes);
        level += count;
        index /= 2;
    }
}

std::optional<Hash> merkle_root_from_proof(ByteView row, std::size_t leaf_index,
                                           std::size_t leaf_count, ByteView proof)
{
    if (leaf_count == 0 || leaf_count > merkle_leaves_max || leaf_index >= leaf_count ||
        proof.size() != merkle_proof_nodes(leaf_count) * merkle_node_bytes) {
        return std::nullopt;
    }
    Hash node = leaf_hash(row);
    std::size_t index = leaf_index;
    for (; !proof.empty(); proof = proof.subspan(merkle_node_bytes), index /= 2) {
        const ByteView sibling = proof.first(merkle_node_bytes);
        node = index % 2 == 0 ? node_hash(cut(node), sibling) : node_hash(sibling, cut(node));
    }
    return node;
}

} // namespace belfry::crypto
