// SPDX-License-Identifier: Apache-2.0
// The window of the last 150 blocks: blockhashes, duplicates, and both after a restart.
#include "exec/bank.hpp"
#include "exec/block_tree.hpp"
#include "tests/exec/support.hpp"

#include <gtest/gtest.h>

namespace belfry::exec {
namespace {

using namespace test; // NOLINT(google-build-using-namespace)

[[nodiscard]] Hash hash_of(std::uint64_t n)
{
    Bytes bytes;
    ByteWriter(bytes).u64(n);
    return crypto::sha256(bytes);
}

/// A block of the tree with a message and a blockhash of its own.
[[nodiscard]] BlockState state_at(std::uint64_t height, std::uint64_t fork = 0)
{
    BlockState state;
    state.anchor.block = {Slot{height + 1}, hash_of(height * 1000 + fork)};
    state.anchor.height = Height{height};
    state.anchor.blockhash = hash_of(height * 1000 + fork + 500);
    state.statuses.push_back({.message_hash = hash_of(height * 1000 + fork + 900),
                              .first_signature = {},
                              .error = {},
                              .fee = {}});
    return state;
}

TEST(BlockTree, the_150th_block_back_is_in_the_window_and_the_151st_is_not)
{
    for (const std::uint64_t finalized : {0U, 10U, 100U}) {
        BlockTree tree(recent_blocks);
        const BlockState* tip = &tree.put_root(state_at(0));
        for (std::uint64_t height = 1; height <= 200; ++height) {
            BlockState next = state_at(height);
            next.parent = tip;
            tip = &tree.insert(std::move(next));
            if (finalized != 0 && height >= 50) { // finality follows at a distance
                const BlockState* block = tip;
                for (std::uint64_t i = 0; i < std::min<std::uint64_t>(finalized, 40); ++i) {
                    block = block->parent;
                }
                (void)tree.set_finalized(*block, [](const BlockState&) {});
            }
            for (std::uint64_t back = 1; back <= height + 1; ++back) {
                const std::uint64_t at = height + 1 - back; // seen from a child of tip
                const bool inside = back <= 150;
                ASSERT_EQ(tree.in_window(*tip, hash_of(at * 1000 + 900)), inside) << back;
                const BlockhashAge age = tree.blockhash_age(*tip, hash_of(at * 1000 + 500));
                ASSERT_EQ(age == BlockhashAge::valid, inside) << back;
            }
        }
    }
}

TEST(BlockTree, a_fork_does_not_see_what_only_another_one_has)
{
    BlockTree tree(recent_blocks);
    const BlockState& root = tree.put_root(state_at(0));
    BlockState left = state_at(1, 1);
    left.parent = &root;
    const BlockState& in_left = tree.insert(std::move(left));
    BlockState right = state_at(1, 2);
    right.parent = &root;
    // The same message in both forks; both see it, their parent does not.
    right.statuses.push_back(in_left.statuses[0]);
    const BlockState& in_right = tree.insert(std::move(right));
    const Hash shared = in_left.statuses[0].message_hash;
    const Hash only_right = in_right.statuses[0].message_hash;
    EXPECT_TRUE(tree.in_window(in_left, shared));
    EXPECT_TRUE(tree.in_window(in_right, shared));
    EXPECT_FALSE(tree.in_window(root, shared));
    EXPECT_FALSE(tree.in_window(in_left, only_right));
    EXPECT_EQ(tree.find_message(in_right, shared)->block, &in_right);
    EXPECT_EQ(tree.find_message(in_left, shared)->block, &in_left);
    EXPECT_EQ(tree.blockhash_age(in_left, in_right.blockhash()), BlockhashAge::unknown);
    EXPECT_EQ(tree.set_finalized(in_left, [](const BlockState&) {}), 1U);
    EXPECT_TRUE(tree.in_window(in_left, shared));
    EXPECT_EQ(tree.find(hash_of(1002)), nullptr);
}

class Window : public testing::Test {
protected:
    std::vector<crypto::InsecureSigningKey> keys = wallets(2);
    ledger::Genesis genesis = small_genesis(keys);
    Bank bank{genesis, Bank::Options{}};
    std::vector<BuiltBlock> chain; // heights 1, 2, ...

