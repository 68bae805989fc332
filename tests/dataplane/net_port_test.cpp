// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/net_port.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace belfry::dataplane {
namespace {

using namespace std::chrono_literals;

NetPort::LaneOptions lane_at(Lane lane, const std::string& address = "127.0.0.1:0")
{
    return {.lane = lane, .local = *Endpoint::parse(address)};
}

/// Datagram number n: its number, then bytes that follow from it; the size too.
Bytes numbered_payload(std::uint64_t number)
{
    std::mt19937_64 random(number);
    // Runs of equal sizes as shreds make them, single sizes as votes and transactions do.
    const std::size_t bytes = (number / 50) % 2 == 0 ? 1265 : 8 + (random() % 1265);
    Bytes out(bytes);
    for (std::size_t i = 0; i < bytes; ++i) {
        out[i] = static_cast<std::uint8_t>((number * 13) + (i * 7));
    }
    std::memcpy(out.data(), &number, sizeof(number));
    return out;
}

std::uint64_t number_of(ByteView payload)
{
    std::uint64_t number = UINT64_MAX;
    if (payload.size() >= sizeof(number)) {
        std::memcpy(&number, payload.data(), sizeof(number));
    }
    return number;
}

void poll_until(NetPort& port, const auto& handle, const auto& done)
{
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (!done() && std::chrono::steady_clock::now() < give_up) {
        port.poll(handle, 10ms);
    }
}

using BackendAndAddress = std::tuple<ReceiveBackend, std::string>;

class NetPortTest : public testing::TestWithParam<BackendAndAddress> {
protected:
    [[nodiscard]] static ReceiveBackend backend() { return std::get<0>(GetParam()); }
    [[nodiscard]] static NetPort::Options options(std::vector<Lane> lanes)
    {
        NetPort::Options out;
        for (const Lane lane : lanes) {
            out.lanes.push_back(lane_at(lane, std::get<1>(GetParam())));
        }
        out.backend = backend();
        return out;
    }
};

TEST_P(NetPortTest, a_hundred_thousand_datagrams_of_all_sizes_arrive_whole_and_once)
{
    constexpr std::uint64_t total = 100'000;
    constexpr std::uint64_t in_flight_max = 400;
    NetPort sender(options({Lane::shreds}));
    NetPort receiver(options({Lane::votes, Lane::shreds}));
    EXPECT_EQ(receiver.backend(), backend());
    std::vector<bool> seen(total);
    std::uint64_t received_count = 0;
    std::uint64_t wrong_count = 0;
    const Endpoint source = sender.local(Lane::shreds);
    const auto handle = [&](const Datagram& datagram) {
        const std::uint64_t number = number_of(datagram.payload);
        const bool right = number < total && !seen[number] && datagram.lane == Lane::shreds &&
                           datagram.source == source &&
                           std::ranges::equal(datagram.payload, numbered_payload(number));
        wrong_count += right ? 0U : 1U;
        if (number < total) {
            seen[number] = true;
        }
        ++received_count;
    };
    for (std::uint64_t number = 0; number < total; ++number) {
        sender.send(Lane::shreds, receiver.local(Lane::shreds), numbered_payload(number));
        if (number % 100 == 99) {
            sender.flush();
            poll_until(receiver, handle, [&] { return received_count + in_flight_max > number; });
        }
    }
    sender.flush();
    poll_until(receiver, handle, [&] { return received_count == total; });
    EXPECT_EQ(wrong_count, 0U);
    EXPECT_EQ(received_count, total);
    const LaneCounters& sent = sender.counters(Lane::shreds);
    const LaneCounters& got = receiver.counters(Lane::shreds);
    EXPECT_EQ(sent.sent.read(), total);
    EXPECT_GT(sent.sent_in_runs.read(), total / 3);
    EXPECT_EQ(sent.send_errors.read() + sent.send_dropped.read(), 0U);
    EXPECT_EQ(got.received.read(), total);
    EXPECT_EQ(got.received_bytes.read(), sent.sent_bytes.read());
    EXPECT_EQ(got.receive_errors.read(), 0U);
    EXPECT_EQ(receiver.counters(Lane::votes).received.read(), 0U);
}

/// The node is asleep while 20,000 datagrams come to the lane of transactions, more than its
/// buffers and its socket hold; then votes come. None of them is lost, and they do not wait for the
/// flood.
TEST_P(NetPortTest, a_flood_of_one_lane_takes_nothing_from_another)
{
    constexpr std::uint64_t flood = 20'000;
    constexpr std::uint64_t votes = 40;
    NetPort sender(options({Lane::transactions, Lane::votes}));
    NetPort::Options small = options({Lane::transactions, Lane::votes});
    for (NetPort::LaneOptions& lane : small.lanes) {
        lane.socket_buffer_bytes = 256 << 10;
        lane.buffer_count = 4;
    }
    NetPort receiver(small);
    const Bytes junk(1200, 1);
    for (std::uint64_t i = 0; i < flood; ++i) {
        sender.send(Lane::transactions, receiver.local(Lane::transactions), junk);
        if (i % 32 == 31) {
            sender.flush();
        }
    }
    for (std::uint64_t number = 0; number < votes; ++number) {
        sender.send(Lane::votes, receiver.local(Lane::votes), numbered_payload(number));
    }
    sender.flush();
    std::uint64_t votes_seen = 0;
    std::uint64_t junk_before_last_vote = 0;
    poll_until(
        receiver,
        [&](const Datagram& datagram) {
            if (datagram.lane == Lane::votes) {
                EXPECT_LT(number_of(datagram.payload), votes);
                ++votes_seen;
            } else if (votes_seen < votes) {
                ++junk_before_last_vote;
            }
        },
        [&] { // what was lost is asked for once all that came was taken
            return votes_seen == votes &&
                   receiver.counters(Lane::transactions).queue_overflow.read() > 0;
        });
    EXPECT_EQ(votes_seen, votes);
    EXPECT_EQ(receiver.counters(Lane::votes).queue_overflow.read(), 0U);
    EXPECT_GT(receiver.counters(Lane::transactions).queue_overflow.read(), 0U);
    EXPECT_LT(junk_before_last_vote, flood / 2);
}

TEST_P(NetPortTest, runs_of_every_length_are_split_where_they_were_joined)
{
    NetPort sender(options({Lane::shreds}));
    NetPort receiver(options({Lane::shreds}));
    for (std::size_t count = 1; count <= 70; ++count) {
        for (const std::size_t last_bytes : {std::size_t{900}, std::size_t{1}}) {
            for (std::size_t i = 0; i < count; ++i) {
                const std::size_t bytes = i + 1 < count ? 900 : last_bytes;
                sender.send(Lane::shreds, receiver.local(Lane::shreds),
                            Bytes(bytes, static_cast<std::uint8_t>(i)));
            }
            sender.flush();
            std::map<std::size_t, std::size_t> size_of_number; // single shots may overtake
            const auto handle = [&](const Datagram& datagram) {
                size_of_number[datagram.payload.front()] = datagram.payload.size();
            };
            poll_until(receiver, handle, [&] { return size_of_number.size() >= count; });
            ASSERT_EQ(size_of_number.size(), count);
            for (const auto& [number, bytes] : size_of_number) {
                EXPECT_EQ(bytes, number + 1 < count ? 900 : last_bytes);
            }
        }
    }
}

TEST_P(NetPortTest, an_empty_datagram_is_one_datagram)
{
    NetPort port(options({Lane::repair}));
    port.send(Lane::repair, port.local(Lane::repair), {});
    port.send(Lane::repair, port.local(Lane::repair), {});
    std::size_t count = 0;
    const auto handle = [&](const Datagram& datagram) {
        EXPECT_TRUE(datagram.payload.empty());
        ++count;
    };
    poll_until(port, handle, [&] { return count == 2; });
    EXPECT_EQ(count, 2U);
}

TEST_P(NetPortTest, what_a_buffer_has_no_room_for_is_counted_and_whole_segments_survive)
{
    NetPort::Options small = options({Lane::shreds});
    small.buffer_bytes = 2048;
    NetPort receiver(small);
    NetPort sender(options({Lane::shreds}));
    for (std::uint8_t i = 0; i < 10; ++i) {
        sender.send(Lane::shreds, receiver.local(Lane::shreds), Bytes(1000, i));
    }
    sender.flush();
    std::vector<std::uint8_t> got;
    const auto handle = [&](const Datagram& datagram) {
        EXPECT_EQ(datagram.payload.size(), 1000U);
        got.push_back(datagram.payload.front());
    };
    const LaneCounters& counters = receiver.counters(Lane::shreds);
    poll_until(receiver, handle, [&] { return counters.truncated.read() > 0; });
    EXPECT_EQ(counters.truncated.read(), 1U);
    EXPECT_EQ(got, (std::vector<std::uint8_t>{0, 1}));
}

TEST_P(NetPortTest, a_datagram_longer_than_any_of_ours_is_dropped_and_counted)
{
    const NetPort::Options receiving = options({Lane::transactions});
    NetPort receiver(receiving);
    const UdpSocket source({.local = receiving.lanes[0].local});
    sockaddr_storage to{};
    const socklen_t length = receiver.local(Lane::transactions).to(to);
    for (const std::size_t bytes : {datagram_bytes_max + 1, datagram_bytes_max}) {
        const Bytes payload(bytes, 1);
        ASSERT_EQ(sendto(source.fd(), payload.data(), bytes, 0,
                         reinterpret_cast<const sockaddr*>(&to), length),
                  static_cast<ssize_t>(bytes));
    }
    std::vector<std::size_t> sizes;
    const auto handle = [&](const Datagram& datagram) {
        sizes.push_back(datagram.payload.size());
    };
    poll_until(receiver, handle, [&] { return !sizes.empty(); });
    EXPECT_EQ(sizes, std::vector{datagram_bytes_max});
    EXPECT_EQ(receiver.counters(Lane::transactions).too_long.read(), 1U);
    EXPECT_EQ(receiver.counters(Lane::transactions).received.read(), 2U);
}

TEST_P(NetPortTest, nothing_is_lost_when_the_buffers_run_out)
{
    NetPort::Options few = options({Lane::transactions});
    few.lanes[0].buffer_count = 2;
    few.gro = false;
    NetPort receiver(few);
    NetPort sender(options({Lane::transactions}));
    constexpr std::uint64_t total = 100;
    for (std::uint64_t number = 0; number < total; ++number) {
        sender.send(Lane::transactions, receiver.local(Lane::transactions),
                    numbered_payload(number));
    }
    sender.flush();
    std::vector<std::uint64_t> numbers;
    const auto handle = [&](const Datagram& datagram) {
        numbers.push_back(number_of(datagram.payload));
    };
    poll_until(receiver, handle, [&] { return numbers.size() == total; });
    std::ranges::sort(numbers);
    std::vector<std::uint64_t> expected(total);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(numbers, expected);
    if (backend() == ReceiveBackend::multishot) {
        EXPECT_GT(receiver.counters(Lane::transactions).rearmed.read(), 10U);
    }
}

TEST_P(NetPortTest, what_the_socket_buffer_lost_is_accounted_for)
{
    NetPort::Options tight = options({Lane::transactions});
    tight.lanes[0].socket_buffer_bytes = 16'384;
    tight.gro = false;
    NetPort receiver(tight);
    NetPort::Options plain = options({Lane::transactions});
    plain.gso = false; // a lost run would count as one
    NetPort sender(plain);
    const auto handle = [](const Datagram&) {
    };
    constexpr std::uint64_t flood = 500;
    for (std::uint64_t number = 0; number < flood; ++number) {
        sender.send(Lane::transactions, receiver.local(Lane::transactions), Bytes(200, 1));
    }
    sender.flush();
    const LaneCounters& counters = receiver.counters(Lane::transactions);
    std::uint64_t sent_count = flood;
    // The count of lost datagrams comes with the next one that arrives.
    poll_until(receiver, handle, [&] {
        receiver.poll(handle, 1ms);
        sender.send(Lane::transactions, receiver.local(Lane::transactions), Bytes(200, 1));
        sender.flush();
        ++sent_count;
        receiver.poll(handle, 100ms);
        return counters.received.read() + counters.queue_overflow.read() == sent_count &&
               counters.queue_overflow.read() > 0;
    });
    EXPECT_GT(counters.queue_overflow.read(), 0U);
    EXPECT_EQ(counters.received.read() + counters.queue_overflow.read(), sent_count);
}

TEST_P(NetPortTest, what_was_lost_is_told_although_nothing_arrives_after_it)
{
    NetPort::Options tight = options({Lane::transactions, Lane::votes});
    tight.lanes[0].socket_buffer_bytes = 16'384;
    tight.gro = false;
    NetPort receiver(tight);
    NetPort::Options plain = options({Lane::transactions});
    plain.gso = false;
    NetPort sender(plain);
    constexpr std::uint64_t flood = 500;
    for (std::uint64_t number = 0; number < flood; ++number) {
        sender.send(Lane::transactions, receiver.local(Lane::transactions), Bytes(200, 1));
    }
    sender.flush();
    const LaneCounters& counters = receiver.counters(Lane::transactions);
    const auto handle = [](const Datagram&) {
    };
    poll_until(receiver, handle,
               [&] { return counters.received.read() + counters.queue_overflow.read() == flood; });
    EXPECT_GT(counters.queue_overflow.read(), 0U);
    EXPECT_EQ(counters.received.read() + counters.queue_overflow.read(), flood);
    EXPECT_EQ(receiver.counters(Lane::votes).queue_overflow.read(), 0U);
}

TEST_P(NetPortTest, the_doorbell_ends_a_sleep)
{
    NetPort port(options({Lane::votes}));
    for (int round = 0; round < 20; ++round) {
        const auto start = std::chrono::steady_clock::now();
        std::thread ringer([&] {
            std::this_thread::sleep_for(5ms);
            port.bell().ring();
        });
        const std::size_t count = port.poll([](const Datagram&) {}, 10s);
        ringer.join();
        EXPECT_EQ(count, 0U);
        EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
    }
}

TEST_P(NetPortTest, sleeps_until_its_time_is_over_and_not_with_work_at_hand)
{
    NetPort port(options({Lane::votes}));
    const auto ignore = [](const Datagram&) {
    };
    auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(port.poll(ignore, 30ms), 0U);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 29ms);
    start = std::chrono::steady_clock::now();
    EXPECT_EQ(port.poll(ignore, [] { return true; }, 10s), 0U);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

TEST_P(NetPortTest, a_port_of_another_thread_gets_items_from_a_link_and_datagrams)
{
    NetPort port(options({Lane::votes}));
    NetPort peer(options({Lane::votes}));
    constexpr std::uint64_t total = 2000;
    SpscRing<std::uint64_t> link(8, &port.bell());
    const auto start = std::chrono::steady_clock::now();
    std::thread tile([&] {
        for (std::uint64_t sent_count = 0;;) {
            sent_count += link.drain(8, [&](std::uint64_t number) {
                port.send(Lane::votes, peer.local(Lane::votes), numbered_payload(number));
            });
            if (sent_count == total || std::chrono::steady_clock::now() > start + 20s) {
                break;
            }
            port.poll([](const Datagram&) {}, [&] { return !link.empty(); }, 5s);
        }
        port.stop();
    });
    std::uint64_t received_count = 0;
    for (std::uint64_t number = 0; number < total; ++number) {
        ASSERT_TRUE(link.push(number));
        const auto handle = [&](const Datagram& datagram) {
            EXPECT_EQ(number_of(datagram.payload), received_count);
            ++received_count;
        };
        poll_until(peer, handle, [&] { return received_count > number; });
    }
    tile.join();
    EXPECT_EQ(received_count, total);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 5s) << "a wake-up was lost";
}

