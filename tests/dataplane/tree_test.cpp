// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256.hpp"
#include "dataplane/turbine/tree.hpp"
#include "tests/dataplane/shred_samples.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <deque>

namespace belfry::dataplane {
namespace {

using samples::Random;

TurbineTree::Options options_for(std::size_t count, std::size_t fanout, Random& random,
                                 std::uint64_t stake_max)
{
    TurbineTree::Options out;
    out.genesis = samples::genesis();
    out.fanout = fanout;
    for (std::size_t i = 0; i < count; ++i) {
        out.roster.push_back({.key = Pubkey::from(samples::random_bytes(random, 32)),
                              .stake = Stake{random() % (stake_max + 1)}});
    }
    return out;
}

/// The same rule by plain subtraction over a list, with OpenSSL's ChaCha20.
std::vector<std::uint16_t> slow_order(const TurbineTree::Options& options, const ShredName& shred,
                                      std::uint16_t leader)
{
    Bytes named{'b', 'e', 'l', 'f', 'r', 'y', '.', 't', 'u', 'r', 'b', 'i', 'n', 'e', '.', '1'};
    ByteWriter writer(named);
    writer.bytes(options.genesis.view());
    writer.u64(shred.slot.value);
    writer.u32(shred.set_index);
    writer.u8(shred.shred_index);
    writer.bytes(options.roster[leader].key.view());
    const Hash seed = crypto::sha256(named);
    Bytes zeros(8 * options.roster.size());
    Bytes stream(zeros.size());
    const std::array<std::uint8_t, 16> counter_and_nonce{};
    EVP_CIPHER_CTX* cipher = EVP_CIPHER_CTX_new();
    int length = 0;
    EXPECT_EQ(EVP_EncryptInit_ex(cipher, EVP_chacha20(), nullptr, seed.bytes.data(),
                                 counter_and_nonce.data()),
              1);
    EXPECT_EQ(EVP_EncryptUpdate(cipher, stream.data(), &length, zeros.data(),
                                static_cast<int>(zeros.size())),
              1);
    EVP_CIPHER_CTX_free(cipher);

    std::vector<std::uint16_t> left;
    std::vector<std::uint16_t> unstaked;
    for (std::size_t i = 0; i < options.roster.size(); ++i) {
        if (i != leader) {
            auto& list = options.roster[i].stake.value == 0 ? unstaked : left;
            list.push_back(static_cast<std::uint16_t>(i));
        }
    }
    std::vector<std::uint16_t> out;
    ByteReader draws(stream);
    while (!left.empty()) {
        std::uint64_t total = 0;
        for (const std::uint16_t index : left) {
            total += options.roster[index].stake.value;
        }
        // floor(draw * total / 2^64), by long multiplication of the halves.
        const std::uint64_t draw = draws.u64();
        const std::uint64_t low = (draw & 0xffffffff) * (total & 0xffffffff);
        const std::uint64_t cross_a = (draw >> 32) * (total & 0xffffffff);
        const std::uint64_t cross_b = (draw & 0xffffffff) * (total >> 32);
        const std::uint64_t carry =
            ((low >> 32) + (cross_a & 0xffffffff) + (cross_b & 0xffffffff)) >> 32;
        std::uint64_t target =
            (draw >> 32) * (total >> 32) + (cross_a >> 32) + (cross_b >> 32) + carry;
        std::size_t at = 0;
        while (target >= options.roster[left[at]].stake.value) {
            target -= options.roster[left[at]].stake.value;
            ++at;
        }
        out.push_back(left[at]);
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(at));
    }
    out.insert(out.end(), unstaked.begin(), unstaked.end());
    return out;
}

TEST(TurbineTree, orders_the_roster_as_the_slow_model_does)
{
    Random random(41);
    for (std::size_t count = 1; count <= 100; ++count) {
        for (const std::uint64_t stake_max :
             {std::uint64_t{1}, std::uint64_t{1000}, UINT64_MAX / 128}) {
            const auto options = options_for(count, 8, random, stake_max);
            TurbineTree tree(options);
            const ShredName shred{Slot{random()}, static_cast<std::uint32_t>(random()),
                                  static_cast<std::uint8_t>(random())};
            const auto leader = static_cast<std::uint16_t>(random() % count);
            const auto order = tree.order(shred, leader);
            EXPECT_EQ(std::vector<std::uint16_t>(order.begin(), order.end()),
                      slow_order(options, shred, leader))
                << count << " validators";
        }
    }
}

TEST(TurbineTree, reaches_every_validator_but_the_leader_exactly_once)
{
    Random random(42);
    for (std::size_t count = 1; count <= 100; ++count) {
        for (const std::size_t fanout : {std::size_t{1}, std::size_t{2}, std::size_t{3},
                                         std::size_t{8}, std::size_t{100}, SIZE_MAX}) {
            TurbineTree tree(options_for(count, fanout, random, 50));
            const ShredName shred{Slot{random() % 1000}, static_cast<std::uint32_t>(random() % 9),
                                  static_cast<std::uint8_t>(random() % 64)};
            const auto leader = static_cast<std::uint16_t>(random() % count);
            std::vector<int> reached(count, 0);
            std::deque<std::uint16_t> pending;
            if (const auto first = tree.first(shred, leader)) {
                pending.push_back(*first);
            }
            while (!pending.empty()) {
                const std::uint16_t me = pending.front();
                pending.pop_front();
                ASSERT_EQ(++reached[me], 1);
                const auto children = tree.children_of(me, shred, leader);
                EXPECT_LE(children.size(), fanout);
                pending.insert(pending.end(), children.begin(), children.end());
            }
            for (std::size_t i = 0; i < count; ++i) {
                EXPECT_EQ(reached[i], i == leader ? 0 : 1);
            }
            EXPECT_TRUE(tree.children_of(leader, shred, leader).empty());
        }
    }
}

TEST(TurbineTree, puts_stake_at_the_root_in_proportion)
{
    TurbineTree::Options options;
    options.genesis = samples::genesis();
    for (std::uint8_t i = 0; i < 4; ++i) {
        Pubkey key;
        key.bytes.fill(i);
        options.roster.push_back({.key = key, .stake = Stake{std::uint64_t{i} * 10}});
    }
    TurbineTree tree(options);
    std::array<int, 4> first_count{};
    constexpr int draws = 12'000;
    for (int i = 0; i < draws; ++i) {
        const ShredName shred{Slot{static_cast<std::uint64_t>(i)}, 0, 0};
        ++first_count[*tree.first(shred, 1)];
        EXPECT_EQ(tree.order(shred, 1).back(), 0) << "without stake, at the bottom";
    }
    // Of 50 left without the leader: 20 and 30. Five standard deviations are 268.
    EXPECT_EQ(first_count[1], 0);
    EXPECT_NEAR(first_count[2], draws * 0.4, 270);
    EXPECT_NEAR(first_count[3], draws * 0.6, 270);
}

TEST(TurbineTree, differs_from_shred_to_shred)
{
    Random random(43);
    TurbineTree tree(options_for(20, 8, random, 5));
    std::set<std::vector<std::uint16_t>> orders;
    for (std::uint8_t i = 0; i < 64; ++i) {
        const auto order = tree.order({Slot{3}, 1, i}, 2);
        orders.insert({order.begin(), order.end()});
    }
    EXPECT_GT(orders.size(), 60U);
}

TEST(TurbineTree, refuses_impossible_configurations)
{
    Random random(44);
    EXPECT_THROW(TurbineTree(options_for(0, 8, random, 5)), std::invalid_argument);
    EXPECT_THROW(TurbineTree(options_for(3, 0, random, 5)), std::invalid_argument);
    auto heavy = options_for(2, 8, random, 5);
    heavy.roster[0].stake = Stake{UINT64_MAX};
    heavy.roster[1].stake = Stake{1};
    EXPECT_THROW(TurbineTree{heavy}, std::invalid_argument);
}

} // namespace
} // namespace belfry::dataplane
