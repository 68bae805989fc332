// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/account_store.hpp"
#include "tests/ledger/data_directory.hpp"
#include "tests/ledger/sample_block.hpp"
#include "tests/ledger/seeded.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>

namespace belfry::ledger {
namespace {

using Accounts = std::map<Pubkey, Account>;

Pubkey address(std::uint64_t number)
{
    Pubkey key;
    for (std::size_t i = 0; i < 8; ++i) {
        key.bytes[i] = static_cast<std::uint8_t>(number * 0x9e3779b97f4a7c15U >> (8 * i));
    }
    return key;
}

Anchor anchor_at(std::uint64_t slot)
{
    return {.block = {.slot = Slot{slot}, .id = filled_hash(slot)},
            .height = Height{slot},
            .state_hash = filled_hash(slot + 1000),
            .chain_hash = filled_hash(slot + 2000),
            .account_count = 0,
            .metadata = Bytes(slot % 300, 0x4d)};
}

class AccountStoreTest : public testing::Test {
protected:
    AccountStoreTest() { open(); }
    void open()
    {
        env_ = std::make_unique<LmdbEnv>(LmdbEnv::Options{.directory = data(),
                                                          .genesis_hash = store_genesis,
                                                          .map_bytes = std::uint64_t{1} << 30});
        store_ = std::make_unique<AccountStore>(*env_);
    }
    void close()
    {
        store_.reset();
        env_.reset();
    }
    [[nodiscard]] std::filesystem::path data() const { return scratch_.path() / "data"; }
    [[nodiscard]] Result<Accounts, StoreError> load() const
    {
        Accounts accounts;
        const auto loaded = store_->load_all([&accounts](const Pubkey& key, Account&& account) {
            accounts.emplace(key, std::move(account));
        });
        if (!loaded) {
            return std::unexpected(loaded.error());
        }
        return accounts;
    }

    ScratchDirectory scratch_;
    std::unique_ptr<LmdbEnv> env_;
    std::unique_ptr<AccountStore> store_;
};

TEST_F(AccountStoreTest, without_a_flush_there_is_neither_anchor_nor_account)
{
    EXPECT_EQ(store_->anchor().value(), std::nullopt);
    EXPECT_TRUE(load().value().empty());
    EXPECT_EQ(store_->account(address(1)).value(), std::nullopt);
}

TEST_F(AccountStoreTest, random_flushes_equal_a_map_also_after_restarts)
{
    std::mt19937 random = seeded(3);
    Accounts model;
    for (std::uint64_t slot = 0; slot < 40; ++slot) {
        std::map<Pubkey, std::optional<Account>> changes;
        for (unsigned i = 0; i < 50; ++i) {
            std::optional<Account> account;
            if (random() % 4 != 0) {
                account = Account{.lamports = Lamports{random()},
                                  .owner = address(random() % 3),
                                  .data = Bytes(random() % 4 == 0 ? random() % 9000 : 0, 0x11),
                                  .executable = random() % 2 == 0};
            }
            changes[address(random() % 300)] = account;
        }
        std::vector<AccountChange> batch;
        for (const auto& [key, account] : changes) {
            batch.push_back({.address = key, .account = account});
            if (account) {
                model[key] = *account;
            } else {
                model.erase(key);
            }
        }
        std::shuffle(batch.begin(), batch.end(), random);
        ASSERT_TRUE(store_->flush(batch, anchor_at(slot)));
        if (slot % 7 == 0) {
            close();
            open();
        }
        ASSERT_EQ(load().value(), model);
        Anchor expected = anchor_at(slot);
        expected.account_count = model.size();
        ASSERT_EQ(store_->anchor().value(), expected);
    }
    EXPECT_EQ(store_->account(model.begin()->first).value(), model.begin()->second);
}

TEST_F(AccountStoreTest, refuses_an_anchor_that_does_not_move_forward_and_an_address_twice)
{
    ASSERT_TRUE(store_->flush({}, anchor_at(5)));
    EXPECT_EQ(store_->flush({}, anchor_at(5)).error(), StoreError::wrong_shape);
    EXPECT_EQ(store_->flush({}, anchor_at(4)).error(), StoreError::wrong_shape);
    const std::vector<AccountChange> twice{{.address = address(1), .account = Account{}},
                                           {.address = address(1), .account = std::nullopt}};
    EXPECT_EQ(store_->flush(twice, anchor_at(6)).error(), StoreError::wrong_shape);
    Anchor large = anchor_at(6);
    large.metadata.resize(anchor_metadata_bytes_max + 1);
    EXPECT_EQ(store_->flush({}, large).error(), StoreError::wrong_shape);
    EXPECT_TRUE(store_->flush({}, anchor_at(6)));
}

TEST_F(AccountStoreTest, a_flipped_bit_a_lost_account_and_a_swapped_one_are_found)
{
    std::vector<AccountChange> changes(20);
    for (std::uint64_t i = 0; i < 20; ++i) {
        changes[i] = {.address = address(i), .account = Account{.lamports = Lamports{i + 1}}};
    }
    ASSERT_TRUE(store_->flush(changes, anchor_at(1)));
    close();
    const Pubkey seventh = address(7);
    const Pubkey eighth = address(8);
    const Bytes key(seventh.bytes.begin(), seventh.bytes.end());
    const Bytes other(eighth.bytes.begin(), eighth.bytes.end());
    const Bytes value = raw_value(data(), "accounts", key);
    for (std::size_t at = 0; at < value.size(); ++at) {
        Bytes flipped = value;
        flipped[at] = static_cast<std::uint8_t>(flipped[at] ^ (1U << (at % 8)));
        put_raw_value(data(), "accounts", key, flipped);
        open();
        ASSERT_EQ(load().error(), StoreError::corrupt_record) << at;
        ASSERT_EQ(store_->account(address(7)).error(), StoreError::corrupt_record) << at;
        close();
    }
    put_raw_value(data(), "accounts", key, raw_value(data(), "accounts", other));
    open();
    EXPECT_EQ(load().error(), StoreError::corrupt_record);
    close();
    erase_raw_value(data(), "accounts", key);
    open();
    EXPECT_EQ(load().error(), StoreError::corrupt_record); // by count
    close();
    put_raw_value(data(), "accounts", key, value);
    open();
    EXPECT_TRUE(load().has_value());
}

} // namespace
} // namespace belfry::ledger
