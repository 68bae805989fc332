// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/block_store.hpp"
#include "ledger/store/span_key.hpp"
#include "tests/filled.hpp"
#include "tests/ledger/data_directory.hpp"
#include "tests/ledger/sample_block.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>

namespace belfry::ledger {
namespace {

constexpr BlockRef genesis_ref{.slot = Slot{0}, .id = store_genesis};

class BlockStoreTest : public testing::Test {
protected:
    BlockStoreTest() { open(); }
    void open()
    {
        env_ = std::make_unique<LmdbEnv>(LmdbEnv::Options{.directory = data(),
                                                          .genesis_hash = store_genesis,
                                                          .map_bytes = std::uint64_t{1} << 30});
        store_ = std::make_unique<BlockStore>(*env_);
    }
    void close()
    {
        store_.reset();
        env_.reset();
    }
    [[nodiscard]] std::filesystem::path data() const { return scratch_.path() / "data"; }

    void put(const SampleBlock& block)
    {
        const auto committed = store_->commit({.sets = block.sets,
                                               .blocks = std::span(&block.record, 1),
                                               .finalized = {},
                                               .signatures = {}});
        ASSERT_TRUE(committed.has_value()) << to_string(committed.error());
    }

    /// Slots 1..count, a chain of blocks of two sets.
    std::vector<SampleBlock> put_chain(std::uint64_t count)
    {
        std::vector<SampleBlock> chain;
        BlockRef parent = genesis_ref;
        for (std::uint64_t slot = 1; slot <= count; ++slot) {
            chain.push_back(sample_block(Slot{slot}, parent, 2));
            put(chain.back());
            parent = chain.back().record.ref;
        }
        return chain;
    }

