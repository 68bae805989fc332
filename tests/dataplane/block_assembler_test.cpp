// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fec/block_assembler.hpp"
#include "tests/dataplane/shred_samples.hpp"

#include <gtest/gtest.h>

namespace belfry::dataplane {
namespace {

using samples::Random;
using samples::SampleBlock;

SampleBlock sample(Random& random, Slot slot, const ledger::BlockRef& parent,
                   std::size_t stream_bytes)
{
    static const crypto::Keypair leader = samples::keypair(1);
    return samples::make_block(leader, slot, parent, samples::random_bytes(random, stream_bytes));
}

std::vector<ledger::Block> add_all(BlockAssembler& assembler, const SampleBlock& block)
{
    std::vector<ledger::Block> out;
    for (const SetOut& set : block.sets) {
        for (ledger::Block& done : assembler.add(set.set)) {
            out.push_back(std::move(done));
        }
    }
    return out;
}

/// A block with the stream of `block` up to `shared_sets` full sets, and another end.
SampleBlock fork_of(Random& random, const SampleBlock& block, std::size_t shared_sets,
                    std::size_t stream_bytes)
{
    static const crypto::Keypair leader = samples::keypair(1);
    Bytes stream = samples::random_bytes(random, stream_bytes);
    std::copy_n(block.stream.begin(), shared_sets * set_stream_bytes_max, stream.begin());
    return samples::make_block(leader, block.ref.slot, block.parent, std::move(stream));
}

TEST(BlockAssembler, joins_a_block_from_its_sets_in_any_order_with_duplicates)
{
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        Random random(seed);
        const SampleBlock block = sample(random, Slot{7}, {Slot{5}, samples::random_hash(random)},
                                         1 + random() % 400'000);
        BlockAssembler assembler({});
        std::vector<ledger::Block> done;
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < 2 * block.sets.size(); ++i) {
            order.push_back(i % block.sets.size());
        }
        std::shuffle(order.begin(), order.end(), random);
        for (const std::size_t index : order) {
            for (ledger::Block& joined : assembler.add(block.sets[index].set)) {
                done.push_back(std::move(joined));
            }
        }
        ASSERT_EQ(done.size(), 1U) << "seed " << seed;
        EXPECT_EQ(done[0].ref, block.ref);
        EXPECT_EQ(done[0].parent, block.parent);
        EXPECT_EQ(done[0].stream, block.stream);
        // The ledger's own joining of sets is the oracle for the shape.
        std::vector<ledger::ShredSet> sets;
        for (const SetOut& set : block.sets) {
            sets.push_back(set.set);
        }
        const auto expected = ledger::assemble_block(sets);
        ASSERT_TRUE(expected.has_value());
        EXPECT_EQ(done[0].set_roots, expected->set_roots);
        EXPECT_EQ(done[0].ref, expected->ref);
        EXPECT_TRUE(assembler.missing(Slot{7}, 100).empty());
    }
}

TEST(BlockAssembler, keeps_versions_that_share_sets_apart)
{
    for (std::uint64_t seed = 100; seed < 130; ++seed) {
        Random random(seed);
        const SampleBlock one = sample(random, Slot{3}, samples::genesis_block(), 150'000);
        const SampleBlock two = fork_of(random, one, 2, 120'000);
        const SampleBlock three = fork_of(random, one, 4, 140'000);
        ASSERT_EQ(one.sets[1].set.root, two.sets[1].set.root);
        ASSERT_NE(one.sets[2].set.root, two.sets[2].set.root);
        std::vector<const SetOut*> sets;
        for (const SampleBlock* block : {&one, &two, &three}) {
            for (const SetOut& set : block->sets) {
                sets.push_back(&set);
            }
        }
        std::shuffle(sets.begin(), sets.end(), random);
        BlockAssembler assembler({});
        std::map<ledger::BlockRef, Bytes> done;
        for (const SetOut* set : sets) {
            for (ledger::Block& block : assembler.add(set->set)) {
                EXPECT_TRUE(done.emplace(block.ref, std::move(block.stream)).second);
            }
        }
        ASSERT_EQ(done.size(), 3U) << "seed " << seed;
        EXPECT_EQ(done[one.ref], one.stream);
        EXPECT_EQ(done[two.ref], two.stream);
        EXPECT_EQ(done[three.ref], three.stream);
    }
}

TEST(BlockAssembler, names_what_is_missing_by_root_and_the_tail_by_its_last_set)
{
    Random random(51);
    const SampleBlock block = sample(random, Slot{9}, samples::genesis_block(), 6 * 32'768);
    BlockAssembler assembler({});
    EXPECT_TRUE(assembler.add(block.sets[0].set).empty());
    EXPECT_TRUE(assembler.add(block.sets[3].set).empty());
    EXPECT_TRUE(assembler.missing(Slot{8}, 100).empty()) << "slots above are not asked for";
    const std::vector<Missing> missing = assembler.missing(Slot{9}, 100);
    ASSERT_EQ(missing.size(), 3U);
    EXPECT_EQ(missing[0].kind, Missing::Kind::successor);
    EXPECT_EQ(missing[0].key, (SetKey{Slot{9}, 0, block.sets[0].set.root}));
    EXPECT_EQ(missing[1].kind, Missing::Kind::set);
    EXPECT_EQ(missing[1].key, (SetKey{Slot{9}, 2, block.sets[2].set.root}));
    EXPECT_EQ(missing[2].kind, Missing::Kind::successor);
    EXPECT_EQ(missing[2].key, (SetKey{Slot{9}, 3, block.sets[3].set.root}));
    EXPECT_EQ(assembler.missing(Slot{9}, 1).size(), 1U);
    EXPECT_EQ(assembler.set_count(block.ref), std::nullopt);
    EXPECT_TRUE(assembler.add(block.sets[5].set).empty());
    EXPECT_EQ(assembler.set_count(block.ref), 6U);
}

TEST(BlockAssembler, fetches_a_named_block_backwards_and_does_not_mistake_another_version_for_it)
{
    Random random(52);
    const SampleBlock voted = sample(random, Slot{9}, samples::genesis_block(), 5 * 32'768);
    const SampleBlock other = fork_of(random, voted, 2, 5 * 32'768);
    BlockAssembler assembler({});
    EXPECT_TRUE(assembler.want(voted.ref));
    auto missing = assembler.missing(Slot{0}, 100);
    ASSERT_EQ(missing.size(), 1U);
    EXPECT_EQ(missing[0].kind, Missing::Kind::block);
    EXPECT_EQ(missing[0].key.root, voted.ref.id);
    // The whole other version comes, and completes; the named one stays wanted.
    ASSERT_EQ(add_all(assembler, other).size(), 1U);
    EXPECT_FALSE(assembler.is_known(voted.ref));
    for (std::size_t index = 5; index > 2; --index) {
        missing = assembler.missing(Slot{0}, 100);
        ASSERT_EQ(missing.size(), 1U);
        EXPECT_TRUE(missing[0].wanted);
        EXPECT_EQ(missing[0].key.root, voted.sets[index - 1].set.root) << index;
        const auto done = assembler.add(voted.sets[index - 1].set);
        EXPECT_EQ(done.size(), index == 3 ? 1U : 0U) << "the chain reaches the shared sets";
    }
    EXPECT_TRUE(assembler.is_known(voted.ref));
    EXPECT_TRUE(assembler.wanted().empty());
}

TEST(BlockAssembler, names_parents_that_nobody_has_seen)
{
    Random random(53);
    const SampleBlock parent = sample(random, Slot{4}, samples::genesis_block(), 100);
    const SampleBlock child = sample(random, Slot{6}, parent.ref, 40'000);
    BlockAssembler assembler({});
    assembler.set_finalized(samples::genesis_block());
    EXPECT_TRUE(assembler.add(child.sets[0].set).empty());
    EXPECT_EQ(assembler.unknown_parents(), std::vector{parent.ref});
    EXPECT_TRUE(assembler.want(parent.ref));
    EXPECT_TRUE(assembler.unknown_parents().empty());
    ASSERT_EQ(add_all(assembler, parent).size(), 1U);
    EXPECT_TRUE(assembler.unknown_parents().empty()) << "genesis is finalized";
    EXPECT_TRUE(assembler.wanted().empty());
}

TEST(BlockAssembler, never_joins_sets_that_do_not_fit_their_predecessor)
{
    Random random(54);
    const SampleBlock block = sample(random, Slot{9}, samples::genesis_block(), 3 * 32'768);
    // A dishonest leader's set that continues after a set flagged last.
    const SampleBlock brief = sample(random, Slot{9}, samples::genesis_block(), 32'768);
    ledger::ShredSet after_last = block.sets[1].set;
    after_last.chained_root = brief.sets[0].set.root;
    after_last.root = samples::random_hash(random);
    ledger::ShredSet end = block.sets[2].set;
    end.chained_root = after_last.root;
    end.root = samples::random_hash(random);
    // And one that continues with another parent slot.
    ledger::ShredSet other_parent = block.sets[1].set;
    other_parent.parent_slot = Slot{3};
    other_parent.root = samples::random_hash(random);
    ledger::ShredSet other_end = block.sets[2].set;
    other_end.parent_slot = Slot{3};
    other_end.chained_root = other_parent.root;
    other_end.root = samples::random_hash(random);
    std::vector<ledger::ShredSet> sets{brief.sets[0].set, after_last,   end,
                                       block.sets[0].set, other_parent, other_end};
    for (int round = 0; round < 30; ++round) {
        std::shuffle(sets.begin(), sets.end(), random);
        BlockAssembler assembler({});
        EXPECT_TRUE(assembler.want({Slot{9}, end.root}));
        EXPECT_TRUE(assembler.want({Slot{9}, other_end.root}));
        std::vector<ledger::Block> done;
        for (const ledger::ShredSet& set : sets) {
            for (ledger::Block& joined : assembler.add(set)) {
                done.push_back(std::move(joined));
            }
        }
        ASSERT_EQ(done.size(), 1U);
        EXPECT_EQ(done[0].ref, brief.ref);
        EXPECT_TRUE(assembler.wanted().empty()) << "what can never be is not asked for";
    }
}

TEST(BlockAssembler, stays_within_its_memory_and_says_what_it_dropped)
{
    Random random(55);
    BlockAssembler::Options options;
    options.bytes_max = 300'000;
    BlockAssembler assembler(options);
    ledger::BlockRef parent = samples::genesis_block();
    std::vector<SampleBlock> blocks;
    for (std::uint64_t slot = 1; slot <= 20; ++slot) {
        blocks.push_back(sample(random, Slot{slot}, parent, 70'000));
        parent = blocks.back().ref;
        ASSERT_EQ(add_all(assembler, blocks.back()).size(), 1U);
        ASSERT_LE(assembler.held_bytes(), options.bytes_max);
    }
    const std::vector<SetKey> evicted = assembler.take_evicted();
    EXPECT_GT(evicted.size(), 40U);
    EXPECT_EQ(evicted.front().slot, Slot{1}) << "blocks that were handed out, lowest slot first";
    // Loose sets of one hostile slot cannot push out another slot's.
    const SampleBlock honest = sample(random, Slot{21}, parent, 100'000);
    EXPECT_TRUE(assembler.add(honest.sets[0].set).empty());
    const SampleBlock hostile = sample(random, Slot{22}, parent, 600'000);
    for (std::size_t i = 1; i < hostile.sets.size(); ++i) {
        EXPECT_TRUE(assembler.add(hostile.sets[i].set).empty());
        ASSERT_LE(assembler.held_bytes(), options.bytes_max);
    }
    EXPECT_TRUE(assembler.has_set_at(Slot{21}, 0));
    for (std::size_t i = 1; i + 1 < honest.sets.size(); ++i) {
        EXPECT_TRUE(assembler.add(honest.sets[i].set).empty());
    }
    EXPECT_EQ(assembler.add(honest.sets.back().set).size(), 1U);
}

TEST(BlockAssembler, completes_a_version_whose_shared_sets_were_dropped_once_they_come_again)
{
    Random random(56);
    BlockAssembler::Options options;
    options.bytes_max = 250'000;
    BlockAssembler assembler(options);
    const SampleBlock one = sample(random, Slot{1}, samples::genesis_block(), 4 * 32'768);
    const SampleBlock two = fork_of(random, one, 3, 4 * 32'768);
    ASSERT_EQ(add_all(assembler, one).size(), 1U);
    const SampleBlock next = sample(random, Slot{2}, one.ref, 6 * 32'768);
    ASSERT_EQ(add_all(assembler, next).size(), 1U);
    EXPECT_EQ(assembler.find({Slot{1}, 0, one.sets[0].set.root}), nullptr) << "dropped";
    EXPECT_TRUE(assembler.want(two.ref));
    EXPECT_TRUE(assembler.add(two.sets[3].set).empty());
    std::size_t steps = 0;
    while (!assembler.is_known(two.ref)) {
        ASSERT_LT(++steps, 10U);
        const auto missing = assembler.missing(Slot{0}, 10);
        ASSERT_EQ(missing.size(), 1U);
        static_cast<void>(assembler.add(two.sets[missing[0].key.set_index].set));
    }
    EXPECT_EQ(steps, 3U);
}

TEST(BlockAssembler, does_not_join_a_version_while_sets_that_it_shares_are_dropped)
{
    Random random(58);
    BlockAssembler::Options options;
    options.bytes_max = 280'000;
    BlockAssembler assembler(options);
    const SampleBlock one = sample(random, Slot{1}, samples::genesis_block(), 4 * 32'768);
    const SampleBlock two = fork_of(random, one, 2, 4 * 32'768);
    ASSERT_EQ(add_all(assembler, one).size(), 1U);
    EXPECT_TRUE(assembler.add(two.sets[2].set).empty()) << "hangs on the shared sets";
    // Another slot pushes out the sets of the block that was handed out.
    const SampleBlock next = sample(random, Slot{2}, one.ref, 5 * 32'768);
    ASSERT_EQ(add_all(assembler, next).size(), 1U);
    ASSERT_EQ(assembler.find({Slot{1}, 1, one.sets[1].set.root}), nullptr);
    ASSERT_NE(assembler.find({Slot{1}, 2, two.sets[2].set.root}), nullptr);
    EXPECT_TRUE(assembler.add(two.sets[3].set).empty());
    EXPECT_TRUE(assembler.add(two.sets[1].set).empty());
    EXPECT_EQ(assembler.add(two.sets[0].set).size(), 1U);
    EXPECT_TRUE(assembler.is_known(two.ref));
}

TEST(BlockAssembler, forgets_what_is_at_or_below_finalized)
{
    Random random(57);
    BlockAssembler assembler({});
    const SampleBlock one = sample(random, Slot{1}, samples::genesis_block(), 40'000);
    const SampleBlock two = sample(random, Slot{2}, one.ref, 40'000);
    ASSERT_EQ(add_all(assembler, one).size(), 1U);
    EXPECT_TRUE(assembler.add(two.sets[0].set).empty());
    EXPECT_TRUE(assembler.want({Slot{1}, samples::random_hash(random)}));
    assembler.set_finalized(one.ref);
    EXPECT_TRUE(assembler.is_known(one.ref));
    EXPECT_TRUE(assembler.wanted().empty());
    EXPECT_EQ(assembler.find({Slot{1}, 0, one.sets[0].set.root}), nullptr);
    EXPECT_TRUE(assembler.add(one.sets[0].set).empty());
    EXPECT_EQ(assembler.counters().sets_duplicate, 1U);
    EXPECT_TRUE(assembler.unknown_parents().empty());
    EXPECT_EQ(assembler.add(two.sets[1].set).size(), 1U);
    assembler.set_finalized(two.ref);
    EXPECT_EQ(assembler.held_bytes(), 0U);
}

} // namespace
} // namespace belfry::dataplane
