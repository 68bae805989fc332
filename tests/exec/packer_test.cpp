// SPDX-License-Identifier: Apache-2.0
#include "exec/packer.hpp"
#include "tests/exec/support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

namespace belfry::exec {
namespace {

using namespace test; // NOLINT(google-build-using-namespace)

class PoolTest : public testing::Test {
protected:
    std::vector<crypto::InsecureSigningKey> keys = wallets(40);
    ledger::Genesis genesis = small_genesis(keys);
    ExecutionRules rules = ExecutionRules::from(genesis);
    TransactionPool pool{TransactionPool::Options{.transactions_max = 10,
                                                  .waiting_max = 2,
                                                  .conflict_chain_max = 3,
                                                  .unknown_slots_max = 20},
                         rules};
    std::map<Hash, BlockhashAge> ages;
    Hash good = crypto::sha256(Bytes{1});
    Hash old = crypto::sha256(Bytes{2});
    Hash unknown = crypto::sha256(Bytes{3});

    void SetUp() override
    {
        ages[good] = BlockhashAge::valid;
        ages[old] = BlockhashAge::expired;
    }
    [[nodiscard]] TransactionPool::AgeOf age_of() const
    {
        return [this](const Hash& hash) {
            const auto found = ages.find(hash);
            return found != ages.end() ? found->second : BlockhashAge::unknown;
        };
    }
    /// One million units at that many micro-lamports each: the price is the fee in lamports.
    [[nodiscard]] ledger::Transaction priced(std::size_t from, std::uint64_t price) const
    {
        return priced_to(from, from + 20, price);
    }
    [[nodiscard]] ledger::Transaction priced_to(std::size_t from, std::size_t to,
                                                std::uint64_t price) const
    {
        return transaction(
            {&keys[from]}, good,
            {ledger::compute_unit_limit(1'000'000), ledger::compute_unit_price(price),
             ledger::system_transfer(
                 {.from = keys[from].pubkey, .to = keys[to].pubkey, .lamports = Lamports{1}})});
    }
    [[nodiscard]] ledger::Transaction plain(std::size_t from, const Hash& blockhash) const
    {
        return transfer({keys[from], keys[from + 20].pubkey, 1, blockhash});
    }
    [[nodiscard]] std::vector<Hash> take(std::size_t count)
    {
        std::vector<Hash> taken;
        for (const ledger::Transaction* one :
             pool.take_batch({.transactions_max = count}, age_of())) {
            taken.push_back(one->message_hash());
        }
        return taken;
    }
    void settle(std::size_t count, PackResult result)
    {
        pool.settle(std::vector<PackOutcome>(count, PackOutcome{.result = result}));
    }
    [[nodiscard]] std::vector<Hash> forwards(std::uint64_t window, std::size_t count_max = 100)
    {
        std::vector<Hash> planned;
        const std::size_t count =
            pool.plan_forwards(window, count_max, [&](const ledger::Transaction& one) {
                planned.push_back(one.message_hash());
            });
        EXPECT_EQ(count, planned.size());
        return planned;
    }
    InsertResult put(const ledger::Transaction& one, Origin origin = Origin::direct)
    {
        return pool.insert(one, origin, Slot{100});
    }
};

TEST_F(PoolTest, the_higher_fee_goes_first_and_then_the_earlier_arrival)
{
    struct Arrival {
        std::uint64_t price;
        std::size_t order;
        Hash message;
    };
    std::vector<Arrival> expected;
    for (std::size_t i = 0; i < 8; ++i) {
        const ledger::Transaction one = priced(i, (i * 5) % 3);
        EXPECT_EQ(put(one), InsertResult::inserted);
        expected.push_back({(i * 5) % 3, i, one.message_hash()});
    }
    std::sort(expected.begin(), expected.end(), [](const Arrival& a, const Arrival& b) {
        return a.price != b.price ? a.price > b.price : a.order < b.order;
    });
    const std::vector<Hash> taken = take(100);
    ASSERT_EQ(taken.size(), 8U);
    for (std::size_t i = 0; i < taken.size(); ++i) {
        EXPECT_EQ(taken[i], expected[i].message);
    }
    settle(8, PackResult::included);
}

TEST_F(PoolTest, a_full_pool_gives_up_its_lowest_fee_for_a_higher_one_only)
{
    for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_EQ(put(priced(i, 10 + i)), InsertResult::inserted);
    }
    EXPECT_EQ(put(priced(10, 10)), InsertResult::full); // equal to the lowest
    EXPECT_EQ(put(priced(11, 11)), InsertResult::inserted);
    EXPECT_EQ(pool.size(), 10U);
    EXPECT_FALSE(pool.holds_message(priced(0, 10).message_hash()));
    EXPECT_TRUE(pool.holds_message(priced(11, 11).message_hash()));
    EXPECT_EQ(pool.counters().refused_full, 1U);
    EXPECT_EQ(pool.counters().evicted_by_fee, 1U);
    EXPECT_EQ(put(priced(11, 11)), InsertResult::duplicate);
}

TEST_F(PoolTest, a_batch_holds_a_bounded_chain_of_conflicts_and_the_rest_comes_later)
{
    for (std::size_t i = 0; i < 6; ++i) {
        ASSERT_EQ(put(priced_to(i, 39, 100 - i)), InsertResult::inserted); // all pay wallet 39
    }
    ASSERT_EQ(put(priced(7, 1)), InsertResult::inserted);
    const std::vector<Hash> first = take(100);
    ASSERT_EQ(first.size(), 4U); // three of the chain and the one beside it
    EXPECT_EQ(first[0], priced_to(0, 39, 100).message_hash());
    EXPECT_EQ(first[3], priced(7, 1).message_hash());
    settle(4, PackResult::included);
    const std::vector<Hash> second = take(100);
    ASSERT_EQ(second.size(), 3U);
    EXPECT_EQ(second[0], priced_to(3, 39, 97).message_hash());
    settle(3, PackResult::included);
    EXPECT_TRUE(take(100).empty());
    settle(0, PackResult::included);
}

TEST_F(PoolTest, an_unknown_blockhash_waits_bounded_and_gets_another_chance)
{
    for (std::size_t i = 0; i < 3; ++i) {
        ASSERT_EQ(put(plain(i, unknown)), InsertResult::inserted);
    }
    EXPECT_TRUE(take(100).empty());
    settle(0, PackResult::included);
    EXPECT_EQ(pool.waiting_count(), 2U);
    EXPECT_EQ(pool.counters().dropped_waiting_full, 1U);
    EXPECT_EQ(pool.size(), 2U);
    ages[unknown] = BlockhashAge::valid; // a block brought it
    EXPECT_TRUE(take(100).empty());
    settle(0, PackResult::included);
    pool.expire(Slot{101}, age_of());
    EXPECT_EQ(take(100).size(), 2U);
    settle(2, PackResult::blockhash_not_found); // the builder's fork does not know it after all
    EXPECT_EQ(pool.waiting_count(), 2U);
    pool.expire(Slot{120}, age_of());
    ages.erase(unknown);
    pool.expire(Slot{120}, age_of());
    EXPECT_EQ(pool.size(), 2U); // 20 slots: just not too long
    pool.expire(Slot{121}, age_of());
    EXPECT_EQ(pool.size(), 0U);
    EXPECT_EQ(pool.counters().expired_unknown, 2U);
}

TEST_F(PoolTest, an_expired_blockhash_is_dropped_by_packing_and_by_expiry)
{
    ASSERT_EQ(put(plain(0, old)), InsertResult::inserted);
    EXPECT_TRUE(take(100).empty());
    settle(0, PackResult::included);
    EXPECT_EQ(pool.size(), 0U);
    ASSERT_EQ(put(plain(0, old)), InsertResult::inserted);
    pool.expire(Slot{100}, age_of());
    EXPECT_EQ(pool.size(), 0U);
    EXPECT_EQ(pool.counters().expired, 2U);
}

TEST_F(PoolTest, a_direct_transaction_is_forwarded_once_per_window_until_it_is_processed)
{
    const ledger::Transaction first = plain(0, good);
    const ledger::Transaction second = plain(1, unknown); // waiting ones go too
    const ledger::Transaction passed_on = plain(2, good);
    ASSERT_EQ(put(first), InsertResult::inserted);
    ASSERT_EQ(put(second), InsertResult::inserted);
    ASSERT_EQ(put(passed_on, Origin::forwarded), InsertResult::inserted);
    const std::vector<Hash> both{first.message_hash(), second.message_hash()};
    EXPECT_EQ(forwards(7, 1), std::vector<Hash>{both[0]});
    EXPECT_EQ(forwards(7, 1), std::vector<Hash>{both[1]});
    EXPECT_TRUE(forwards(7).empty());
    const ledger::Transaction third = plain(3, good); // arrives within the window
    ASSERT_EQ(put(third), InsertResult::inserted);
    EXPECT_EQ(forwards(7), std::vector<Hash>{third.message_hash()});
    EXPECT_EQ(forwards(8).size(), 3U);
    const std::vector<TransactionStatus> block{
        {.message_hash = first.message_hash(), .first_signature = {}, .error = {}, .fee = {}},
        {.message_hash = crypto::sha256(Bytes{9}), .first_signature = {}, .error = {}, .fee = {}}};
    pool.on_block_processed(block);
    EXPECT_EQ(pool.counters().seen_processed, 1U);
    EXPECT_EQ(forwards(9), (std::vector<Hash>{both[1], third.message_hash()}));
    pool.expire(Slot{200}, age_of()); // the unknown one has had its time
    EXPECT_EQ(forwards(10), std::vector<Hash>{third.message_hash()});
    // The place of a dropped one is used again; nothing is planned twice for it.
    ASSERT_EQ(put(plain(4, good)), InsertResult::inserted);
    EXPECT_EQ(forwards(10), std::vector<Hash>{plain(4, good).message_hash()});
    EXPECT_EQ(pool.counters().forwards_planned, 10U);
}

TEST_F(PoolTest, what_the_own_block_took_is_out_of_the_way_until_that_is_known)
{
    const ledger::Transaction one = plain(0, good);
    ASSERT_EQ(put(one), InsertResult::inserted);
    ASSERT_EQ(take(10).size(), 1U);
    settle(1, PackResult::included);
    EXPECT_TRUE(take(10).empty());
    settle(0, PackResult::included);
    EXPECT_TRUE(forwards(1).empty());
    EXPECT_EQ(put(one), InsertResult::duplicate);
    pool.release_packed(); // the block was given up
    EXPECT_EQ(forwards(2).size(), 1U);
    EXPECT_EQ(take(10).size(), 1U);
    settle(1, PackResult::block_full);
    EXPECT_EQ(take(10).size(), 1U); // it stayed ready
    settle(1, PackResult::payer_cannot_pay);
    EXPECT_EQ(pool.size(), 0U);
    EXPECT_EQ(pool.counters().dropped_payer, 1U);
}

TEST_F(PoolTest, only_the_same_bytes_count_as_verified)
{
    const ledger::Transaction one = plain(0, good);
    ASSERT_EQ(put(one), InsertResult::inserted);
    Bytes other(one.wire().begin(), one.wire().end());
    other[40] ^= 1;
    const ledger::Transaction resigned = *ledger::parse_transaction(other);
    ASSERT_EQ(resigned.message_hash(), one.message_hash());
    EXPECT_TRUE(pool.holds_exactly(one));
    EXPECT_FALSE(pool.holds_exactly(resigned));
    EXPECT_FALSE(pool.holds_exactly(plain(1, good)));
}

TEST_F(PoolTest, a_batch_fits_the_bytes_that_it_is_given)
{
    for (std::size_t i = 0; i < 6; ++i) {
        ASSERT_EQ(put(plain(i, good)), InsertResult::inserted);
    }
    const std::size_t three =
        ledger::transactions_entry_overhead(3) + 3 * plain(0, good).wire().size();
    EXPECT_EQ(pool.take_batch({.stream_bytes_max = three}, age_of()).size(), 3U);
    settle(3, PackResult::included);
    EXPECT_EQ(pool.take_batch({.stream_bytes_max = three - 1}, age_of()).size(), 2U);
    settle(2, PackResult::included);
}

/// Whoever asks why a transaction is gone is told by these events: one for each count, of the right
/// transaction.
TEST_F(PoolTest, tells_of_everything_that_it_counts)
{
    std::map<PoolEvent, std::uint64_t> told;
    std::map<Hash, PoolEvent> last;
    pool.observe([&](PoolEvent event, const ledger::Transaction& one) {
        ++told[event];
        last[one.message_hash()] = event;
    });
    std::uint64_t state = 1; // a fixed sequence
    const auto draw = [&state](std::uint64_t below) {
        state = state * 6'364'136'223'846'793'005U + 1;
        return (state >> 33) % below;
    };
    const std::array results{PackResult::included,
                             PackResult::duplicate,
                             PackResult::payer_cannot_pay,
                             PackResult::blockhash_expired,
                             PackResult::blockhash_not_found,
                             PackResult::block_full};
    const std::array<Hash, 3> hashes{good, old, unknown};
    for (std::uint64_t step = 0; step < 4000; ++step) {
        const std::uint64_t from = draw(20);
        switch (draw(6)) {
        case 0:
        case 1: {
            const std::size_t count = pool.take_batch({.transactions_max = 3}, age_of()).size();
            settle(count, results[draw(results.size())]);
            break;
        }
        case 2:
            if (draw(4) == 0) {
                pool.expire(Slot{100 + draw(40)}, age_of());
            }
            break;
        case 3:
            (void)put(plain(from, hashes[draw(3)]));
            break;
        default:
            (void)put(priced(from, draw(30)));
        }
        if (draw(50) == 0) {
            pool.release_packed();
        }
    }
    const PoolCounters& counts = pool.counters();
    const std::map<PoolEvent, std::uint64_t> counted{
        {PoolEvent::inserted, counts.inserted},
        {PoolEvent::duplicate, counts.duplicate},
        {PoolEvent::refused_full, counts.refused_full},
        {PoolEvent::evicted_by_fee, counts.evicted_by_fee},
        {PoolEvent::dropped_waiting_full, counts.dropped_waiting_full},
        {PoolEvent::packed, counts.packed},
        {PoolEvent::dropped_duplicate, counts.dropped_duplicate},
        {PoolEvent::dropped_payer, counts.dropped_payer},
        {PoolEvent::expired, counts.expired},
        {PoolEvent::expired_unknown, counts.expired_unknown}};
    for (const auto& [event, count] : counted) {
        EXPECT_GT(count, 0U) << static_cast<int>(event);
        EXPECT_EQ(told[event], count) << static_cast<int>(event);
    }
    EXPECT_GT(told[PoolEvent::waiting], 0U);
    for (const auto& [message, event] : last) {
        const bool is_held = event == PoolEvent::inserted || event == PoolEvent::duplicate ||
                             event == PoolEvent::waiting || event == PoolEvent::packed;
        EXPECT_EQ(pool.holds_message(message), is_held) << static_cast<int>(event);
    }
}

TEST_F(PoolTest, tells_once_that_a_transaction_waits)
{
    int told = 0;
    pool.observe([&told](PoolEvent event, const ledger::Transaction&) {
        told += event == PoolEvent::waiting ? 1 : 0;
    });
    ASSERT_EQ(put(plain(0, unknown)), InsertResult::inserted);
    for (std::uint64_t slot = 100; slot < 110; ++slot) { // every slot gives it another chance
        EXPECT_TRUE(take(10).empty());
        settle(0, PackResult::included);
        pool.expire(Slot{slot}, age_of());
    }
    EXPECT_EQ(told, 1);
}

TEST_F(PoolTest, works_with_a_builder_from_arrival_to_a_processed_block)
{
    Bank bank(genesis, Bank::Options{});
    TransactionPool big(TransactionPool::Options{}, rules);
    for (std::size_t i = 0; i < 20; ++i) {
        (void)big.insert(plain(i, bank.genesis_hash()), Origin::direct, Slot{0});
    }
    (void)big.insert(transfer({wallet(999), keys[0].pubkey, 1, bank.genesis_hash()}),
                     Origin::direct, Slot{0}); // no such account
    auto builder = bank.start_block({Slot{1}, bank.genesis_hash(), leader()}).value();
    while (big.ready_count() > 0) {
        const auto batch = big.take_batch({.transactions_max = 6}, [&](const Hash& hash) {
            return builder->blockhash_age(hash);
        });
        big.settle(builder->add(batch));
    }
    EXPECT_EQ(builder->transaction_count(), 20U);
    EXPECT_EQ(big.counters().dropped_payer, 1U);
    (void)builder->finish();
    const BlockState* state = bank.seal(std::move(builder), crypto::sha256(Bytes{1})).value();
    big.on_block_processed(state->statuses);
    EXPECT_EQ(big.size(), 0U);
}

} // namespace
} // namespace belfry::exec
