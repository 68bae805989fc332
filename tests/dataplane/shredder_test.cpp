// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519.hpp"
#include "dataplane/shred/shredder.hpp"
#include "tests/dataplane/shred_samples.hpp"

#include <gtest/gtest.h>

namespace belfry::dataplane {
namespace {

using samples::Random;

TEST(Shredder, gives_the_same_sets_however_the_stream_comes_in)
{
    Random random(11);
    const crypto::Keypair leader = samples::keypair(1);
    for (int round = 0; round < 20; ++round) {
        const Bytes stream = samples::random_bytes(random, 1 + random() % 200'000);
        const auto whole = samples::make_block(leader, Slot{3}, samples::genesis_block(), stream);
        Shredder shredder(
            {.genesis = samples::genesis(), .slot = Slot{3}, .parent = samples::genesis_block()},
            leader);
        std::vector<SetOut> sets;
        for (std::size_t done = 0; done < stream.size();) {
            const std::size_t piece =
                std::min<std::size_t>(stream.size() - done, random() % 50'000);
            for (SetOut& set : shredder.push(ByteView{stream}.subspan(done, piece))) {
                sets.push_back(std::move(set));
            }
            done += piece;
        }
        sets.push_back(shredder.finish());
        ASSERT_EQ(sets.size(), whole.sets.size());
        for (std::size_t i = 0; i < sets.size(); ++i) {
            EXPECT_EQ(sets[i].set, whole.sets[i].set);
            EXPECT_EQ(sets[i].datagrams.bytes, whole.sets[i].datagrams.bytes);
        }
    }
}

TEST(Shredder, chains_sets_from_the_parent_to_the_block_id_and_signs_each_root)
{
    Random random(12);
    const crypto::Keypair leader = samples::keypair(2);
    const ledger::BlockRef parent{Slot{4}, samples::random_hash(random)};
    // Exactly two full sets: the second is the last, no empty third one follows.
    const auto block = samples::make_block(leader, Slot{8}, parent,
                                           samples::random_bytes(random, 2 * set_stream_bytes_max));
    ASSERT_EQ(block.sets.size(), 2U);
    Hash before = parent.id;
    for (std::size_t i = 0; i < block.sets.size(); ++i) {
        const ledger::ShredSet& set = block.sets[i].set;
        EXPECT_TRUE(ledger::shred_set_shape_is_valid(set));
        EXPECT_EQ(set.index, i);
        EXPECT_EQ(set.chained_root, before);
        EXPECT_EQ(set.last, i + 1 == block.sets.size());
        const auto statement = set_statement(samples::genesis(), set.root);
        EXPECT_TRUE(crypto::ed25519_verify(
            {.message = statement, .key = &leader.pubkey(), .signature = &set.signature}));
        before = set.root;
    }
    EXPECT_EQ(block.ref.id, before);
}

TEST(Shredder, takes_the_smallest_k_and_at_least_four_parity_shreds_for_every_size)
{
    const crypto::Keypair leader = samples::keypair(1);
    Random random(13);
    const Bytes stream = samples::random_bytes(random, set_stream_bytes_max);
    // All sizes around each row boundary, and a stride that meets every k.
    for (std::size_t size = 1; size <= set_stream_bytes_max; ++size) {
        const std::size_t in_row = size % row_bytes;
        if (in_row > 2 && in_row < row_bytes - 1 && size % 509 != 0) {
            continue;
        }
        const auto block = samples::make_block(
            leader, Slot{2}, samples::genesis_block(),
            Bytes(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size)));
        ASSERT_EQ(block.sets.size(), 1U);
        const ledger::ShredSet& set = block.sets[0].set;
        EXPECT_GE(std::size_t{set.data_count} * row_bytes, size);
        EXPECT_LT((std::size_t{set.data_count} - 1) * row_bytes, size);
        EXPECT_EQ(set.parity_count, set.data_count < 4 ? 4 : set.data_count);
        EXPECT_EQ(block.sets[0].datagrams.count(), set.data_count + std::size_t{set.parity_count});
        EXPECT_LE(block.sets[0].datagrams.shred_bytes, 1272U);
    }
}

TEST(Shredder, makes_the_same_datagrams_again_from_a_stored_set)
{
    Random random(14);
    const crypto::Keypair leader = samples::keypair(5);
    for (int round = 0; round < 40; ++round) {
        const auto block = samples::make_block(
            leader, Slot{1 + random() % 1000}, {Slot{0}, samples::random_hash(random)},
            samples::random_bytes(random, 1 + random() % 70'000));
        for (const SetOut& set : block.sets) {
            const Bytes record = ledger::encode_shred_set(set.set);
            const auto stored = ledger::decode_shred_set(record);
            ASSERT_TRUE(stored.has_value());
            EXPECT_EQ(shreds_of(*stored, samples::genesis()).bytes, set.datagrams.bytes);
        }
    }
}

TEST(Shredder, says_how_much_a_block_may_still_take)
{
    const crypto::Keypair leader = samples::keypair(1);
    Shredder shredder(
        {.genesis = samples::genesis(), .slot = Slot{1}, .parent = samples::genesis_block()},
        leader);
    const std::size_t most = std::size_t{block_sets_max} * set_stream_bytes_max;
    EXPECT_EQ(shredder.stream_bytes_left(), most);
    EXPECT_EQ(shredder.push(Bytes(100'000, 1)).size(), 3U);
    EXPECT_EQ(shredder.stream_bytes_left(), most - 100'000);
}

} // namespace
} // namespace belfry::dataplane
