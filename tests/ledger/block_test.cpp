// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/account.hpp"
#include "ledger/model/block.hpp"
#include "tests/ledger/sample_block.hpp"

#include <gtest/gtest.h>

#include <random>

namespace belfry::ledger {
namespace {

constexpr BlockRef parent{.slot = Slot{4}, .id = filled_hash(99)};

std::optional<BlockError> block_verdict(const std::vector<ShredSet>& sets)
{
    const auto block = assemble_block(sets);
    return block ? std::nullopt : std::optional(block.error());
}

TEST(ShredSet, what_is_encoded_is_decoded_and_nothing_else_is)
{
    const ShredSet set = sample_block(Slot{7}, parent, 3).sets[1];
    const Bytes encoded = encode_shred_set(set);
    const auto decoded = decode_shred_set(encoded);
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(*decoded, set);
    for (std::size_t length = 0; length < encoded.size(); ++length) {
        ASSERT_EQ(decode_shred_set(ByteView(encoded).first(length)).error(),
                  ShredSetError::truncated);
    }
    Bytes longer = encoded;
    longer.push_back(0);
    EXPECT_EQ(decode_shred_set(longer).error(), ShredSetError::trailing_bytes);
}

TEST(ShredSet, every_field_is_part_of_the_encoding)
{
    const ShredSet set = sample_block(Slot{7}, parent, 3).sets[1];
    const Bytes encoded = encode_shred_set(set);
    for (std::size_t at = 0; at < encoded.size(); ++at) {
        Bytes changed = encoded;
        changed[at] ^= 1;
        const auto decoded = decode_shred_set(changed);
        ASSERT_TRUE(!decoded || !(*decoded == set)) << at;
        ASSERT_TRUE(!decoded || encode_shred_set(*decoded) == changed) << at;
    }
}

TEST(ShredSet, shapes_outside_the_bounds_are_refused)
{
    const ShredSet sound = sample_block(Slot{7}, parent, 1).sets[0];
    EXPECT_TRUE(shred_set_shape_is_valid(sound));
    const auto broken = [&sound](auto change) {
        ShredSet set = sound;
        change(set);
        return !shred_set_shape_is_valid(set);
    };
    EXPECT_TRUE(broken([](ShredSet& set) { set.parent_slot = set.slot; }));
    EXPECT_TRUE(broken([](ShredSet& set) { set.index = block_sets_max; }));
    EXPECT_TRUE(broken([](ShredSet& set) { set.data_count = 0; }));
    EXPECT_TRUE(broken([](ShredSet& set) { set.data_count = set_data_shreds_max + 1; }));
    EXPECT_TRUE(broken([](ShredSet& set) { set.parity_count = 0; }));
    EXPECT_TRUE(broken([](ShredSet& set) { set.parity_count = set_parity_shreds_max + 1; }));
    EXPECT_TRUE(broken([](ShredSet& set) { set.payload.clear(); }));
    EXPECT_TRUE(broken([](ShredSet& set) { set.payload.resize(set_payload_bytes_max + 1); }));
}

TEST(Block, is_the_joined_payload_of_its_sets_under_the_last_root)
{
    const SampleBlock sample = sample_block(Slot{7}, parent, 3);
    const auto block = assemble_block(sample.sets);
    ASSERT_TRUE(block.has_value());
    EXPECT_EQ(block->ref, (BlockRef{.slot = Slot{7}, .id = sample.sets[2].root}));
    EXPECT_EQ(block->parent, parent);
    EXPECT_EQ(block->set_roots, sample.record.set_roots);
    Bytes joined;
    for (const ShredSet& set : sample.sets) {
        joined.insert(joined.end(), set.payload.begin(), set.payload.end());
    }
    EXPECT_EQ(block->stream, joined);
}

TEST(Block, sets_that_do_not_make_one_block_are_refused)
{
    const std::vector<ShredSet> sound = sample_block(Slot{7}, parent, 3).sets;
    EXPECT_EQ(block_verdict({}), BlockError::no_set);
    EXPECT_EQ(block_verdict({sound[0], sound[2]}), BlockError::wrong_index);
    EXPECT_EQ(block_verdict({sound[1], sound[2]}), BlockError::wrong_index);
    EXPECT_EQ(block_verdict({sound[0], sound[1]}), BlockError::wrong_last);
    auto changed = sound;
    changed[0].last = true;
    EXPECT_EQ(block_verdict(changed), BlockError::wrong_last);
    changed = sound;
    changed[1].chained_root = sound[1].root;
    EXPECT_EQ(block_verdict(changed), BlockError::wrong_chain);
    changed = sound;
    changed[2].slot = Slot{8};
    EXPECT_EQ(block_verdict(changed), BlockError::wrong_header);
    changed = sound;
    changed[1].parent_slot = Slot{3};
    EXPECT_EQ(block_verdict(changed), BlockError::wrong_header);
    changed = sound;
    changed[2].version = 2;
    EXPECT_EQ(block_verdict(changed), BlockError::wrong_header);
}

TEST(BlockRef, is_ordered_by_slot_then_id)
{
    const BlockRef low{.slot = Slot{1}, .id = filled_hash(9)};
    const BlockRef high{.slot = Slot{2}, .id = filled_hash(1)};
    const BlockRef higher{.slot = Slot{2}, .id = filled_hash(2)};
    EXPECT_LT(low, high);
    EXPECT_LT(high, higher);
}

TEST(Account, what_is_encoded_is_decoded_and_nothing_else_is)
{
    Pubkey address;
    address.bytes.fill(3);
    Account account{.lamports = Lamports{77}, .owner = vote_program, .data = {1, 2, 3}};
    account.executable = true;
    const Bytes encoded = encode_account(address, account);
    EXPECT_EQ(encoded.size(), account_encoding_overhead + 3);
    const auto decoded = decode_account(encoded);
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(decoded->first, address);
    EXPECT_EQ(decoded->second, account);
    for (std::size_t length = 0; length < encoded.size(); ++length) {
        ASSERT_EQ(decode_account(ByteView(encoded).first(length)).error(), AccountError::truncated);
    }
    for (std::size_t at = 0; at < encoded.size(); ++at) {
        Bytes changed = encoded;
        changed[at] ^= 2;
        const auto other = decode_account(changed);
        ASSERT_TRUE(!other || *other != *decoded) << at;
    }
    Bytes longer = encoded;
    longer.push_back(0);
    EXPECT_EQ(decode_account(longer).error(), AccountError::trailing_bytes);
}

} // namespace
} // namespace belfry::ledger
