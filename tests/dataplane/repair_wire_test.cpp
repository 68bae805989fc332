// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519.hpp"
#include "dataplane/repair/repair_wire.hpp"
#include "tests/dataplane/shred_samples.hpp"

#include <gtest/gtest.h>

#include <array>

namespace belfry::dataplane {
namespace {

using samples::prefix;
using samples::Random;

RepairRequest random_request(Random& random)
{
    RepairRequest request;
    request.sender = static_cast<std::uint16_t>(random());
    request.target = static_cast<std::uint16_t>(random());
    request.sequence = random();
    request.what = static_cast<RepairWhat>(1 + random() % 4);
    request.key.slot = Slot{random() % (slot_max + 1)};
    if (request.what != RepairWhat::chain) {
        request.key.set_index = static_cast<std::uint32_t>(random() % block_sets_max);
        request.key.root = samples::random_hash(random);
    }
    if (request.what == RepairWhat::set) {
        request.bits = random() | 1;
    } else if (request.what == RepairWhat::block_sets) {
        request.bits = 1 + random() % block_sets_per_request_max;
    }
    return request;
}

Bytes write(const RepairRequest& request)
{
    static const crypto::Keypair key = samples::keypair(1);
    return write_repair_request(request, samples::genesis(), [](ByteView statement) {
        return key.sign(crypto::SigningPurpose::repair, statement);
    });
}

RepairWireError error_of(ByteView datagram)
{
    const auto parsed = parse_repair_request(datagram, prefix());
    return parsed ? RepairWireError::count : parsed.error();
}

TEST(RepairRequest, comes_back_as_it_was_written_and_signed)
{
    Random random(61);
    for (int i = 0; i < 500; ++i) {
        const RepairRequest request = random_request(random);
        const Bytes datagram = write(request);
        ASSERT_EQ(datagram.size(), repair_request_bytes);
        EXPECT_EQ(kind_of_datagram(datagram), kind_repair_request);
        const auto parsed = parse_repair_request(datagram, prefix());
        ASSERT_TRUE(parsed.has_value());
        EXPECT_EQ(parsed->request, request);
        const Bytes statement = repair_statement(samples::genesis(), parsed->body);
        EXPECT_TRUE(crypto::ed25519_verify({.message = statement,
                                            .key = &samples::keypair(1).pubkey(),
                                            .signature = &parsed->signature}));
    }
}

TEST(RepairRequest, has_every_bound_checked)
{
    struct Case {
        RepairWhat what;
        std::size_t offset;
        std::size_t byte_count;
        std::uint64_t value;
        RepairWireError error;
    };
    using What = RepairWhat;
    using Error = RepairWireError;
    const std::array<Case, 15> cases{{
        {What::set, 0, 1, 9, Error::wrong_prefix},
        {What::set, 5, 1, 1, Error::wrong_kind},
        {What::set, 82, 1, 0, Error::bad_what},
        {What::set, 82, 1, 5, Error::bad_what},
        {What::set, 83, 8, slot_max + 1, Error::bad_slot},
        {What::set, 91, 4, block_sets_max, Error::bad_index},
        {What::set, 127, 8, 0, Error::bad_bits},
        {What::successor, 127, 8, 1, Error::bad_bits},
        {What::successor, 91, 4, UINT32_MAX, Error::bad_index},
        {What::block_sets, 127, 8, 0, Error::bad_bits},
        {What::block_sets, 127, 8, 5, Error::bad_bits},
        {What::block_sets, 91, 4, block_sets_max, Error::bad_index},
        {What::chain, 91, 4, 1, Error::bad_what},
        {What::chain, 95, 1, 1, Error::bad_what},
        {What::chain, 127, 8, 1, Error::bad_what},
    }};
    Random random(62);
    for (const Case& item : cases) {
        RepairRequest request = random_request(random);
        while (request.what != item.what) {
            request = random_request(random);
        }
        Bytes datagram = write(request);
        for (std::size_t i = 0; i < item.byte_count; ++i) {
            datagram[item.offset + i] = static_cast<std::uint8_t>(item.value >> (8 * i));
        }
        EXPECT_EQ(error_of(datagram), item.error) << item.offset << " = " << item.value;
    }
    RepairRequest tail;
    tail.what = What::block_sets;
    tail.key = {Slot{4}, tail_set_index, samples::random_hash(random)};
    tail.bits = 1;
    EXPECT_EQ(error_of(write(tail)), Error::count);
    Bytes two_tails = write(tail);
    two_tails[127] = 2;
    EXPECT_EQ(error_of(two_tails), Error::bad_bits);
    for (std::size_t length = 0; length < 300; ++length) {
        Bytes datagram = write(tail);
        datagram.resize(length);
        EXPECT_EQ(error_of(datagram),
                  length == repair_request_bytes ? Error::count : Error::wrong_length);
    }
}

ChainHints random_hints(Random& random, std::size_t count)
{
    ChainHints out;
    out.echo = random();
    out.tip = Slot{random() % slot_max};
    out.after = Slot{random() % (slot_max / 2)};
    Slot slot = out.after;
    for (std::size_t i = 0; i < count; ++i) {
        slot = Slot{slot.value + 1 + random() % 1000};
        out.hints.push_back({{slot, samples::random_hash(random)},
                             static_cast<std::uint16_t>(1 + random() % block_sets_max)});
    }
    return out;
}

TEST(ChainHints, come_back_as_they_were_written_within_one_datagram)
{
    Random random(63);
    for (std::size_t count = 0; count <= chain_hints_max; ++count) {
        const ChainHints hints = random_hints(random, count);
        const Bytes datagram = write_chain_hints(hints, prefix());
        EXPECT_LE(datagram.size(), datagram_bytes_max);
        const auto parsed = parse_chain_hints(datagram, prefix());
        ASSERT_TRUE(parsed.has_value());
        EXPECT_EQ(parsed->echo, hints.echo);
        EXPECT_EQ(parsed->tip, hints.tip);
        EXPECT_EQ(parsed->after, hints.after);
        EXPECT_EQ(parsed->hints, hints.hints);
        for (std::size_t length = 0; length < datagram.size(); ++length) {
            EXPECT_FALSE(parse_chain_hints(ByteView{datagram}.first(length), prefix()).has_value());
        }
    }
}

TEST(ChainHints, are_refused_when_they_do_not_rise_or_count_wrongly)
{
    Random random(64);
    const Bytes good = write_chain_hints(random_hints(random, 3), prefix());
    const auto error = [&](std::size_t offset, ByteView bytes) {
        Bytes changed = good;
        std::ranges::copy(bytes, changed.begin() + static_cast<std::ptrdiff_t>(offset));
        const auto parsed = parse_chain_hints(changed, prefix());
        return parsed ? RepairWireError::count : parsed.error();
    };
    using Error = RepairWireError;
    EXPECT_EQ(error(31, Bytes{0, 0, 0, 0}), Error::bad_order);
    EXPECT_EQ(error(31 + 38, Bytes{1, 0, 0, 0}), Error::bad_order);
    EXPECT_EQ(error(30, Bytes{33}), Error::bad_count);
    EXPECT_EQ(error(30, Bytes{2}), Error::wrong_length);
    EXPECT_EQ(error(31 + 36, Bytes{0, 0}), Error::bad_index);
    EXPECT_EQ(error(31 + 36, Bytes{1, 2}), Error::bad_index);
    EXPECT_EQ(error(14, Bytes(8, 0xff)), Error::bad_slot);
    EXPECT_EQ(error(22, Bytes(8, 0xff)), Error::bad_slot);
}

} // namespace
} // namespace belfry::dataplane