TEST_P(NetPortTest, a_port_is_free_again_once_the_object_is_gone)
{
    NetPort::Options again = options({Lane::shreds});
    for (int round = 0; round < 10; ++round) {
        NetPort port(again);
        again.lanes[0].local = port.local(Lane::shreds);
        port.poll([](const Datagram&) {}, 0ns);
        if (round % 2 == 0) {
            port.stop();
        }
    }
}

std::string name_of(const testing::TestParamInfo<BackendAndAddress>& info)
{
    constexpr std::array names{"automatic", "multishot", "single_shot", "recvmmsg"};
    const auto& [backend, address] = info.param;
    return std::string(names[static_cast<std::size_t>(backend)]) +
           (address.starts_with("[") ? "_ipv6" : "_ipv4");
}

INSTANTIATE_TEST_SUITE_P(Backends, NetPortTest,
                         testing::Combine(testing::Values(ReceiveBackend::multishot,
                                                          ReceiveBackend::single_shot,
                                                          ReceiveBackend::recvmmsg),
                                          testing::Values("127.0.0.1:0", "[::1]:0")),
                         name_of);

TEST(NetPort, takes_the_best_backend_by_itself)
{
    NetPort::Options options;
    options.lanes = {lane_at(Lane::votes)};
    const NetPort port(options);
    EXPECT_EQ(port.backend(), ReceiveBackend::multishot) << port.description();
    EXPECT_EQ(port.description(), "io_uring multishot");
}

