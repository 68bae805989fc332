// SPDX-License-Identifier: Apache-2.0
// getSignaturesForAddress where confirmed and final blocks meet.
#include "crypto/base58.hpp"
#include "tests/node/stored_blocks.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>

namespace belfry::node {
namespace {

namespace json = boost::json;

class AddressSeamTest : public StoredBlocksTest {
protected:
    struct Listed {
        std::string signature;
        std::string status;
        friend bool operator==(const Listed&, const Listed&) = default;
    };
    void SetUp() override
    {
        StoredBlocksTest::SetUp();
        const Hash recent = first_.state->blockhash();
        for (const std::uint64_t lamports : {11U, 12U}) { // to nobody of the others
            above_.push_back(test::transfer({.from = wallets_[1],
                                             .to = wallets_[0].pubkey,
                                             .lamports = lamports,
                                             .blockhash = recent}));
        }
        above_.push_back(test::transfer({.from = wallets_[1],
                                         .to = wallets_[2].pubkey,
                                         .lamports = 900 * test::sol, // fails
                                         .blockhash = recent}));
        third_ = test::build(
            *bank_, {.parent = second_.block.ref.id, .slot = Slot{6}, .transactions = {above_[0]}});
        fourth_ = test::build(*bank_, {.parent = third_.block.ref.id,
                                       .slot = Slot{8},
                                       .transactions = {above_[1], above_[2]}});
        put_block(third_);
        finalize(first_);
        finalize(second_);
        follower_.emplace(*env_, *index_);
        while (follower_->step()) {
        }
        for (const ledger::Transaction& one : transactions_) {
            names_.push_back(name(one));
        }
        for (const ledger::Transaction& one : above_) {
            names_.push_back(name(one));
        }
    }
    static std::string name(const ledger::Transaction& transaction)
    {
        return crypto::to_base58(transaction.signature(0));
    }
    static UnfinalChainAnswer::Block told(const test::BuiltBlock& built)
    {
        UnfinalChainAnswer::Block block{.ref = built.block.ref, .errors = {}};
        for (const exec::TransactionStatus& status : built.statuses) {
            block.errors.push_back(status.error);
        }
        return block;
    }
    [[nodiscard]] std::vector<Listed> list(const GetSignaturesForAddress& question,
                                           const UnfinalChainAnswer& so_far)
    {
        std::vector<Listed> all;
        const json::value parsed = json::parse(text(question, so_far));
        for (const json::value& entry : parsed.as_array()) {
            all.push_back({std::string(entry.at("signature").as_string()),
                           std::string(entry.at("confirmationStatus").as_string())});
        }
        return all;
    }
    /// By place in names_, and whether each is final.
    [[nodiscard]] std::vector<Listed> expected(const std::vector<std::size_t>& places,
                                               std::size_t confirmed_count) const
    {
        std::vector<Listed> all;
        for (const std::size_t place : places) {
            all.push_back(
                {names_[place], all.size() < confirmed_count ? "confirmed" : "finalized"});
        }
        return all;
    }

    std::optional<AddressFollower> follower_;
    test::BuiltBlock third_;
    test::BuiltBlock fourth_;
    std::vector<ledger::Transaction> above_;
    std::vector<std::string> names_; // oldest first: three that are final, three that are not
};

TEST_F(AddressSeamTest, confirmed_ones_come_before_final_ones_and_before_until_and_limit_cross_over)
{
    put_block(fourth_);
    const UnfinalChainAnswer so_far{.finalized = Slot{5}, .above = {told(fourth_), told(third_)}};
    const Pubkey& middle = wallets_[1].pubkey; // in all six
    const auto signature = [this](std::size_t place) {
        return place < 3 ? transactions_[place].signature(0) : above_[place - 3].signature(0);
    };
    EXPECT_EQ(list({.address = middle}, so_far), expected({5, 4, 3, 2, 1, 0}, 3));
    EXPECT_EQ(list({.address = wallets_[2].pubkey}, so_far), expected({5, 1}, 1));
    EXPECT_EQ(list({.address = middle, .count_max = 4}, so_far), expected({5, 4, 3, 2}, 3));
    EXPECT_EQ(list({.address = middle, .count_max = 2}, so_far), expected({5, 4}, 2));
    for (std::size_t before = 0; before < 6; ++before) {
        for (std::size_t until = 0; until < 6; ++until) {
            for (const std::size_t limit : {1U, 2U, 6U}) {
                std::vector<std::size_t> places;
                for (std::size_t at = before; at-- > until + 1 && places.size() < limit;) {
                    places.push_back(at);
                }
                const auto confirmed = static_cast<std::size_t>(
                    std::ranges::count_if(places, [](std::size_t at) { return at >= 3; }));
                EXPECT_EQ(list({.address = middle,
                                .before = signature(before),
                                .until = signature(until),
                                .count_max = limit},
                               so_far),
                          expected(places, confirmed))
                    << before << " to " << until << ", " << limit;
            }
        }
    }
    EXPECT_NE(text(GetSignaturesForAddress{.address = middle, .count_max = 1}, so_far)
                  .find(R"("slot":8,"err":{"InstructionError":[0,{"Custom":1}]},"memo":null)"),
              std::string::npos);
    const UnfinalChainAnswer final_only{.finalized = Slot{5}, .above = {}};
    EXPECT_EQ(list({.address = middle}, final_only), expected({2, 1, 0}, 0));
}

TEST_F(AddressSeamTest, nothing_is_missing_or_twice_while_blocks_become_final)
{
    const Pubkey& middle = wallets_[1].pubkey;
    const UnfinalChainAnswer asked_early{.finalized = Slot{5},
                                         .above = {told(fourth_), told(third_)}};
    EXPECT_FALSE(ask(GetSignaturesForAddress{.address = middle}, asked_early))
        << "a confirmed block is not stored yet";
    put_block(fourth_);
    finalize(third_); // in the store, and not in the index
    EXPECT_EQ(list({.address = middle}, asked_early), expected({5, 4, 3, 2, 1, 0}, 3));
    const UnfinalChainAnswer asked_late{.finalized = Slot{6}, .above = {told(fourth_)}};
    EXPECT_FALSE(ask(GetSignaturesForAddress{.address = middle}, asked_late))
        << "the index is a moment behind";
    while (follower_->step()) {
    }
    EXPECT_EQ(list({.address = middle}, asked_late), expected({5, 4, 3, 2, 1, 0}, 2));
    EXPECT_EQ(list({.address = middle}, asked_early), expected({5, 4, 3, 2, 1, 0}, 3))
        << "the index is ahead of what the bank has said";
}

TEST_F(AddressSeamTest, an_index_that_is_far_behind_lists_what_it_has)
{
    put_block(fourth_);
    const UnfinalChainAnswer so_far{.finalized = Slot{500}, .above = {told(fourth_)}};
    EXPECT_EQ(list({.address = wallets_[1].pubkey}, so_far), expected({2, 1, 0}, 0))
        << "and none behind the hole";
}

} // namespace
} // namespace belfry::node
