// SPDX-License-Identifier: Apache-2.0
#include "dataplane/repair/repair_server.hpp"
#include "tests/dataplane/repair_simulation.hpp"

#include <gtest/gtest.h>

namespace belfry::dataplane {
namespace {

using samples::ChainSource;
using samples::ms;
using samples::Random;
using samples::SampleBlock;

struct ServerBench {
    ChainSource source;
    RepairServer server;
    std::uint64_t sequence = 1;

    explicit ServerBench(RepairServer::Options options)
        : server(std::move(options), source)
    {
    }
    Bytes request(RepairWhat what, const SetKey& key, std::uint64_t bits)
    {
        RepairRequest out;
        out.sender = 2;
        out.target = 1;
        out.sequence = sequence++;
        out.what = what;
        out.key = key;
        out.bits = bits;
        return signed_by(2, out);
    }
    static Bytes signed_by(std::size_t key, const RepairRequest& request)
    {
        return write_repair_request(request, samples::genesis(), [key](ByteView statement) {
            return samples::roster_keys()[key].sign(crypto::SigningPurpose::repair, statement);
        });
    }
};

RepairServer::Options server_options()
{
    RepairServer::Options out;
    out.genesis = samples::genesis();
    out.roster = samples::roster();
    out.me = 1;
    return out;
}

RepairServeError error_of(const Result<RepairAnswer, RepairServeError>& result)
{
    return result ? RepairServeError::count : result.error();
}

SampleBlock sample_block(std::size_t stream_bytes)
{
    Random random(65);
    return samples::make_block(samples::leader_key(Slot{1}), Slot{1}, samples::genesis_block(),
                               samples::random_bytes(random, stream_bytes));
}

TEST(RepairServer, answers_each_kind_with_the_leaders_own_datagrams)
{
    ServerBench bench(server_options());
    const SampleBlock block = sample_block(3 * 32'768 + 5000);
    bench.source.add(block);
    const ledger::ShredSet& second = block.sets[1].set;
    const SetKey second_key{Slot{1}, 1, second.root};

    auto answer = bench.server.serve(bench.request(RepairWhat::set, second_key, 0b1001), 0);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->peer, 2);
    ASSERT_EQ(answer->datagrams.size(), 2U);
    EXPECT_TRUE(std::ranges::equal(answer->datagrams[0], block.sets[1].datagrams.at(0)));
    EXPECT_TRUE(std::ranges::equal(answer->datagrams[1], block.sets[1].datagrams.at(3)));

    answer = bench.server.serve(bench.request(RepairWhat::set, second_key, UINT64_MAX), 0);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->datagrams.size(), 64U);

    answer = bench.server.serve(bench.request(RepairWhat::successor, second_key, 0), 0);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->datagrams.size(), 37U);
    EXPECT_TRUE(std::ranges::equal(answer->datagrams[0], block.sets[2].datagrams.at(0)));

    answer =
        bench.server.serve(bench.request(RepairWhat::block_sets, {Slot{1}, 1, block.ref.id}, 4), 0);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->datagrams.size(), 37U + 37U + 6U) << "it ends with the block";

    answer = bench.server.serve(
        bench.request(RepairWhat::block_sets, {Slot{1}, tail_set_index, block.ref.id}, 1), 0);
    ASSERT_TRUE(answer.has_value());
    EXPECT_TRUE(std::ranges::equal(answer->datagrams[0], block.sets[3].datagrams.at(0)));

    answer = bench.server.serve(bench.request(RepairWhat::chain, {}, 0), 0);
    ASSERT_TRUE(answer.has_value());
    const auto hints = parse_chain_hints(answer->datagrams.at(0), Prefix(samples::genesis()));
    ASSERT_TRUE(hints.has_value());
    EXPECT_EQ(hints->tip, Slot{1});
    EXPECT_EQ(hints->hints, (std::vector<ChainHint>{{block.ref, 4}}));
}

