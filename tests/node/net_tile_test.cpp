// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/net_tile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

namespace belfry::node {
namespace {

using dataplane::Admission;
using dataplane::Endpoint;
using dataplane::Lane;
using dataplane::NetPort;

constexpr std::array all_lanes{Lane::transactions, Lane::forwards, Lane::shreds, Lane::votes,
                               Lane::repair};

NetPort::Options port_options()
{
    NetPort::Options options;
    options.gso = false;
    for (const Lane lane : all_lanes) {
        options.lanes.push_back({.lane = lane, .local = *Endpoint::parse("127.0.0.1:0")});
    }
    return options;
}

/// A net tile on loopback; its links are drained by the test, at the end.
class NetTileTest : public testing::Test {
public:
    ~NetTileTest() override
    {
        stop_.set();
        port_.bell().ring();
    }

protected:
    void start(const Admission::Options& options)
    {
        tile_ = std::make_unique<NetTile>(port_, options, links_, std::nullopt);
        thread_ = std::jthread([this] { tile_->run(stop_); });
    }
    void send(Lane lane, std::size_t count, const Bytes& payload)
    {
        const Counter& received = port_.counters(lane).received;
        const std::uint64_t before = received.read();
        for (std::size_t i = 0; i < count; ++i) {
            sender_.send(lane, port_.local(lane), payload);
            if (i % 64 == 63 || i + 1 == count) { // no faster than the tile: this is not about
                sender_.flush();                  // what the socket loses
                const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
                while (received.read() != before + i + 1 &&
                       std::chrono::steady_clock::now() < end) {
                    std::this_thread::sleep_for(std::chrono::microseconds(50));
                }
            }
        }
        ASSERT_EQ(received.read(), before + count);
    }
    /// Its messages, once the tile has published them.
    static std::size_t count_of(Link<Packet>& link, std::size_t expected)
    {
        std::size_t count = 0;
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (count < expected && std::chrono::steady_clock::now() < end) {
            count += link.drain(64, [](const Packet&) {});
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return count + link.drain(4096, [](const Packet&) {});
    }
    [[nodiscard]] std::uint64_t refused(Lane lane, Admission::Refusal reason) const
    {
        return tile_->admission().refused(lane, reason).read();
    }
    [[nodiscard]] std::uint64_t link_full(Lane lane) const
    {
        return tile_->counters().link_full[static_cast<std::size_t>(lane)].read();
    }

    Bells bells_;
    NetPort port_{port_options()};
    NetPort sender_{port_options()};
    Links links_{bells_, port_.bell()};
    std::unique_ptr<NetTile> tile_;
    Latch stop_;
    std::jthread thread_;
};

TEST_F(NetTileTest, a_flood_of_transactions_takes_no_room_from_forwards_votes_shreds_and_repair)
{
    start({.clients = {.packets_per_second = 10'000'000, .burst_packets = 1'000'000},
           .validators = {*Endpoint::parse("127.0.0.1:1")},
           .strangers_per_second = 1});
    const std::size_t room = links_.net_verify.capacity();
    const std::size_t kept = room / 4;
    const Bytes request{1, 2, 3, 4, 5, 2}; // what the server will see as malformed
    send(Lane::transactions, room + 500, Bytes(100, 1));
    send(Lane::forwards, kept, Bytes(100, 2));
    send(Lane::votes, 1000, Bytes(100, 3));
    send(Lane::shreds, 1000, Bytes(100, 4));
    send(Lane::repair, 200, request);
    EXPECT_EQ(link_full(Lane::transactions), kept + 500);
    for (const Lane lane : {Lane::forwards, Lane::votes, Lane::shreds, Lane::repair}) {
        EXPECT_EQ(link_full(lane), 0U);
    }
    EXPECT_EQ(count_of(links_.net_verify, room), room);
    EXPECT_EQ(count_of(links_.net_consensus, 1000), 1000U);
    EXPECT_EQ(count_of(links_.net_shred, 1000), 1000U);
    EXPECT_EQ(count_of(links_.net_store, 200), 200U);
    send(Lane::transactions, 10, Bytes(100, 1));
    EXPECT_EQ(count_of(links_.net_verify, 10), 10U) << "there is room again";
}

TEST_F(NetTileTest, a_loud_source_gets_half_of_the_link_and_leaves_the_next_quarter_to_others)
{
    constexpr std::size_t burst = 6400;
    start({.clients = {.packets_per_second = Admission::quiet_part, .burst_packets = burst},
           .validators = {*Endpoint::parse("127.0.0.1:1")},
           .strangers_per_second = 1});
    const std::size_t room = links_.net_verify.capacity();
    const std::size_t quiet = burst / Admission::quiet_part;
    ASSERT_LE(quiet + room, burst) << "it keeps within its rate";
    send(Lane::transactions, quiet, Bytes(100, 1));
    EXPECT_EQ(count_of(links_.net_verify, quiet), quiet);
    send(Lane::transactions, room, Bytes(100, 1));
    const std::size_t taken = count_of(links_.net_verify, room / 2);
    EXPECT_GE(taken, room / 2);
    EXPECT_LE(taken, room / 2 + 64) << "and one each second is quiet again";
    EXPECT_EQ(refused(Lane::transactions, Admission::Refusal::loud), room - taken);
    EXPECT_EQ(link_full(Lane::transactions), 0U);
}

TEST_F(NetTileTest, what_its_source_may_not_send_reaches_no_link)
{
    start({.clients = {.packets_per_second = 1, .burst_packets = 10},
           .validators = {*Endpoint::parse("127.0.0.2:1")},
           .strangers_per_second = 20});
    send(Lane::transactions, 100, Bytes(100, 1));
    EXPECT_GE(refused(Lane::transactions, Admission::Refusal::over_rate), 80U);
    EXPECT_EQ(count_of(links_.net_verify, 10) +
                  refused(Lane::transactions, Admission::Refusal::over_rate),
              100U);
    send(Lane::votes, 200, Bytes(100, 1));
    EXPECT_GE(refused(Lane::votes, Admission::Refusal::stranger), 100U);
    EXPECT_EQ(count_of(links_.net_consensus, 20) +
                  refused(Lane::votes, Admission::Refusal::stranger),
              200U);
    EXPECT_EQ(refused(Lane::shreds, Admission::Refusal::stranger), 0U);
}

} // namespace
} // namespace belfry::node