    ScratchDirectory scratch_;
    std::unique_ptr<LmdbEnv> env_;
    std::unique_ptr<BlockStore> store_;
};

Bytes key_of(const ShredSet& set)
{
    Bytes key;
    for (int i = 7; i >= 0; --i) {
        key.push_back(static_cast<std::uint8_t>(set.slot.value >> (8 * i)));
    }
    for (int i = 3; i >= 0; --i) {
        key.push_back(static_cast<std::uint8_t>(set.index >> (8 * i)));
    }
    key.insert(key.end(), set.root.bytes.begin(), set.root.bytes.end());
    return key;
}

TEST_F(BlockStoreTest, gives_back_sets_and_blocks_also_after_a_restart)
{
    const SampleBlock block = sample_block(Slot{300}, {Slot{299}, filled_hash(8)}, 5);
    put(block);
    for (int round = 0; round < 2; ++round) {
        for (const ShredSet& set : block.sets) {
            EXPECT_EQ(store_->set({set.slot, set.index, set.root}).value(), set);
        }
        EXPECT_EQ(store_->block(block.record.ref).value(), block.record);
        const auto sets = store_->sets_of_block(block.record.ref, {});
        ASSERT_TRUE(sets.has_value());
        EXPECT_EQ(*sets, block.sets);
        EXPECT_EQ(store_->load_block(block.record.ref).value(), assemble_block(block.sets).value());
        close();
        open();
    }
}

TEST_F(BlockStoreTest, what_is_not_there_is_nothing_and_no_error)
{
    EXPECT_EQ(store_->set({Slot{1}, 0, filled_hash(5)}).value(), std::nullopt);
    EXPECT_EQ(store_->block({Slot{1}, filled_hash(5)}).value(), std::nullopt);
    EXPECT_TRUE(store_->sets_of_block({Slot{1}, filled_hash(5)}, {}).value().empty());
    EXPECT_FALSE(store_->load_block({Slot{1}, filled_hash(5)}).value().has_value());
    EXPECT_EQ(store_->highest_block().value(), std::nullopt);
    EXPECT_EQ(store_->successor({Slot{1}, 0, filled_hash(5)}).value(), std::nullopt);
    EXPECT_EQ(store_->find_signature({}).value(), std::nullopt);
    EXPECT_EQ(store_->finalized_at(Slot{1}).value(), std::nullopt);
}

TEST_F(BlockStoreTest, genesis_is_final_from_the_start)
{
    EXPECT_EQ(store_->last_finalized().value(), genesis_ref);
    EXPECT_EQ(store_->finalized_at(Slot{0}).value(), genesis_ref);
}

TEST_F(BlockStoreTest, a_part_of_a_block_can_be_asked_for)
{
    const SampleBlock block = sample_block(Slot{3}, genesis_ref, 6);
    put(block);
    const auto part = store_->sets_of_block(block.record.ref, {.first_index = 2, .sets_max = 3});
    ASSERT_TRUE(part.has_value());
    EXPECT_TRUE(std::ranges::equal(*part, std::span(block.sets).subspan(2, 3)));
    EXPECT_TRUE(
        store_->sets_of_block(block.record.ref, {.first_index = 6, .sets_max = 3}).value().empty());
}

TEST_F(BlockStoreTest, two_versions_of_a_slot_are_kept_apart_and_each_set_has_its_successor)
{
    const SampleBlock one = sample_block(Slot{9}, genesis_ref, 3, 1);
    const SampleBlock two = sample_block(Slot{9}, genesis_ref, 3, 2);
    put(one);
    put(two);
    for (const SampleBlock* block : {&one, &two}) {
        EXPECT_EQ(store_->sets_of_block(block->record.ref, {}).value(), block->sets);
        for (std::size_t i = 0; i + 1 < 3; ++i) {
            const ShredSet& set = block->sets[i];
            EXPECT_EQ(store_->successor({set.slot, set.index, set.root}).value(),
                      block->sets[i + 1]);
        }
        const ShredSet& last = block->sets.back();
        EXPECT_EQ(store_->successor({last.slot, last.index, last.root}).value(), std::nullopt);
    }
    EXPECT_EQ(store_->sets_at(Slot{9}, 1, 10).value().size(), 2U);
    EXPECT_EQ(store_->sets_at(Slot{9}, 1, 1).value().size(), 1U);
    EXPECT_TRUE(store_->sets_at(Slot{9}, 3, 10).value().empty());
}

TEST_F(BlockStoreTest, replay_sees_every_fork_after_a_slot_with_parents_before_children)
{
    const std::vector<SampleBlock> chain = put_chain(600); // more than one batch of reading
    const SampleBlock fork = sample_block(Slot{598}, chain[596].record.ref, 1, 7);
    put(fork);
    std::vector<BlockRef> seen;
    const auto visited = store_->for_each_block_after(Slot{5}, [&](const BlockRecord& block) {
        EXPECT_TRUE(block.parent.slot <= Slot{5} ||
                    std::ranges::find(seen, block.parent) != seen.end());
        seen.push_back(block.ref);
        return true;
    });
    ASSERT_TRUE(visited.has_value());
    EXPECT_EQ(seen.size(), 596U);
    EXPECT_EQ(seen.front().slot, Slot{6});
    EXPECT_TRUE(std::ranges::is_sorted(seen));
    EXPECT_NE(std::ranges::find(seen, fork.record.ref), seen.end());
    EXPECT_EQ(store_->highest_block().value(), chain.back().record.ref);
    std::size_t count = 0;
    ASSERT_TRUE(
        store_->for_each_block_after(Slot{0}, [&](const BlockRecord&) { return ++count < 3; }));
    EXPECT_EQ(count, 3U);
}

TEST_F(BlockStoreTest, the_final_chain_is_read_from_both_ends_and_never_changes)
{
    const std::vector<SampleBlock> chain = put_chain(6);
    std::vector<BlockRef> finals;
    for (const std::size_t i : {0U, 1U, 3U, 5U}) { // slots 1, 2, 4, 6
        finals.push_back(chain[i].record.ref);
    }
    const auto finalize = [this](std::span<const BlockRef> refs) {
        return store_->commit({.sets = {}, .blocks = {}, .finalized = refs, .signatures = {}});
    };
    ASSERT_TRUE(finalize(finals));
    EXPECT_TRUE(finalize(finals)); // the same again changes nothing
    EXPECT_EQ(store_->last_finalized().value(), finals[3]);
    EXPECT_EQ(store_->finalized_at(Slot{4}).value(), finals[2]);
    EXPECT_EQ(store_->finalized_at(Slot{3}).value(), std::nullopt);
    const auto before = [this](std::uint64_t slot, std::size_t count) {
        return store_->finalized_before({.from = Slot{slot}, .count_max = count}).value();
    };
    EXPECT_EQ(before(100, 2), (std::vector{finals[3], finals[2]}));
    EXPECT_EQ(before(5, 2), (std::vector{finals[2], finals[1]}));
    EXPECT_EQ(before(4, 9), (std::vector{finals[2], finals[1], finals[0], genesis_ref}));
    EXPECT_EQ(before(0, 9), std::vector{genesis_ref});
    EXPECT_EQ(store_->finalized_from(Slot{2}, 2).value(), (std::vector{finals[1], finals[2]}));
    EXPECT_EQ(store_->finalized_from(Slot{3}, 9).value(), (std::vector{finals[2], finals[3]}));
    const std::array other{BlockRef{.slot = Slot{4}, .id = filled_hash(77)}};
    EXPECT_EQ(finalize(other).error(), StoreError::wrong_shape);
    EXPECT_EQ(store_->finalized_at(Slot{4}).value(), finals[2]);
    EXPECT_TRUE(finalize(std::array{chain[2].record.ref})); // a refusal does not end the store
}

TEST_F(BlockStoreTest, signatures_lead_to_their_block)
{
    std::vector<SignatureRecord> records(100);
    for (std::size_t i = 0; i < records.size(); ++i) {
        records[i].signature.bytes.fill(static_cast<std::uint8_t>(i));
        records[i].block = {.slot = Slot{1000 + i}, .id = filled_hash(i)};
        records[i].index = static_cast<std::uint32_t>(i * 3);
        records[i].outcome.assign(i % (outcome_bytes_max + 1), 0xab);
    }
    ASSERT_TRUE(store_->commit({.sets = {}, .blocks = {}, .finalized = {}, .signatures = records}));
    for (const SignatureRecord& record : records) {
        EXPECT_EQ(store_->find_signature(record.signature).value(), record);
    }
    records[0].outcome.assign(outcome_bytes_max + 1, 1);
    EXPECT_EQ(
        store_->commit({.sets = {}, .blocks = {}, .finalized = {}, .signatures = records}).error(),
        StoreError::wrong_shape);
}

TEST_F(BlockStoreTest, a_batch_with_one_wrong_record_is_not_written_at_all)
{
    SampleBlock block = sample_block(Slot{5}, genesis_ref, 3);
    const auto commit = [&] {
        return store_->commit({.sets = block.sets,
                               .blocks = std::span(&block.record, 1),
                               .finalized = {},
                               .signatures = {}});
    };
    const SampleBlock sound = block;
    block.sets.pop_back(); // the record names a set that is nowhere
    EXPECT_EQ(commit().error(), StoreError::wrong_shape);
    block = sound;
    block.sets[1].payload.clear();
    EXPECT_EQ(commit().error(), StoreError::wrong_shape);
    block = sound;
    block.record.ref.id = filled_hash(4444);
    EXPECT_EQ(commit().error(), StoreError::wrong_shape);
    block = sound;
    block.record.parent.slot = Slot{5};
    EXPECT_EQ(commit().error(), StoreError::wrong_shape);
    EXPECT_TRUE(store_->sets_at(Slot{5}, 0, 9).value().empty());
    block = sound;
    EXPECT_TRUE(commit());
    EXPECT_EQ(store_->sets_at(Slot{5}, 0, 9).value().size(), 1U);
}

TEST_F(BlockStoreTest, every_flipped_bit_of_a_stored_record_is_refused_and_a_new_copy_heals_it)
{
    const SampleBlock block = sample_block(Slot{2}, genesis_ref, 1);
    const ShredSet& set = block.sets[0];
    put(block);
    close();
    const Bytes key = key_of(set);
    const Bytes value = raw_value(data(), "sets", key);
    for (std::size_t at = 0; at < value.size(); at += 1 + value.size() / 60) {
        Bytes flipped = value;
        flipped[at] = static_cast<std::uint8_t>(flipped[at] ^ (1U << (at % 8)));
        put_raw_value(data(), "sets", key, flipped);
        open();
        ASSERT_EQ(store_->set({set.slot, 0, set.root}).error(), StoreError::corrupt_record) << at;
        ASSERT_EQ(store_->load_block(block.record.ref).error(), StoreError::corrupt_record) << at;
        close();
    }
    put_raw_value(data(), "sets", key, Bytes{1, 2, 3}); // shorter than a checksum
    open();
    ASSERT_EQ(store_->set({set.slot, 0, set.root}).error(), StoreError::corrupt_record);
    ASSERT_TRUE(store_->put_set(set));
    EXPECT_EQ(store_->set({set.slot, 0, set.root}).value(), set);
}

TEST_F(BlockStoreTest, a_sound_record_in_the_wrong_place_is_refused)
{
    const SampleBlock block = sample_block(Slot{2}, genesis_ref, 2);
    put(block);
    close();
    put_raw_value(data(), "sets", key_of(block.sets[0]),
                  raw_value(data(), "sets", key_of(block.sets[1])));
    open();
    EXPECT_EQ(store_->set({Slot{2}, 0, block.sets[0].root}).error(), StoreError::corrupt_record);
}

TEST_F(BlockStoreTest, a_set_that_a_complete_block_lost_is_corruption)
{
    const SampleBlock block = sample_block(Slot{2}, genesis_ref, 2);
    put(block);
    close();
    erase_raw_value(data(), "sets", key_of(block.sets[1]));
    open();
    EXPECT_EQ(store_->load_block(block.record.ref).error(), StoreError::corrupt_record);
}

TEST_F(BlockStoreTest, pruning_removes_what_is_below_in_bounded_steps)
{
    const std::vector<SampleBlock> chain = put_chain(10); // 10 blocks, 20 sets
    std::size_t removed = 0;
    std::size_t calls = 0;
    while (true) {
        const std::size_t step = store_->prune(Slot{6}, 4).value();
        removed += step;
        ++calls;
        // Between the calls, too, a block that is there is whole.
        ASSERT_TRUE(store_->for_each_block_after(Slot{0}, [this](const BlockRecord& block) {
            EXPECT_TRUE(store_->load_block(block.ref).value().has_value());
            return true;
        }));
        if (step < 4) {
            break;
        }
    }
    EXPECT_EQ(removed, 15U);
    EXPECT_EQ(calls, 4U);
    EXPECT_FALSE(store_->load_block(chain[4].record.ref).value().has_value());
    EXPECT_TRUE(store_->load_block(chain[5].record.ref).value().has_value());
    EXPECT_TRUE(store_->sets_at(Slot{5}, 0, 1).value().empty());
}

TEST_F(BlockStoreTest, pages_that_pruning_gave_back_are_not_held)
{
    put_chain(60);
    const std::uint64_t used = env_->used_bytes();
    const std::uint64_t held = env_->held_bytes();
    EXPECT_GT(held, used / 2);
    EXPECT_LE(held, used);
    ASSERT_GT(store_->prune(Slot{55}, 10'000).value(), 0U);
    EXPECT_GE(env_->used_bytes(), used);
    EXPECT_LT(env_->held_bytes(), held / 3);
    put_chain(54); // into what was given back
    EXPECT_LE(env_->used_bytes(), used + used / 8);
}

TEST_F(BlockStoreTest, signatures_are_found_in_every_span_and_go_span_by_span)
{
    // Slots of four spans, with an empty one between them, and two to a span.
    const std::array<std::uint64_t, 6> slots{3,
                                             index_span_slots - 1,
                                             index_span_slots,
                                             2 * index_span_slots - 1,
                                             3 * index_span_slots,
                                             9 * index_span_slots + 5};
    std::vector<SignatureRecord> records;
    for (std::size_t i = 0; i < slots.size(); ++i) {
        SignatureRecord record;
        record.signature = filled<Signature>(static_cast<std::uint8_t>(0xa0 - i)); // newest first
        record.block = {.slot = Slot{slots[i]}, .id = filled_hash(i)};
        record.index = static_cast<std::uint32_t>(i);
        records.push_back(record);
    }
    ASSERT_TRUE(store_->commit({.sets = {}, .blocks = {}, .finalized = {}, .signatures = records}));
    const auto still_there = [&] {
        std::vector<std::uint64_t> left;
        for (const SignatureRecord& record : records) {
            const auto found = store_->find_signature(record.signature).value();
            if (found) {
                EXPECT_EQ(*found, record);
                left.push_back(record.block.slot.value);
            }
        }
        return left;
    };
    EXPECT_EQ(still_there().size(), slots.size());
    EXPECT_FALSE(store_->find_signature(filled<Signature>(1)).value().has_value());
    // A span goes when all of it is below.
    EXPECT_EQ(store_->prune(Slot{index_span_slots - 1}, 100).value(), 0U);
    EXPECT_EQ(store_->prune(Slot{index_span_slots}, 1).value(), 1U);
    EXPECT_EQ(store_->prune(Slot{index_span_slots}, 100).value(), 1U);
    EXPECT_EQ(still_there(), (std::vector(slots.begin() + 2, slots.end())));
    EXPECT_EQ(store_->prune(Slot{9 * index_span_slots}, 100).value(), 3U);
    EXPECT_EQ(still_there(), (std::vector{slots.back()}));
}

/// Commits chained blocks until it is killed; says each slot that is durable.
[[noreturn]] void commit_until_killed(const std::filesystem::path& directory, int report)
{
    LmdbEnv env({.directory = directory, .genesis_hash = store_genesis, .map_bytes = 1U << 30});
    BlockStore store(env);
    const BlockRef last = store.highest_block().value().value_or(genesis_ref);
    BlockRef parent = last;
    for (std::uint64_t slot = last.slot.value + 1;; ++slot) {
        const SampleBlock block = sample_block(Slot{slot}, parent, 3);
        const auto committed = store.commit({.sets = block.sets,
                                             .blocks = std::span(&block.record, 1),
                                             .finalized = std::span(&block.record.ref, 1),
                                             .signatures = {}});
        if (!committed || write(report, &slot, sizeof(slot)) != sizeof(slot)) {
            _exit(1);
        }
        parent = block.record.ref;
    }
}

TEST_F(BlockStoreTest, killed_while_it_commits_it_loses_nothing_that_it_acknowledged)
{
    close();
    std::uint64_t acknowledged = 0;
    for (unsigned round = 0; round < 12; ++round) {
        std::array<int, 2> pipe_ends{};
        ASSERT_EQ(pipe(pipe_ends.data()), 0);
        const pid_t child = fork();
        if (child == 0) {
            ::close(pipe_ends[0]);
            commit_until_killed(data(), pipe_ends[1]);
        }
        ::close(pipe_ends[1]);
        usleep(20'000 + 7'001 * round);
        kill(child, SIGKILL);
        std::uint64_t slot = 0;
        while (read(pipe_ends[0], &slot, sizeof(slot)) == sizeof(slot)) {
            acknowledged = slot;
        }
        ::close(pipe_ends[0]);
        int status = 0;
        waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status));
        open();
        const BlockRef highest = store_->highest_block().value().value_or(genesis_ref);
        ASSERT_GE(highest.slot.value, acknowledged);
        ASSERT_EQ(store_->last_finalized().value(), highest); // whole batches only
        std::uint64_t next = 1;
        ASSERT_TRUE(store_->for_each_block_after(Slot{0}, [&](const BlockRecord& block) {
            EXPECT_EQ(block.ref.slot.value, next++);
            EXPECT_TRUE(store_->load_block(block.ref).value().has_value());
            return true;
        }));
        ASSERT_EQ(next, highest.slot.value + 1);
        close();
    }
    EXPECT_GT(acknowledged, 12U);
}

} // namespace
} // namespace belfry::ledger