TEST(NetPort, order_towards_each_destination_is_kept)
{
    NetPort::Options options;
    options.lanes = {lane_at(Lane::shreds)};
    NetPort sender(options);
    std::vector<std::unique_ptr<NetPort>> receivers;
    receivers.reserve(4);
    for (int i = 0; i < 4; ++i) {
        receivers.push_back(std::make_unique<NetPort>(options));
    }
    std::mt19937_64 random(4);
    std::vector<std::vector<std::uint64_t>> sent(receivers.size());
    std::vector<std::vector<std::uint64_t>> got(receivers.size());
    for (std::uint64_t number = 0; number < 1000; ++number) {
        const std::size_t to = random() % receivers.size();
        sender.send(Lane::shreds, receivers[to]->local(Lane::shreds), numbered_payload(number));
        sent[to].push_back(number);
    }
    sender.flush();
    for (std::size_t i = 0; i < receivers.size(); ++i) {
        poll_until(
            *receivers[i],
            [&](const Datagram& datagram) { got[i].push_back(number_of(datagram.payload)); },
            [&] { return got[i].size() >= sent[i].size(); });
    }
    EXPECT_EQ(got, sent);
    EXPECT_GT(sender.counters(Lane::shreds).sent_in_runs.read(), 300U);
}

TEST(NetPort, what_cannot_be_sent_is_counted)
{
    NetPort::Options options;
    options.lanes = {lane_at(Lane::shreds)};
    NetPort port(options);
    const Endpoint self = port.local(Lane::shreds);
    port.send(Lane::votes, self, Bytes(10));                         // no such socket
    port.send(Lane::shreds, self, Bytes(datagram_bytes_max + 1));    // too long
    port.send(Lane::shreds, Endpoint{}, Bytes(10));                  // no address
    port.send(Lane::shreds, *Endpoint::parse("[::1]:9"), Bytes(10)); // other family
    port.send(Lane::shreds, self, Bytes(10));                        // good
    port.flush();
    EXPECT_EQ(port.counters(Lane::votes).send_errors.read(), 1U);
    EXPECT_EQ(port.counters(Lane::shreds).send_errors.read(), 3U);
    EXPECT_EQ(port.counters(Lane::shreds).sent.read(), 1U);
}

