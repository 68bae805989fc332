// SPDX-License-Identifier: Apache-2.0
// The tables and loops under the bank.
#include "exec/account_table.hpp"
#include "exec/arena.hpp"
#include "exec/in_flight.hpp"
#include "exec/key_index.hpp"
#include "tests/exec/support.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <map>
#include <numeric>
#include <random>
#include <thread>

namespace belfry::exec {
namespace {

TEST(AccountTable, does_what_a_map_does)
{
    std::mt19937_64 random(test::seed_of_run());
    AccountTable table;
    std::map<Pubkey, ledger::Account> model;
    for (int step = 0; step < 200'000; ++step) {
        Pubkey key;
        key.bytes[0] = static_cast<std::uint8_t>(random() % 251);
        key.bytes[31] = static_cast<std::uint8_t>(random() % 4);
        if (random() % 5 < 3) {
            ledger::Account account;
            account.lamports = Lamports{random() % 100};
            table.put(key, account);
            model[key] = account;
        } else {
            table.erase(key);
            model.erase(key);
        }
        ASSERT_EQ(table.size(), model.size());
        const auto expected = model.find(key);
        const ledger::Account* found = table.find(key);
        ASSERT_EQ(found != nullptr, expected != model.end());
    }
    std::map<Pubkey, ledger::Account> walked;
    for (std::size_t i = 0; i < table.size(); ++i) {
        walked.emplace(table.at(i).key, table.at(i).account);
    }
    EXPECT_EQ(walked, model);
    for (const auto& [key, account] : model) {
        ASSERT_EQ(*table.find(key), account);
    }
}

TEST(KeyIndex, finds_all_values_that_share_a_fingerprint_through_every_erase)
{
    std::mt19937_64 random(test::seed_of_run());
    PlaceIndex index;
    std::multimap<std::uint32_t, std::uint32_t> model;
    for (std::uint32_t step = 0; step < 50'000; ++step) {
        // Few fingerprints close to one another: long runs, and homes at the end of the table.
        const std::uint32_t fingerprint = static_cast<std::uint32_t>(random() % 40) - 20;
        if (random() % 2 == 0 || model.empty()) {
            index.insert(fingerprint, step);
            model.emplace(fingerprint, step);
        } else {
            auto at = model.begin();
            std::advance(at, static_cast<std::ptrdiff_t>(random() % model.size()));
            index.erase(at->first, at->second);
            model.erase(at);
        }
        std::vector<std::uint32_t> found;
        EXPECT_FALSE(index.find(fingerprint, [&](std::uint32_t value) {
            found.push_back(value);
            return false;
        }));
        std::sort(found.begin(), found.end());
        std::vector<std::uint32_t> expected;
        const auto [begin, end] = model.equal_range(fingerprint);
        std::transform(begin, end, std::back_inserter(expected),
                       [](const auto& entry) { return entry.second; });
        std::sort(expected.begin(), expected.end());
        ASSERT_EQ(found, expected);
        if (model.size() > 200) {
            index.clear();
            model.clear();
        }
    }
}

TEST(Arena, hands_the_block_at_hand_on_to_every_worker_and_takes_it_back)
{
    const ParallelismLimit limit(4);
    Arena arena(4);
    const ledger::BlockRef block{.slot = Slot{3}, .id = {}};
    const std::thread::id caller = std::this_thread::get_id();
    std::array<std::size_t, 4> seen{};
    std::array<std::size_t, 4> by_others{};
    std::array<std::size_t, 4> left_behind{};
    const auto work = [&](const Chunk& chunk) {
        ++(in_flight.block == &block ? seen : left_behind)[chunk.worker];
        by_others[chunk.worker] += std::this_thread::get_id() == caller ? 0U : 1U;
        const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
        while (std::chrono::steady_clock::now() < until) {
        }
    };
    const auto sum = [](const auto& counts) {
        return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
    };
    for (int loop = 0; loop < 1000 && sum(by_others) < 10; ++loop) {
        const BlockInFlight mark(&block);
        arena.for_chunks(64, 1, work);
    }
    EXPECT_GE(sum(by_others), 10U);
    EXPECT_EQ(sum(left_behind), 0U);
    EXPECT_EQ(in_flight.block, nullptr);
    seen = {};
    arena.for_chunks(256, 1, work); // with nothing in hand
    EXPECT_EQ(sum(seen), 0U);
}

TEST(Arena, covers_every_index_once_with_valid_workers)
{
    const ParallelismLimit limit(8);
    for (const std::size_t threads : {1U, 2U, 8U}) {
        Arena arena(threads);
        for (const std::size_t count : {0U, 1U, 31U, 32U, 33U, 1000U, 4097U}) {
            std::vector<int> seen(count, 0);
            std::vector<std::size_t> by_worker(threads, 0);
            arena.for_chunks(count, 32, [&](const Chunk& chunk) {
                for (std::size_t i = chunk.begin; i < chunk.end; ++i) {
                    ++seen[i];
                }
                by_worker.at(chunk.worker) += chunk.end - chunk.begin;
            });
            EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<std::ptrdiff_t>(count));
            EXPECT_EQ(std::accumulate(by_worker.begin(), by_worker.end(), std::size_t{0}), count);
        }
    }
}

} // namespace
} // namespace belfry::exec
