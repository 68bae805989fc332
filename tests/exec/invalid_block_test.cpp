// SPDX-License-Identifier: Apache-2.0
// Every BlockError can be caused by a block, is given for that block alone, and leaves no trace.
#include "exec/bank.hpp"
#include "tests/exec/support.hpp"

#include <gtest/gtest.h>

namespace belfry::exec {
namespace {

using namespace test; // NOLINT(google-build-using-namespace)

class InvalidBlock : public testing::Test {
protected:
    std::vector<crypto::InsecureSigningKey> keys = wallets(4);
    ledger::Genesis genesis = limited(small_genesis(keys));
    Bank bank{genesis, Bank::Options{.threads = 2, .blocks_max = 8}};
    const BlockState& root = bank.finalized();
    Hash blockhash = bank.genesis_hash();

    static ledger::Genesis limited(ledger::Genesis genesis)
    {
        genesis.compute.block_units_max = 10'000; // three transfers of 3,000
        return genesis;
    }
    [[nodiscard]] Bytes wire(std::size_t from, std::uint64_t lamports = 1) const
    {
        return wire_at(from, lamports, blockhash);
    }
    [[nodiscard]] Bytes wire_at(std::size_t from, std::uint64_t lamports, const Hash& at) const
    {
        const ledger::Transaction made =
            transfer({wallet(from), keys[(from + 1) % 4].pubkey, lamports, at});
        return {made.wire().begin(), made.wire().end()};
    }
    [[nodiscard]] Forge forge(std::uint64_t slot = 1) const { return Forge(root, slot); }

