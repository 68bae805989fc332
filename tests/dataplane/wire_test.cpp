// SPDX-License-Identifier: Apache-2.0
#include "dataplane/wire.hpp"

#include <gtest/gtest.h>

#include <string>

namespace belfry::dataplane {
namespace {

Hash counting_genesis()
{
    Hash hash;
    for (std::size_t i = 0; i < hash.bytes.size(); ++i) {
        hash.bytes[i] = static_cast<std::uint8_t>(0xa0 + i);
    }
    return hash;
}

TEST(Wire, the_prefix_is_the_version_and_four_bytes_of_the_genesis_hash)
{
    EXPECT_EQ(to_hex(Prefix(counting_genesis()).view()), "01a0a1a2a3");
}

TEST(Wire, strip_refuses_every_change_of_every_prefix_bit)
{
    const Prefix prefix(counting_genesis());
    const Bytes good{1, 0xa0, 0xa1, 0xa2, 0xa3, 42};
    ASSERT_TRUE(prefix.strip(good).has_value());
    EXPECT_EQ(prefix.strip(good)->size(), 1U);
    EXPECT_EQ((*prefix.strip(good))[0], 42);
    for (std::size_t bit = 0; bit < prefix_bytes * 8; ++bit) {
        Bytes bad = good;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
        EXPECT_EQ(prefix.strip(bad).error(),
                  bit < 8 ? WireError::wrong_version : WireError::wrong_cluster);
    }
    for (std::size_t bytes = 0; bytes < prefix_bytes; ++bytes) {
        EXPECT_EQ(prefix.strip(ByteView(good).first(bytes)).error(), WireError::too_short);
    }
}

TEST(Wire, each_kind_has_its_sizes)
{
    const Prefix prefix(counting_genesis());
    for (std::size_t lane = 0; lane < lane_count; ++lane) {
        const LaneKind& kind = lane_kinds[lane];
        Bytes datagram;
        prefix.append_to(datagram);
        for (std::size_t bytes = 0; bytes <= 1500; ++bytes) {
            datagram.resize(bytes);
            if (bytes >= prefix_bytes) {
                std::copy_n(prefix.view().begin(), prefix_bytes, datagram.begin());
            }
            const auto opened = prefix.open(static_cast<Lane>(lane), datagram);
            if (bytes < kind.bytes_min) {
                EXPECT_EQ(opened.error(), WireError::too_short) << kind.name << bytes;
            } else if (bytes > kind.bytes_max) {
                EXPECT_EQ(opened.error(), WireError::too_long) << kind.name << bytes;
            } else {
                EXPECT_EQ(opened->size(), bytes - (kind.has_prefix ? prefix_bytes : 0));
            }
        }
    }
}

TEST(Wire, no_datagram_needs_a_fragment_on_the_smallest_link)
{
    for (const LaneKind& kind : lane_kinds) {
        EXPECT_LE(kind.bytes_max + 48, 1320U) << kind.name; // IPv6 and UDP headers
    }
}

TEST(Wire, a_forward_carries_the_transaction_behind_the_prefix)
{
    const Prefix prefix(counting_genesis());
    Bytes out{9, 9, 9};
    write_forward(prefix, Bytes{1, 2, 3}, out);
    EXPECT_EQ(to_hex(out), "01a0a1a2a3010203");
}

TEST(Wire, a_vote_comes_back_as_it_was_written)
{
    const Prefix prefix(counting_genesis());
    for (const std::size_t body_bytes : {std::size_t{0}, std::size_t{1}, vote_body_bytes_max}) {
        Bytes body(body_bytes);
        for (std::size_t i = 0; i < body_bytes; ++i) {
            body[i] = static_cast<std::uint8_t>(i * 7);
        }
        VoteDatagram vote{.kind = 3, .voter_index = 0x1234, .body = body, .signature = {}};
        vote.signature.bytes.fill(0x5a);
        Bytes datagram;
        write_vote(prefix, vote, datagram);
        EXPECT_EQ(datagram.size(), vote_overhead_bytes + body_bytes);
        const auto either = parse_vote(prefix, datagram);
        ASSERT_TRUE(either.has_value());
        const auto* parsed = std::get_if<VoteDatagram>(&*either);
        ASSERT_NE(parsed, nullptr);
        EXPECT_EQ(parsed->kind, 3);
        EXPECT_EQ(parsed->voter_index, 0x1234);
        EXPECT_TRUE(std::ranges::equal(parsed->body, body));
        EXPECT_EQ(parsed->signature, vote.signature);
    }
}

TEST(Wire, a_bundle_comes_back_as_it_was_written)
{
    const Prefix prefix(counting_genesis());
    const Bytes bundle(vote_bundle_bytes_max, 0x77);
    Bytes datagram;
    write_vote_bundle(prefix, bundle, datagram);
    EXPECT_EQ(datagram.size(), datagram_bytes_max);
    const auto either = parse_vote(prefix, datagram);
    ASSERT_TRUE(either.has_value());
    const auto* parsed = std::get_if<VoteBundleDatagram>(&*either);
    ASSERT_NE(parsed, nullptr);
    EXPECT_TRUE(std::ranges::equal(parsed->bundle, bundle));
}

TEST(Wire, kinds_that_nobody_sends_are_refused)
{
    const Prefix prefix(counting_genesis());
    Bytes datagram;
    write_vote(prefix, {.kind = 1, .voter_index = 0, .body = {}, .signature = {}}, datagram);
    for (unsigned kind = 0; kind < 256; ++kind) {
        datagram[prefix_bytes] = static_cast<std::uint8_t>(kind);
        const auto parsed = parse_vote(prefix, datagram);
        EXPECT_EQ(parsed.has_value(), kind >= 1 && kind <= evidence_kind) << kind;
    }
}

TEST(Wire, a_vote_signs_domain_cluster_kind_voter_and_body)
{
    const Bytes body{0xee, 0xff};
    EXPECT_EQ(to_hex(vote_signing_bytes(counting_genesis(),
                                        {.kind = 2, .voter_index = 0x0102, .body = body})),
              to_hex(Bytes{'b', 'e', 'l', 'f', 'r', 'y', '.', 'v', 'o', 't', 'e', '.', '1'}) +
                  to_hex(counting_genesis().view()) + "02" + "0201" + "eeff");
}

} // namespace
} // namespace belfry::dataplane
