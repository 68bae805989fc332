// SPDX-License-Identifier: Apache-2.0
#include "exec/block_builder.hpp"
#include "exec/silent_chain.hpp"
#include "tests/exec/support.hpp"

#include <gtest/gtest.h>

#include <random>

namespace belfry::exec {
namespace {

using namespace test; // NOLINT(google-build-using-namespace)

class BuilderTest : public testing::Test {
protected:
    std::vector<crypto::InsecureSigningKey> keys = wallets(4);
    ledger::Genesis genesis = small_genesis(keys); // 2 ticks of 50 hashes
    Bank bank{genesis, Bank::Options{}};
    Bank other{genesis, Bank::Options{}};
    Hash root = bank.genesis_hash();

    [[nodiscard]] std::unique_ptr<BlockBuilder> start(std::uint64_t slot, const Hash& parent)
    {
        return bank.start_block({Slot{slot}, parent, leader()}).value();
    }
    [[nodiscard]] ledger::Block close(std::unique_ptr<BlockBuilder> builder, Bytes stream = {})
    {
        ledger::Block block;
        block.ref.slot = builder->slot();
        block.parent = builder->parent();
        (void)builder->finish();
        const Bytes rest = builder->take_stream();
        stream.insert(stream.end(), rest.begin(), rest.end());
        block.stream = std::move(stream);
        block.ref.id = id_of(block);
        EXPECT_TRUE(bank.seal(std::move(builder), block.ref.id));
        return block;
    }
};

TEST_F(BuilderTest, ticks_that_were_hashed_in_silence_make_the_same_block)
{
    SilentChain silence(genesis.hashes_per_tick);
    silence.follow(root, bank.genesis_hash());
    ASSERT_TRUE(silence.advance(6, 6)); // three silent slots
    auto known = start(4, root);
    known->take_known_ticks(silence.ticks_after(root));
    EXPECT_EQ(known->ticks_done(), 6U);
    const ledger::Block block = close(std::move(known));
    const auto hashed = other.replay(block, leader());
    ASSERT_TRUE(hashed) << to_string(hashed.error());
    EXPECT_EQ(other.counters().ticks_known, 0U);

    Bank third{genesis, Bank::Options{}};
    const auto remembered = third.replay(
        {.block = &block, .leader = leader(), .known_ticks = silence.ticks_after(root)});
    ASSERT_TRUE(remembered) << to_string(remembered.error());
    EXPECT_EQ(third.counters().ticks_known, 6U);
    EXPECT_EQ((*remembered)->state_hash(), (*hashed)->state_hash());
}

TEST_F(BuilderTest, known_ticks_excuse_nothing_that_differs_from_them)
{
    SilentChain silence(genesis.hashes_per_tick);
    silence.follow(root, bank.genesis_hash());
    (void)silence.advance(6, 6);
    std::vector<Hash> wrong(silence.ticks_after(root).begin(), silence.ticks_after(root).end());
    wrong[3].bytes[0] ^= 1;
    auto builder = start(4, root);
    builder->take_known_ticks(wrong);
    const ledger::Block block = close(std::move(builder));
    const auto replayed = other.replay(
        {.block = &block, .leader = leader(), .known_ticks = silence.ticks_after(root)});
    ASSERT_FALSE(replayed);
    EXPECT_EQ(replayed.error(), BlockError::wrong_chain_hash);
}

TEST_F(BuilderTest, transactions_cannot_pass_for_a_known_tick)
{
    SilentChain silence(genesis.hashes_per_tick);
    silence.follow(root, bank.genesis_hash());
    (void)silence.advance(2, 2);
    const Hash known = silence.ticks_after(root)[0];
    const Bytes wire = signed_wire(
        {&keys[0]}, bank.genesis_hash(),
        {ledger::system_transfer(
            {.from = keys[0].pubkey, .to = keys[1].pubkey, .lamports = Lamports{sol}})});
    ledger::Block block;
    block.ref.slot = Slot{1};
    block.parent = {.slot = Slot{0}, .id = root};
    ledger::EntryWriter writer(block.stream);
    // The chain leaps over the mixin to where it would be without it.
    const ByteView view = wire;
    writer.transactions(20, known, std::span(&view, 1));
    const Hash first = crypto::poh_append(known, 30);
    writer.tick(30, first);
    const Hash second = crypto::poh_append(first, 50);
    writer.tick(50, second);
    writer.footer(Hash{}, second);
    block.ref.id = id_of(block);
    const auto replayed = other.replay(
        {.block = &block, .leader = leader(), .known_ticks = silence.ticks_after(root)});
    ASSERT_FALSE(replayed);
    EXPECT_EQ(replayed.error(), BlockError::wrong_chain_hash) << to_string(replayed.error());
}

TEST_F(BuilderTest, the_hashes_of_skipped_slots_are_done_too)
{
    const BuiltBlock one = build(bank, {.parent = root, .slot = Slot{1}});
    auto builder = start(5, one.block.ref.id);
    EXPECT_EQ(builder->ticks_total(), 8U);
    EXPECT_EQ(builder->hashes_total(), 400U);
    EXPECT_EQ(builder->advance(120), 120U);
    EXPECT_EQ(builder->ticks_done(), 2U);
    builder->do_ticks(1);
    EXPECT_EQ(builder->hashes_done(), 150U);
    builder->do_ticks(3);
    EXPECT_EQ(builder->hashes_done(), 300U);
    EXPECT_EQ(builder->advance(1'000'000), 100U); // never past the end
    EXPECT_EQ(builder->advance(1), 0U);
    EXPECT_EQ(builder->ticks_done(), 8U);
    const ledger::Block block = close(std::move(builder));
    ASSERT_TRUE(other.replay(one.block, leader()));
    const auto replayed = other.replay(block, leader());
    ASSERT_TRUE(replayed) << to_string(replayed.error());
    EXPECT_EQ((*replayed)->blockhash(),
              crypto::poh_append(bank.genesis_hash(), 500)); // 5 slots of 100 hashes, no mixin
}

TEST_F(BuilderTest, transactions_go_in_at_any_point_of_the_chain_until_its_last_two_hashes)
{
    std::mt19937_64 random(seed_of_run());
    for (int round = 0; round < 200; ++round) {
        Bank mine(genesis, Bank::Options{});
        Bank theirs(genesis, Bank::Options{});
        auto builder = mine.start_block({Slot{1}, root, leader()}).value();
        ledger::Block block;
        block.ref.slot = Slot{1};
        block.parent = builder->parent();
        std::uint64_t included = 0;
        for (std::uint64_t n = 0; n < 8; ++n) {
            (void)builder->advance(random() % 25);
            const ledger::Transaction one =
                transfer({keys[n % 4], keys[(n + 1) % 4].pubkey, n, root});
            const ledger::Transaction* pointer = &one;
            const bool room = builder->hashes_total() - builder->hashes_done() >= 3 ||
                              (builder->hashes_total() - builder->hashes_done() == 2);
            const PackResult result = builder->add(std::span(&pointer, 1))[0].result;
            ASSERT_EQ(result == PackResult::included, room) << builder->hashes_done();
            included += room ? 1U : 0U;
            if (random() % 2 == 0) {
                const Bytes piece = builder->take_stream();
                block.stream.insert(block.stream.end(), piece.begin(), piece.end());
            }
        }
        const BlockFooter footer = builder->finish();
        ASSERT_EQ(footer.transaction_count, included);
        const Bytes rest = builder->take_stream();
        block.stream.insert(block.stream.end(), rest.begin(), rest.end());
        block.ref.id = id_of(block);
        const auto replayed = theirs.replay(block, leader());
        ASSERT_TRUE(replayed) << to_string(replayed.error());
        ASSERT_EQ((*replayed)->state_hash(), footer.state_hash);
        ASSERT_EQ((*replayed)->blockhash(), footer.blockhash);
    }
}

TEST_F(BuilderTest, every_transaction_of_a_batch_gets_its_own_answer)
{
    const BuiltBlock one =
        build(bank, {.parent = root,
                     .slot = Slot{1},
                     .transactions = {transfer({keys[0], keys[1].pubkey, 1, root})}});
    auto builder = start(2, one.block.ref.id);
    const std::vector<ledger::Transaction> batch{
        transfer({keys[0], keys[1].pubkey, 1, root}),         // in the window
        transfer({keys[0], keys[1].pubkey, 2, root}),         // good
        transfer({keys[0], keys[1].pubkey, 2, root}),         // twice in the batch
        transfer({wallet(88), keys[1].pubkey, 2, root}),      // no such payer
        transfer({keys[0], keys[1].pubkey, 3, Hash{}}),       // unknown blockhash
        transfer({keys[1], keys[2].pubkey, 500 * sol, root}), // fails and pays
    };
    const auto all = pointers(batch);
    const auto outcomes = builder->add(all);
    const std::vector<PackResult> expected{
        PackResult::duplicate,           PackResult::included,
        PackResult::duplicate,           PackResult::payer_cannot_pay,
        PackResult::blockhash_not_found, PackResult::included};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(to_string(outcomes[i].result), to_string(expected[i])) << i;
    }
    EXPECT_FALSE(outcomes[5].error.ok());
    EXPECT_EQ(builder->transaction_count(), 2U);
    const ledger::Transaction* again = &batch[1];
    EXPECT_EQ(builder->add(std::span(&again, 1))[0].result, PackResult::duplicate);
    const ledger::Block block = close(std::move(builder));
    ASSERT_TRUE(other.replay(one.block, leader()));
    ASSERT_TRUE(other.replay(block, leader()));
}

TEST_F(BuilderTest, a_block_takes_no_more_units_than_the_genesis_allows)
{
    genesis.compute.block_units_max = 7'000; // two transfers of 3,000
    Bank tight(genesis, Bank::Options{});
    const Hash hash = tight.genesis_hash();
    auto builder = tight.start_block({Slot{1}, hash, leader()}).value();
    std::vector<ledger::Transaction> batch{
        transfer({wallet(88), keys[1].pubkey, 1, hash}), // not included, so it uses none
    };
    const auto first = pointers(batch);
    EXPECT_EQ(builder->add(first)[0].result, PackResult::payer_cannot_pay);
    batch.clear();
    for (std::size_t i = 0; i < 3; ++i) {
        batch.push_back(transfer({keys[i], keys[3].pubkey, 1, hash}));
    }
    const auto rest = pointers(batch);
    const auto outcomes = builder->add(rest);
    EXPECT_EQ(outcomes[0].result, PackResult::included);
    EXPECT_EQ(outcomes[1].result, PackResult::included);
    EXPECT_EQ(outcomes[2].result, PackResult::block_full);
}

TEST_F(BuilderTest, the_stream_stays_below_its_bound)
{
    auto builder = start(1, root);
    const std::size_t ticks_and_footer =
        2 * ledger::entry_header_bytes + ledger::entry_footer_bytes;
    EXPECT_EQ(builder->stream_bytes_left(), ledger::block_stream_bytes_max - ticks_and_footer);
    const ledger::Transaction one = transfer({keys[0], keys[1].pubkey, 1, root});
    const ledger::Transaction* pointer = &one;
    (void)builder->add(std::span(&pointer, 1));
    const std::size_t entry = ledger::transactions_entry_overhead(1) + one.wire().size();
    EXPECT_EQ(builder->stream_bytes_left(),
              ledger::block_stream_bytes_max - ticks_and_footer - entry);
    const std::size_t left = builder->stream_bytes_left();
    builder->do_ticks(1);
    EXPECT_EQ(builder->stream_bytes_left(), left); // the tick was reserved
    EXPECT_EQ(builder->take_stream().size(), entry + ledger::entry_header_bytes);
    EXPECT_EQ(builder->stream_bytes_left(), left);
    EXPECT_EQ(builder->stream_bytes_waiting(), 0U);
}

TEST_F(BuilderTest, a_block_sealed_under_a_known_id_is_that_block)
{
    auto builder = start(1, root);
    (void)builder->finish();
    const Hash id = crypto::sha256(Bytes{1});
    const BlockState* first = bank.seal(std::move(builder), id).value();
    auto twin = start(1, root);
    (void)twin->finish();
    EXPECT_EQ(bank.seal(std::move(twin), id).value(), first);
}

} // namespace
} // namespace belfry::exec
