// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/net_port.hpp"
#include "dataplane/net/receiver.hpp"
#include "dataplane/net/sender.hpp"
#include "dataplane/net/udp.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace belfry::dataplane {
namespace {

using namespace std::chrono_literals;

UdpSocket loopback_socket()
{
    return UdpSocket({.local = *Endpoint::parse("127.0.0.1:0")});
}

class ReceiverTest : public testing::TestWithParam<ReceiveBackend> {
protected:
    [[nodiscard]] std::unique_ptr<Receiver> receiver(const ReceiverOptions& options) const
    {
        ReceiverChoice choice = make_receiver(GetParam(), options);
        EXPECT_EQ(choice.receiver->backend(), GetParam());
        EXPECT_TRUE(choice.absence.empty());
        EXPECT_TRUE(
            choice.receiver->is_restricted()); // so every test here is one under restriction
        return std::move(choice.receiver);
    }
};

TEST_P(ReceiverTest, an_aggregate_arrives_as_one_with_its_segment_size)
{
    const UdpSocket target = loopback_socket();
    const UdpSocket source = loopback_socket();
    ASSERT_TRUE(target.has_gro());
    const auto receiving =
        receiver({.sockets = {{.fd = target.fd(), .buffer_count = 4}}, .bell = nullptr});
    Sender sender(std::array{source.fd()}, true);
    for (std::uint8_t i = 0; i < 40; ++i) {
        sender.add(0, target.local(), Bytes(i < 39 ? 1200 : 700, i));
    }
    sender.flush();
    EXPECT_EQ(sender.take_counts(0).sent_in_runs, 40U);
    const std::span<const Arrival> arrivals = receiving->collect(5s);
    ASSERT_EQ(arrivals.size(), 1U);
    EXPECT_EQ(arrivals[0].data_bytes, (39U * 1200) + 700);
    EXPECT_EQ(arrivals[0].segment_bytes, 1200U);
    EXPECT_EQ(arrivals[0].source, source.local());
    EXPECT_FALSE(arrivals[0].truncated);
    for (std::size_t i = 0; i < arrivals[0].data_bytes; ++i) {
        ASSERT_EQ(arrivals[0].data[i], i / 1200);
    }
    receiving->stop();
}

TEST_P(ReceiverTest, tells_which_socket_a_datagram_came_by)
{
    const std::vector<UdpSocket> targets = [] {
        std::vector<UdpSocket> out;
        out.reserve(5);
        for (int i = 0; i < 5; ++i) {
            out.push_back(loopback_socket());
        }
        return out;
    }();
    ReceiverOptions options;
    for (const UdpSocket& target : targets) {
        options.sockets.push_back({.fd = target.fd(), .buffer_count = 2});
    }
    const auto receiving = receiver(options);
    const UdpSocket source = loopback_socket();
    Sender sender(std::array{source.fd()}, true);
    for (std::size_t i = 0; i < targets.size(); ++i) {
        sender.add(0, targets[i].local(), Bytes(10, static_cast<std::uint8_t>(i)));
    }
    sender.flush();
    std::array<int, 5> seen{};
    for (int round = 0; round < 100 && seen != std::array{1, 1, 1, 1, 1}; ++round) {
        for (const Arrival& arrival : receiving->collect(10ms)) {
            ASSERT_EQ(arrival.data_bytes, 10U);
            EXPECT_EQ(arrival.data[0], arrival.socket_index);
            ++seen[arrival.socket_index];
        }
    }
    EXPECT_EQ(seen, (std::array{1, 1, 1, 1, 1}));
    receiving->stop();
}

TEST_P(ReceiverTest, waits_no_longer_than_told)
{
    const UdpSocket target = loopback_socket();
    const auto receiving = receiver({.sockets = {{.fd = target.fd(), .buffer_count = 2}}});
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(receiving->collect(30ms).empty());
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_GE(took, 29ms);
    EXPECT_LT(took, 5s);
    receiving->stop();
}

TEST_P(ReceiverTest, sleeps_until_the_bell_rings)
{
    const UdpSocket target = loopback_socket();
    Doorbell bell;
    const auto receiving =
        receiver({.sockets = {{.fd = target.fd(), .buffer_count = 2}}, .bell = &bell});
    const auto time_of_a_collect = [&](std::chrono::milliseconds wait_max) {
        bell.announce_sleep();
        const auto start = std::chrono::steady_clock::now();
        EXPECT_TRUE(receiving->collect(wait_max).empty());
        bell.woke();
        return std::chrono::steady_clock::now() - start;
    };
    EXPECT_GE(time_of_a_collect(100ms), 99ms);
    std::jthread ringer([&bell] {
        std::this_thread::sleep_for(50ms);
        bell.ring();
    });
    EXPECT_LT(time_of_a_collect(20s), 10s);
    receiving->stop();
}

INSTANTIATE_TEST_SUITE_P(Backends, ReceiverTest,
                         testing::Values(ReceiveBackend::multishot, ReceiveBackend::single_shot,
                                         ReceiveBackend::recvmmsg),
                         [](const auto& tested) {
                             switch (tested.param) {
                             case ReceiveBackend::multishot:
                                 return "multishot";
                             case ReceiveBackend::single_shot:
                                 return "single_shot";
                             default:
                                 return "recvmmsg";
                             }
                         });

/// From here on this process may not have an io_uring, as in a container that forbids it.
bool forbid_io_uring()
{
    std::array<sock_filter, 4> program{{
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_io_uring_setup},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    }};
    const sock_fprog filter{.len = program.size(), .filter = program.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

[[noreturn]] void talk_without_io_uring()
{
    if (!forbid_io_uring()) {
        std::_Exit(2);
    }
    NetPort::Options options;
    options.lanes = {{.lane = Lane::votes, .local = *Endpoint::parse("127.0.0.1:0")}};
    NetPort port(options);
    const std::string said = port.description();
    bool ok = port.backend() == ReceiveBackend::recvmmsg &&
              said.find("Operation not permitted") != std::string::npos;
    int received_count = 0;
    port.send(Lane::votes, port.local(Lane::votes), Bytes{1, 2, 3});
    const auto receive = [&](const Datagram& datagram) {
        ok = ok && datagram.payload.size() == 3;
        ++received_count;
    };
    for (int i = 0; i < 50 && received_count == 0; ++i) {
        port.poll(receive, 100ms);
    }
    std::_Exit(ok && received_count == 1 ? 0 : 1);
}

TEST(ReceiverDeathTest, where_io_uring_is_refused_the_port_runs_on_recvmmsg_and_says_why)
{
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_EXIT(talk_without_io_uring(), testing::ExitedWithCode(0), "");
}

} // namespace
} // namespace belfry::dataplane