TEST(RepairServer, sends_nothing_to_whoever_is_not_a_validator_of_the_roster)
{
    ServerBench bench(server_options());
    const SampleBlock block = sample_block(20'000);
    bench.source.add(block);
    RepairRequest request;
    request.sender = 2;
    request.target = 1;
    request.sequence = 10;
    request.key = {Slot{1}, 0, block.ref.id};
    request.bits = 1;
    const auto served = [&](std::size_t key, const RepairRequest& asked) {
        return error_of(bench.server.serve(ServerBench::signed_by(key, asked), 0));
    };
    using Error = RepairServeError;
    EXPECT_EQ(served(3, request), Error::bad_signature) << "signed by another validator";
    RepairRequest changed = request;
    changed.sender = samples::roster_count;
    EXPECT_EQ(served(2, changed), Error::unknown_sender);
    changed.sender = UINT16_MAX;
    EXPECT_EQ(served(2, changed), Error::unknown_sender);
    changed.sender = 1;
    EXPECT_EQ(served(1, changed), Error::unknown_sender) << "the node itself";
    changed = request;
    changed.target = 3;
    EXPECT_EQ(served(2, changed), Error::wrong_target) << "for somebody else";
    Bytes tampered = ServerBench::signed_by(2, request);
    tampered[91] ^= 1;
    EXPECT_EQ(error_of(bench.server.serve(tampered, 0)), Error::bad_signature);
    EXPECT_EQ(error_of(bench.server.serve(Bytes(135, 0), 0)), Error::malformed);
    EXPECT_EQ(bench.server.counters().shreds_sent, 0U);
    EXPECT_EQ(served(2, request), Error::count);
    EXPECT_EQ(bench.server.counters().shreds_sent, 1U);
}

TEST(RepairServer, answers_no_request_twice)
{
    ServerBench bench(server_options());
    const SampleBlock block = sample_block(2000);
    bench.source.add(block);
    const SetKey key{Slot{1}, 0, block.ref.id};
    std::vector<Bytes> requests;
    for (int i = 0; i < 100; ++i) {
        requests.push_back(bench.request(RepairWhat::set, key, 1));
    }
    // Out of order within the window is fine, once.
    std::swap(requests[40], requests[60]);
    for (const Bytes& request : requests) {
        EXPECT_EQ(error_of(bench.server.serve(request, 1)), RepairServeError::count);
    }
    for (const Bytes& request : requests) {
        EXPECT_EQ(error_of(bench.server.serve(request, 1)), RepairServeError::replayed);
    }
    // A validator whose sequence was set back is served again after it was silent.
    EXPECT_EQ(error_of(bench.server.serve(requests[0], 10'001 * ms)), RepairServeError::count);
}

TEST(RepairServer, sends_each_peer_no_more_than_its_share)
{
    RepairServer::Options limited = server_options();
    limited.bytes_per_second = 1'000'000;
    limited.burst_bytes = 200'000;
    ServerBench bench(limited);
    const SampleBlock block = sample_block(32'768);
    bench.source.add(block);
    const SetKey key{Slot{1}, 0, block.ref.id};
    std::uint64_t sent_bytes = 0;
    std::uint64_t refused_count = 0;
    for (std::uint64_t now_ns = 0; now_ns < 2000 * ms; now_ns += 5 * ms) {
        const auto answer =
            bench.server.serve(bench.request(RepairWhat::set, key, UINT64_MAX), now_ns);
        if (!answer) {
            EXPECT_EQ(answer.error(), RepairServeError::rate_limited);
            ++refused_count;
            continue;
        }
        for (const Bytes& datagram : answer->datagrams) {
            sent_bytes += datagram.size();
        }
    }
    // Burst, two seconds of the rate, and the answer under way when the bucket ran dry.
    EXPECT_LE(sent_bytes, 200'000U + 2'000'000U + 82'000U);
    EXPECT_GE(sent_bytes, 2'000'000U);
    EXPECT_GT(refused_count, 300U);
    // Another peer is not touched by it.
    RepairRequest other;
    other.sender = 3;
    other.target = 1;
    other.sequence = 1;
    other.key = key;
    other.bits = 1;
    EXPECT_EQ(error_of(bench.server.serve(ServerBench::signed_by(3, other), 2000 * ms)),
              RepairServeError::count);
}

TEST(RepairServer, lets_nobody_use_up_another_peers_share_with_forged_requests)
{
    RepairServer::Options limited = server_options();
    limited.requests_per_second = 20;
    limited.checks_per_second = 1000;
    ServerBench bench(limited);
    const SampleBlock block = sample_block(2000);
    bench.source.add(block);
    RepairRequest forged;
    forged.sender = 2;
    forged.target = 1;
    forged.key = {Slot{1}, 0, block.ref.id};
    forged.bits = 1;
    for (int i = 0; i < 500; ++i) {
        forged.sequence = 1'000'000 + static_cast<std::uint64_t>(i);
        EXPECT_EQ(error_of(bench.server.serve(ServerBench::signed_by(4, forged), 0)),
                  RepairServeError::bad_signature);
    }
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(error_of(bench.server.serve(bench.request(RepairWhat::set, forged.key, 1), 0)),
                  RepairServeError::count);
    }
    EXPECT_EQ(error_of(bench.server.serve(bench.request(RepairWhat::set, forged.key, 1), 0)),
              RepairServeError::rate_limited);
    // Checks are bounded for all of them together.
    for (int i = 0; i < 600; ++i) {
        forged.sequence = 2'000'000 + static_cast<std::uint64_t>(i);
        forged.sender = 3;
        static_cast<void>(bench.server.serve(ServerBench::signed_by(4, forged), 0));
    }
    EXPECT_EQ(
        bench.server.counters().errors[static_cast<std::size_t>(RepairServeError::bad_signature)],
        980U);
}

TEST(RepairServer, says_nothing_about_what_it_does_not_have)
{
    ServerBench bench(server_options());
    Random random(66);
    const SetKey key{Slot{1}, 0, samples::random_hash(random)};
    for (const RepairWhat what : {RepairWhat::set, RepairWhat::successor, RepairWhat::block_sets}) {
        const std::uint64_t bits = what == RepairWhat::successor ? 0 : 1;
        EXPECT_EQ(error_of(bench.server.serve(bench.request(what, key, bits), 0)),
                  RepairServeError::not_here);
    }
}

TEST(RecentSets, drop_the_oldest_and_ask_the_older_source)
{
    ChainSource older;
    const SampleBlock old_block = sample_block(80'000);
    older.add(old_block);
    RecentSets recent({.bytes_max = 100'000}, &older);
    Random random(67);
    const SampleBlock block =
        samples::make_block(samples::leader_key(Slot{2}), Slot{2}, old_block.ref,
                            samples::random_bytes(random, 5 * 32'768));
    for (const SetOut& set : block.sets) {
        recent.add(set.set);
    }
    const auto key = [](const SetOut& set) {
        return SetKey{set.set.slot, set.set.index, set.set.root};
    };
    EXPECT_FALSE(recent.set(key(block.sets[0])).has_value());
    EXPECT_EQ(recent.set(key(block.sets[4])), block.sets[4].set);
    EXPECT_EQ(recent.successor(key(block.sets[3])), block.sets[4].set);
    EXPECT_EQ(recent.set_of_block(block.ref, tail_set_index), block.sets[4].set);
    EXPECT_EQ(recent.set_of_block(block.ref, 3), block.sets[3].set);
    EXPECT_FALSE(recent.set_of_block(block.ref, 0).has_value());
    EXPECT_FALSE(recent.set_of_block(block.ref, 5).has_value());
    EXPECT_EQ(recent.set(key(old_block.sets[0])), old_block.sets[0].set);
    EXPECT_EQ(recent.successor(key(old_block.sets[0])), old_block.sets[1].set);
    EXPECT_EQ(recent.set_of_block(old_block.ref, 0), old_block.sets[0].set);
    EXPECT_EQ(recent.tip(), Slot{1});
}

} // namespace
} // namespace belfry::dataplane
