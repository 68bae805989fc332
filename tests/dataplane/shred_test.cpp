// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519.hpp"
#include "dataplane/shred/shred.hpp"
#include "dataplane/shred/shredder.hpp"
#include "tests/dataplane/shred_samples.hpp"

#include <gtest/gtest.h>

#include <array>

namespace belfry::dataplane {
namespace {

using samples::prefix;
using samples::Random;

/// Writes fields over a valid shred's header, at the documented offsets.
struct Forger {
    Bytes bytes;
    void put(std::size_t offset, std::uint64_t value, std::size_t byte_count)
    {
        for (std::size_t i = 0; i < byte_count; ++i) {
            bytes[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
        }
    }
    [[nodiscard]] ShredError error() const
    {
        const auto parsed = parse_shred(bytes, prefix());
        return parsed ? ShredError::count : parsed.error();
    }
};

Forger forger(std::size_t stream_bytes)
{
    Random random(7);
    const auto block =
        samples::make_block(samples::keypair(1), Slot{9}, {Slot{7}, samples::random_hash(random)},
                            samples::random_bytes(random, stream_bytes));
    const ByteView first = block.sets.front().datagrams.at(0);
    return {Bytes(first.begin(), first.end())};
}

TEST(Shred, parses_into_the_fields_that_stand_at_the_documented_offsets)
{
    Random random(1);
    const ledger::BlockRef parent{Slot{70'000}, samples::random_hash(random)};
    const auto block = samples::make_block(samples::keypair(1), Slot{70'005}, parent,
                                           samples::random_bytes(random, 40'000));
    ASSERT_EQ(block.sets.size(), 2U);
    const ByteView datagram = block.sets[0].datagrams.at(33);
    EXPECT_EQ(datagram.size(), 1270U);
    EXPECT_EQ(datagram[0], 1);
    EXPECT_EQ(datagram[5], 1);
    const auto shred = parse_shred(datagram, prefix());
    ASSERT_TRUE(shred.has_value());
    EXPECT_EQ(shred->header.slot, Slot{70'005});
    EXPECT_EQ(shred->header.parent_slot, parent.slot);
    EXPECT_EQ(shred->header.set_index, 0U);
    EXPECT_EQ(shred->header.data_count, 32);
    EXPECT_EQ(shred->header.parity_count, 32);
    EXPECT_EQ(shred->shred_index, 33);
    EXPECT_FALSE(shred->header.last);
    EXPECT_EQ(shred->header.stream_bytes, 32'768);
    EXPECT_EQ(shred->header.chained_root, parent.id);
    EXPECT_EQ(shred->row.data(), datagram.data() + 126);
    EXPECT_EQ(shred->proof.size(), 120U);
    EXPECT_EQ(root_of_shred(*shred).value(), block.sets[0].set.root);

    const auto last = parse_shred(block.sets[1].datagrams.at(0), prefix());
    ASSERT_TRUE(last.has_value());
    EXPECT_TRUE(last->header.last);
    EXPECT_EQ(last->header.chained_root, block.sets[0].set.root);
    EXPECT_EQ(root_of_shred(*last).value(), block.ref.id);
}

TEST(Shred, is_refused_after_any_change_of_any_byte)
{
    Random random(2);
    for (const std::size_t stream_bytes :
         {std::size_t{1}, std::size_t{5000}, std::size_t{32'768}}) {
        const crypto::Keypair leader = samples::keypair(3);
        const auto block = samples::make_block(leader, Slot{5}, samples::genesis_block(),
                                               samples::random_bytes(random, stream_bytes));
        const SetDatagrams& datagrams = block.sets.front().datagrams;
        // One data and one parity shred; every byte, a random change and a single flipped bit.
        for (const std::size_t index : {std::size_t{0}, datagrams.count() - 1}) {
            const Bytes original(datagrams.at(index).begin(), datagrams.at(index).end());
            FecResolver untouched(samples::resolver_options(leader.pubkey()));
            ASSERT_TRUE(untouched.accept(original, {}).has_value());
            FecResolver resolver(samples::resolver_options(leader.pubkey()));
            for (std::size_t at = 0; at < original.size(); ++at) {
                // Rows are one field: every 16th byte of them stands for all.
                if (at > shred_header_bytes + 16 && at < shred_header_bytes + row_bytes - 16 &&
                    at % 16 != 0) {
                    continue;
                }
                Bytes changed = original;
                changed[at] ^= static_cast<std::uint8_t>(1U << (random() % 8));
                EXPECT_FALSE(resolver.accept(changed, {}).has_value()) << "byte " << at;
            }
            EXPECT_EQ(resolver.open_bytes(), 0U) << "state before authentication";
        }
    }
}

TEST(Shred, of_any_other_length_is_refused)
{
    const Forger whole = forger(3000);
    for (std::size_t length = 0; length < whole.bytes.size(); ++length) {
        const Forger cut{
            Bytes(whole.bytes.begin(), whole.bytes.begin() + static_cast<std::ptrdiff_t>(length))};
        EXPECT_NE(cut.error(), ShredError::count) << length;
    }
    Forger longer = whole;
    longer.bytes.push_back(0);
    EXPECT_EQ(longer.error(), ShredError::wrong_length);
    longer.bytes.resize(65'535);
    EXPECT_EQ(longer.error(), ShredError::wrong_length);
}

TEST(Shred, has_every_bound_of_its_header_checked_by_the_parser)
{
    struct Case {
        std::size_t offset;
        std::size_t byte_count;
        std::uint64_t value;
        ShredError error;
    };
    // forger(3000): slot 9 on parent 7, last set, k = 3, m = 4.
    const std::array<Case, 21> cases{{
        {0, 1, 2, ShredError::wrong_prefix},        {1, 1, 0, ShredError::wrong_prefix},
        {5, 1, 2, ShredError::wrong_kind},          {70, 2, 2, ShredError::wrong_format},
        {72, 8, 0, ShredError::bad_slot},           {72, 8, slot_max + 1, ShredError::bad_slot},
        {72, 8, UINT64_MAX, ShredError::bad_slot},  {80, 4, 0, ShredError::bad_slot},
        {80, 4, 10, ShredError::bad_slot},          {84, 4, block_sets_max, ShredError::bad_index},
        {84, 4, UINT32_MAX, ShredError::bad_index}, {88, 1, 0, ShredError::bad_geometry},
        {88, 1, 4, ShredError::bad_geometry},       {89, 1, 3, ShredError::bad_geometry},
        {89, 1, 255, ShredError::bad_geometry},     {90, 1, 7, ShredError::bad_index},
        {91, 1, 0, ShredError::bad_geometry}, // not last, but short
        {91, 1, 3, ShredError::wrong_format},       {92, 2, 0, ShredError::bad_geometry},
        {92, 2, 3073, ShredError::bad_geometry},    {92, 2, 65'535, ShredError::bad_geometry},
    }};
    for (const Case& item : cases) {
        Forger forged = forger(3000);
        ASSERT_EQ(forged.error(), ShredError::count);
        forged.put(item.offset, item.value, item.byte_count);
        EXPECT_EQ(forged.error(), item.error) << item.offset << " = " << item.value;
    }
    Forger edge = forger(3000);
    edge.put(84, block_sets_max - 1, 4);
    edge.put(80, 9, 4);
    edge.put(92, 2049, 2);
    EXPECT_EQ(edge.error(), ShredError::count) << "the bounds themselves are allowed";
}

TEST(Shred, statement_names_tag_cluster_and_root)
{
    Random random(4);
    const Hash root = samples::random_hash(random);
    const auto statement = set_statement(samples::genesis(), root);
    EXPECT_EQ(to_hex(statement),
              to_hex(Bytes{'b', 'e', 'l', 'f', 'r', 'y', '.', 's', 'h', 'r', 'e', 'd', '.', '1'}) +
                  to_hex(samples::genesis().view()) + to_hex(root.view()));
}

} // namespace
} // namespace belfry::dataplane