    void expect_refused(const ledger::Block& block, BlockError error)
    {
        const auto before = bank.position().anchor;
        const std::size_t blocks = bank.block_count();
        const std::uint64_t money = balance(bank, before.block.id, keys[0].pubkey);
        const auto replayed = bank.replay(block, leader());
        ASSERT_FALSE(replayed);
        EXPECT_EQ(to_string(replayed.error()), to_string(error));
        EXPECT_EQ(bank.position().anchor, before);
        EXPECT_EQ(bank.block_count(), blocks);
        EXPECT_EQ(bank.find(block.ref.id), nullptr);
        EXPECT_EQ(balance(bank, before.block.id, keys[0].pubkey), money);
        // A good block with the same transfer still fits: no trace is left in the window either.
        Bank fresh(genesis, Bank::Options{});
        const BuiltBlock good =
            build(fresh, {.parent = blockhash,
                          .slot = Slot{1},
                          .transactions = {*ledger::parse_transaction(wire(0))}});
        const auto taken = bank.replay(good.block, leader());
        ASSERT_TRUE(taken) << to_string(taken.error());
        EXPECT_EQ((*taken)->state_hash(), good.state->state_hash());
    }
};

TEST_F(InvalidBlock, the_forge_makes_good_blocks_when_nothing_is_wrong)
{
    Bank fresh(genesis, Bank::Options{});
    const BuiltBlock good = build(fresh, {.parent = blockhash,
                                          .slot = Slot{1},
                                          .transactions = {*ledger::parse_transaction(wire(0))}});
    const auto taken = bank.replay(
        forge().transactions({wire(0)}, 20).tick(30).tick().close(good.state->state_hash()),
        leader());
    ASSERT_TRUE(taken) << to_string(taken.error());
}

TEST_F(InvalidBlock, unknown_parent)
{
    ledger::Block block = forge().tick().tick().close();
    block.parent.id = crypto::sha256(Bytes{1});
    expect_refused(block, BlockError::unknown_parent);
    EXPECT_FALSE(proves_invalid(BlockError::unknown_parent));
}

TEST_F(InvalidBlock, wrong_parent_slot)
{
    ledger::Block block = forge(3).tick().tick().close();
    block.parent.slot = Slot{1};
    expect_refused(block, BlockError::wrong_parent_slot);
}

TEST_F(InvalidBlock, below_finalized)
{
    expect_refused(forge(0).tick().tick().close(), BlockError::below_finalized);
}

TEST_F(InvalidBlock, slot_not_after_parent)
{
    const BuiltBlock two = build(bank, {.parent = blockhash, .slot = Slot{2}});
    const auto replayed = bank.replay(Forge(*two.state, 2).tick().tick().close(), leader());
    ASSERT_FALSE(replayed);
    EXPECT_EQ(replayed.error(), BlockError::slot_not_after_parent);
    EXPECT_EQ(bank.start_block({Slot{2}, two.block.ref.id, leader()}).error(),
              BlockError::slot_not_after_parent);
}

TEST_F(InvalidBlock, too_many_blocks)
{
    for (std::uint64_t slot = 1; slot < 8; ++slot) {
        (void)build(bank, {.parent = blockhash, .slot = Slot{slot}});
    }
    const auto replayed =
        bank.replay(forge(8).tick().tick().close(bank.position().state_hash()), leader());
    ASSERT_FALSE(replayed);
    EXPECT_EQ(replayed.error(), BlockError::too_many_blocks);
    EXPECT_EQ(bank.start_block({Slot{8}, blockhash, leader()}).error(),
              BlockError::too_many_blocks);
}

TEST_F(InvalidBlock, malformed_entries)
{
    ledger::Block block = forge().tick().tick().close();
    block.stream.push_back(0);
    expect_refused(block, BlockError::malformed_entries);
    for (std::size_t bytes = 0; bytes + 1 < block.stream.size(); ++bytes) {
        ledger::Block cut = block;
        cut.stream.resize(bytes);
        ASSERT_FALSE(Bank(genesis, Bank::Options{}).replay(cut, leader()));
    }
}

TEST_F(InvalidBlock, wrong_tick_hash_count)
{
    expect_refused(forge().tick(49).tick(51).close(), BlockError::wrong_tick_hash_count);
}

TEST_F(InvalidBlock, a_tick_without_a_hash_of_its_own)
{
    Forge block = forge();
    block.transactions({wire(0)}, 50).tick(0).tick();
    expect_refused(block.close(), BlockError::wrong_tick_hash_count);
}

TEST_F(InvalidBlock, wrong_tick_count)
{
    expect_refused(forge().tick().close(), BlockError::wrong_tick_count);
    Bank two(genesis, Bank::Options{});
    EXPECT_EQ(two.replay(forge().tick().tick().tick().close(), leader()).error(),
              BlockError::wrong_tick_count);
    EXPECT_EQ(two.replay(forge(2).tick().tick().close(), leader()).error(),
              BlockError::wrong_tick_count);
    EXPECT_EQ(two.replay(forge().tick().tick().transactions({wire(0)}).close(), leader()).error(),
              BlockError::wrong_tick_count);
}

TEST_F(InvalidBlock, wrong_chain_hash)
{
    ledger::Block block = forge().tick().tick().close();
    block.stream[5] ^= 1; // of the first tick's hash
    block.ref.id = id_of(block);
    expect_refused(block, BlockError::wrong_chain_hash);
}

TEST_F(InvalidBlock, a_footer_that_names_another_blockhash)
{
    ledger::Block block = forge().tick().tick().close();
    block.stream.back() ^= 1;
    block.ref.id = id_of(block);
    expect_refused(block, BlockError::wrong_chain_hash);
}

TEST_F(InvalidBlock, transactions_other_than_those_mixed_in)
{
    ledger::Block block = forge().transactions({wire(0)}).tick(49).tick().close();
    ledger::Block exchanged = forge().transactions({wire(1)}).tick(49).tick().close();
    // The entry's own hash stays, the transaction is another of the same length.
    std::copy(exchanged.stream.begin() + ledger::entry_header_bytes,
              exchanged.stream.begin() + ledger::entry_header_bytes + 4 +
                  static_cast<std::ptrdiff_t>(wire(1).size()),
              block.stream.begin() + ledger::entry_header_bytes);
    block.ref.id = id_of(block);
    expect_refused(block, BlockError::wrong_chain_hash);
}

TEST_F(InvalidBlock, malformed_transaction)
{
    Bytes bad = wire(0);
    bad.push_back(0);
    expect_refused(forge().transactions({wire(1), bad}).tick(49).tick().close(),
                   BlockError::malformed_transaction);
}

TEST_F(InvalidBlock, bad_signature)
{
    Bytes bad = wire(0);
    bad[40] ^= 1; // in S of the first signature; the message is untouched
    expect_refused(forge().transactions({bad}).tick(49).tick().close(), BlockError::bad_signature);
}

TEST_F(InvalidBlock, blockhash_not_found)
{
    expect_refused(
        forge().transactions({wire_at(0, 1, crypto::sha256(Bytes{1}))}).tick(49).tick().close(),
        BlockError::blockhash_not_found);
}

TEST_F(InvalidBlock, duplicate_transaction_in_one_block)
{
    expect_refused(forge().transactions({wire(0)}).transactions({wire(0)}).tick(48).tick().close(),
                   BlockError::duplicate_transaction);
}

TEST_F(InvalidBlock, a_duplicate_with_another_signature_is_a_duplicate)
{
    Bank trusting(genesis, Bank::Options{.verify_signatures = false});
    Bytes resigned = wire(0);
    resigned[40] ^= 1;
    EXPECT_EQ(
        trusting.replay(forge().transactions({wire(0), resigned}).tick(49).tick().close(), leader())
            .error(),
        BlockError::duplicate_transaction);
}

TEST_F(InvalidBlock, too_many_compute_units)
{
    expect_refused(
        forge().transactions({wire(0), wire(1), wire(2), wire(3)}).tick(49).tick().close(),
        BlockError::too_many_compute_units);
    Bank two(genesis, Bank::Options{});
    EXPECT_EQ(two.replay(forge().transactions({wire(0), wire(1), wire(2)}).tick(49).tick().close(),
                         leader())
                  .error(),
              BlockError::wrong_state_hash); // three fit
}

TEST_F(InvalidBlock, payer_cannot_pay)
{
    expect_refused(forge().transactions({wire(0), wire(77)}).tick(49).tick().close(),
                   BlockError::payer_cannot_pay);
}

TEST_F(InvalidBlock, wrong_state_hash)
{
    expect_refused(forge().transactions({wire(0)}).tick(49).tick().close(),
                   BlockError::wrong_state_hash);
}

TEST_F(InvalidBlock, the_wrong_leader_is_another_state)
{
    Bank fresh(small_genesis(keys), Bank::Options{});
    std::vector<ledger::Transaction> priced{transaction(
        {&keys[0]}, fresh.genesis_hash(),
        {ledger::compute_unit_limit(1'000'000), ledger::compute_unit_price(1'000'000)})};
    const BuiltBlock good =
        build(fresh, {.parent = fresh.genesis_hash(), .slot = Slot{1}, .transactions = priced});
    Bank two(small_genesis(keys), Bank::Options{});
    EXPECT_EQ(two.replay(good.block, keys[3].pubkey).error(), BlockError::wrong_state_hash);
    EXPECT_TRUE(two.replay(good.block, leader()));
}

} // namespace
} // namespace belfry::exec
