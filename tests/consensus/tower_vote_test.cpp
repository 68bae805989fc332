// SPDX-License-Identifier: Apache-2.0
#include "consensus/tower/tower_journal.hpp"
#include "consensus/tower/tower_vote.hpp"
#include "tests/filled.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>

namespace belfry::consensus {
namespace {

Tower tower_of(std::uint64_t seed, int votes)
{
    std::mt19937_64 random(seed);
    Tower tower;
    std::uint64_t slot = 0;
    for (int i = 0; i < votes; ++i) {
        slot += 1 + (random() % 4 == 0 ? random() % 9 : 0);
        (void)tower.push(Slot{slot});
    }
    return tower;
}

TowerVote example()
{
    return {.voter = ValidatorIndex{3},
            .tower = tower_of(1, 40),
            .block_id = filled<Hash>(0xB1),
            .state_hash = filled<Hash>(0x5A)};
}

Bytes encoded(const TowerVote& vote)
{
    Bytes body;
    encode_tower_vote(vote, body);
    return body;
}

TEST(TowerVote, has_the_layout_that_the_header_states)
{
    Tower tower;
    (void)tower.push(Slot{0x0102});
    const Bytes body = encoded({.voter = ValidatorIndex{7},
                                .tower = tower,
                                .block_id = filled<Hash>(0xAA),
                                .state_hash = filled<Hash>(0xBB)});
    std::string expected = "0700"
                           "0000000000000000"
                           "01"
                           "0201000000000000"
                           "01";
    for (int i = 0; i < 32; ++i) {
        expected += "aa";
    }
    for (int i = 0; i < 32; ++i) {
        expected += "bb";
    }
    EXPECT_EQ(to_hex(body), expected);
}

TEST(TowerVote, comes_back_as_it_was_for_towers_of_every_depth)
{
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        TowerVote vote = example();
        vote.tower = tower_of(seed, 1 + static_cast<int>(seed % 70));
        const Bytes body = encoded(vote);
        EXPECT_LE(body.size(), tower_vote_bytes_max);
        const auto decoded = decode_tower_vote(body);
        ASSERT_TRUE(decoded.has_value()) << "seed " << seed;
        EXPECT_EQ(*decoded, vote);
    }
}

TEST(TowerVote, is_refused_when_a_byte_is_missing_or_over)
{
    const Bytes body = encoded(example());
    for (std::size_t length = 0; length < body.size(); ++length) {
        EXPECT_FALSE(decode_tower_vote(ByteView{body}.first(length)).has_value()) << length;
    }
    Bytes longer = body;
    longer.push_back(0);
    EXPECT_EQ(decode_tower_vote(longer).error(), TowerVoteError::wrong_length);
}

TEST(TowerVote, is_refused_by_name_when_no_honest_tower_is_so)
{
    const auto changed = [](std::size_t at, std::uint8_t to) {
        Bytes body = encoded(example());
        body.at(at) = to;
        return decode_tower_vote(body).error();
    };
    EXPECT_EQ(changed(1, 0x01), TowerVoteError::unknown_voter); // 0x0103 = 259
    EXPECT_EQ(changed(10, 0), TowerVoteError::no_entry);
    EXPECT_EQ(changed(10, 32), TowerVoteError::too_many_entries);
    EXPECT_EQ(changed(9, 0xFF), TowerVoteError::malformed_tower);       // root above all entries
    EXPECT_EQ(changed(11 + 8, 32), TowerVoteError::malformed_tower);    // confirmations over 31
    EXPECT_EQ(changed(11 + 9 + 8, 1), TowerVoteError::malformed_tower); // less than its depth
}

// What is accepted has one encoding only, whatever bytes arrive.
TEST(TowerVote, accepted_bytes_encode_to_themselves)
{
    std::mt19937_64 random(5);
    const Bytes good = encoded(example());
    int accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        Bytes body = good;
        for (std::uint64_t flips = random() % 4; flips > 0; --flips) {
            body[random() % body.size()] = static_cast<std::uint8_t>(random() & 0xFF);
        }
        if (const auto decoded = decode_tower_vote(body)) {
            ++accepted;
            EXPECT_EQ(encoded(*decoded), body);
        }
    }
    EXPECT_GT(accepted, 1000);
}

VoteRecord record_example()
{
    VoteRecord record{.vote = example(), .ids = {}, .root_id = filled<Hash>(0x10)};
    for (std::size_t i = 0; i < record.vote.tower.depth(); ++i) {
        record.ids.push_back(filled<Hash>(static_cast<std::uint8_t>(i)));
    }
    record.ids.back() = record.vote.block_id;
    return record;
}

TEST(TowerJournal, records_come_back_as_they_were)
{
    const TowerRecord vote = record_example();
    const TowerRecord slot = SlotRecord{.builder = ValidatorIndex{2}, .slot = Slot{77}};
    for (const TowerRecord& record : {vote, slot}) {
        Bytes bytes;
        encode_tower_record(record, bytes);
        EXPECT_LE(bytes.size(), tower_record_bytes_max);
        EXPECT_EQ(decode_tower_record(bytes), record);
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            EXPECT_EQ(decode_tower_record(ByteView{bytes}.first(length)), std::nullopt) << length;
        }
        bytes.push_back(0);
        EXPECT_EQ(decode_tower_record(bytes), std::nullopt);
    }
}

TEST(TowerJournal, random_bytes_never_do_more_than_be_refused)
{
    std::mt19937_64 random(6);
    Bytes good;
    encode_tower_record(record_example(), good);
    for (int i = 0; i < 20'000; ++i) {
        Bytes bytes = good;
        bytes.resize(random() % 8 == 0 ? random() % good.size() : good.size());
        for (std::uint64_t flips = random() % 3; flips > 0 && !bytes.empty(); --flips) {
            bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random() & 0xFF);
        }
        if (const auto decoded = decode_tower_record(bytes)) {
            Bytes again;
            encode_tower_record(*decoded, again);
            EXPECT_EQ(again, bytes);
        }
    }
}

} // namespace
} // namespace belfry::consensus