/// The numbers that came through a lane with the given faults.
std::vector<std::uint64_t> through_faults(const LaneFaults& faults, Lane lane)
{
    NetPort::Options options;
    options.lanes = {lane_at(lane)};
    options.faults = faults;
    NetPort port(options);
    constexpr std::uint64_t total = 4000;
    std::vector<std::uint64_t> numbers;
    const auto handle = [&](const Datagram& datagram) {
        numbers.push_back(number_of(datagram.payload));
    };
    for (std::uint64_t number = 0; number < total; ++number) {
        port.send(lane, port.local(lane), numbered_payload(number));
        if (number % 100 == 99) {
            poll_until(port, handle,
                       [&] { return port.counters(lane).received.read() == number + 1; });
        }
    }
    EXPECT_EQ(numbers.size() + port.counters(lane).fault_dropped.read(), total);
    return numbers;
}

TEST(NetPort, faults_drop_the_share_asked_for_by_seed_and_on_their_lane_only)
{
    LaneFaults faults{.drop_share = {}, .seed = 11};
    faults.drop_share[static_cast<std::size_t>(Lane::shreds)] = 0.15;
    const std::vector<std::uint64_t> first = through_faults(faults, Lane::shreds);
    EXPECT_NEAR(static_cast<double>(first.size()), 4000 * 0.85, 4000 * 0.03);
    EXPECT_EQ(through_faults(faults, Lane::shreds), first);
    EXPECT_EQ(through_faults(faults, Lane::votes).size(), 4000U);
    faults.seed = 12;
    EXPECT_NE(through_faults(faults, Lane::shreds), first);
    faults.drop_share.fill(1.0);
    EXPECT_TRUE(through_faults(faults, Lane::shreds).empty());
}

TEST(NetPort, a_share_outside_of_zero_and_one_is_an_error_at_start)
{
    NetPort::Options options;
    options.lanes = {lane_at(Lane::shreds)};
    for (const double share : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
        options.faults.drop_share[0] = share;
        EXPECT_THROW(const NetPort port(options), std::runtime_error);
    }
}

TEST(NetPort, an_occupied_port_is_an_error_at_start)
{
    NetPort::Options options;
    options.lanes = {lane_at(Lane::shreds)};
    const NetPort first(options);
    options.lanes[0].local = first.local(Lane::shreds);
    EXPECT_THROW(const NetPort second(options), std::runtime_error);
}

} // namespace
} // namespace belfry::dataplane