    [[nodiscard]] Hash tip() const
    {
        return chain.empty() ? bank.genesis_hash() : chain.back().block.ref.id;
    }
    void extend(std::vector<ledger::Transaction> transactions = {})
    {
        chain.push_back(build(bank, {.parent = tip(),
                                     .slot = Slot{chain.size() + 1},
                                     .transactions = std::move(transactions)}));
    }
    [[nodiscard]] ledger::Transaction pay(const Hash& blockhash, std::uint64_t lamports = sol) const
    {
        return transfer({keys[0], keys[1].pubkey, lamports, blockhash});
    }
    /// What a store would give back after a stop at the bank's finalized block.
    [[nodiscard]] RestoredState restored_from(Bank& source) const
    {
        RestoredState restored;
        restored.anchor = source.finalized().anchor;
        const std::uint64_t height = restored.anchor.height.value;
        const Flush flush = source.take_flush().value();
        for (const auto& [key, account] : flush.accounts) {
            if (account.lamports.value != 0) {
                restored.accounts.emplace_back(key, account);
            }
        }
        if (height < recent_blocks) {
            restored.window.push_back(
                {{Slot{0}, source.genesis_hash()}, Height{0}, source.genesis_hash(), {}, false});
        }
        for (const BuiltBlock& built : chain) {
            const Anchor& anchor = built.anchor;
            if (anchor.height.value <= height && anchor.height.value + recent_blocks > height) {
                restored.window.push_back(
                    {anchor.block, anchor.height, anchor.blockhash, built.statuses, false});
            }
        }
        return restored;
    }
};

TEST_F(Window, a_blockhash_is_good_for_150_blocks)
{
    extend();
    const Hash old = chain[0].anchor.blockhash; // height 1
    while (chain.size() < 150) {
        extend();
    }
    const BuiltBlock last = build(
        bank,
        {.parent = tip(), .slot = Slot{151}, .transactions = {pay(old)}}); // height 151 = 1 + 150
    EXPECT_EQ(last.outcomes[0].result, PackResult::included);
    EXPECT_TRUE(bank.is_blockhash_valid(tip(), old).value());
    extend();
    EXPECT_FALSE(bank.is_blockhash_valid(tip(), old).value());
    const BuiltBlock late =
        build(bank, {.parent = tip(), .slot = Slot{153}, .transactions = {pay(old)}});
    EXPECT_EQ(late.outcomes[0].result, PackResult::blockhash_expired);
    const ledger::Transaction payment = pay(old);
    const ledger::Block forged = Forge(*chain.back().state, 152)
                                     .transactions({{payment.wire().begin(), payment.wire().end()}})
                                     .tick(49)
                                     .tick()
                                     .close();
    EXPECT_EQ(bank.replay(forged, leader()).error(), BlockError::blockhash_expired);
}

TEST_F(Window, a_message_is_a_duplicate_as_long_as_its_blockhash_lives_and_after_a_restart)
{
    const ledger::Transaction payment = pay(bank.genesis_hash());
    extend({payment}); // height 1; the genesis hash is good up to height 150
    while (chain.size() < 148) {
        extend();
    }
    extend({pay(chain.back().anchor.blockhash, 5)});
    ASSERT_EQ(chain.size(), 149U);
    ASSERT_TRUE(bank.set_finalized(tip()));
    Bank again(genesis, Bank::Options{.threads = 2}, restored_from(bank));
    EXPECT_EQ(again.finalized().anchor, bank.finalized().anchor);
    EXPECT_EQ(balance(again, tip(), keys[1].pubkey), 101 * sol + 5);
    for (Bank* one : {&bank, &again}) {
        const BuiltBlock repeated =
            build(*one, {.parent = tip(), .slot = Slot{150}, .transactions = {payment}});
        EXPECT_EQ(repeated.outcomes[0].result, PackResult::duplicate);
        const BuiltBlock later = build(
            *one, {.parent = repeated.block.ref.id, .slot = Slot{151}, .transactions = {payment}});
        EXPECT_EQ(later.outcomes[0].result, PackResult::blockhash_expired);
    }
    // Outcomes of before the restart are not known, and not made up.
    EXPECT_TRUE(bank.status(tip(), payment.signature(0)));
    EXPECT_FALSE(again.status(tip(), payment.signature(0)));
}

TEST_F(Window, both_sides_of_a_restart_agree_on_the_blocks_after_it)
{
    for (int i = 0; i < 200; ++i) {
        extend({pay(chain.empty() ? bank.genesis_hash() : chain.back().anchor.blockhash,
                    static_cast<std::uint64_t>(i) + 1)});
    }
    ASSERT_TRUE(bank.set_finalized(chain[179].block.ref.id));
    Bank again(genesis, Bank::Options{}, restored_from(bank));
    for (std::size_t i = 180; i < chain.size(); ++i) {
        const auto replayed = again.replay(chain[i].block, leader());
        ASSERT_TRUE(replayed) << to_string(replayed.error());
        EXPECT_EQ((*replayed)->anchor, chain[i].anchor);
    }
}

TEST_F(Window, a_restart_refuses_what_does_not_belong_together)
{
    for (int i = 0; i < 3; ++i) {
        extend({pay(bank.genesis_hash(), static_cast<std::uint64_t>(i) + 1)});
    }
    ASSERT_TRUE(bank.set_finalized(tip()));
    const RestoredState good = restored_from(bank);
    EXPECT_NO_THROW(Bank(genesis, Bank::Options{}, good));
    RestoredState bad = good;
    bad.accounts[0].second.lamports.value += 1;
    EXPECT_THROW(Bank(genesis, Bank::Options{}, bad), std::runtime_error);
    bad = good;
    bad.accounts.pop_back();
    EXPECT_THROW(Bank(genesis, Bank::Options{}, bad), std::runtime_error);
    bad = good;
    bad.accounts.push_back(bad.accounts[0]);
    EXPECT_THROW(Bank(genesis, Bank::Options{}, bad), std::runtime_error);
    bad = good;
    bad.anchor.state_hash.bytes[0] ^= 1;
    EXPECT_THROW(Bank(genesis, Bank::Options{}, bad), std::runtime_error);
    bad = good;
    bad.window.erase(bad.window.begin() + 1);
    EXPECT_THROW(Bank(genesis, Bank::Options{}, bad), std::runtime_error);
    bad = good;
    bad.window.erase(bad.window.begin());
    EXPECT_THROW(Bank(genesis, Bank::Options{}, bad), std::runtime_error);
    bad = good;
    bad.window.pop_back();
    EXPECT_THROW(Bank(genesis, Bank::Options{}, bad), std::runtime_error);
}

TEST(Anchor, survives_encoding)
{
    Anchor anchor;
    anchor.block = {Slot{1}, hash_of(1)};
    anchor.parent = {Slot{2}, hash_of(2)};
    anchor.height = Height{3};
    anchor.parent_state_hash = hash_of(3);
    anchor.state_hash = hash_of(4);
    anchor.blockhash = hash_of(5);
    anchor.transaction_count = 6;
    anchor.fees_burnt = Lamports{7};
    Bytes bytes;
    ByteWriter out(bytes);
    encode(anchor, out);
    ASSERT_EQ(bytes.size(), anchor_bytes);
    ByteReader in(bytes);
    EXPECT_EQ(decode_anchor(in), anchor);
    EXPECT_TRUE(in.finished());
}

} // namespace
} // namespace belfry::exec
