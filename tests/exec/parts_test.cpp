// SPDX-License-Identifier: Apache-2.0
// The tables and loops under the bank.
#include "exec/account_table.hpp"
#include "exec/arena.hpp"
#include "exec/key_index.hpp"
#include "tests/exec/support.hpp"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>

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
