// SPDX-License-Identifier: Apache-2.0
// net_bench.cpp: what one datagram costs its receiver and its sender over loopback, and a link hop.
// Claim   NetPort with GSO and GRO receives 1,228 B datagrams of one flow for less than a fifth of
//         what recvmmsg of 64 needs, and sends them for less than half of what sendmmsg needs.
// Run     ./dev bench net --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
// Method  one thread: a burst is sent, then received; each side is timed alone (manual time), so
//         that neither waits for the other. items_per_second counts datagrams.

#include "dataplane/link/spsc_ring.hpp"
#include "dataplane/net/net_port.hpp"

#include <benchmark/benchmark.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

namespace belfry::dataplane {
namespace {

constexpr std::size_t burst_count = 512;
constexpr std::size_t batch_count = 64; // as Agave's receiver

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start)
{
    return std::chrono::duration<double>(Clock::now() - start).count();
}

UdpSocket plain_socket()
{
    return UdpSocket({.local = *Endpoint::parse("127.0.0.1:0"),
                      .receive_buffer_bytes = std::size_t{16} << 20,
                      .gro = false});
}

/// The way without GSO, GRO and io_uring.
class Plain {
public:
    explicit Plain(std::size_t payload_bytes)
        : payload_(payload_bytes, 7)
        , buffers_(batch_count * 2048)
    {
        name_bytes_ = target_.local().to(name_);
        for (std::size_t i = 0; i < batch_count; ++i) {
            sent_pieces_[i] = {.iov_base = payload_.data(), .iov_len = payload_.size()};
            sent_[i].msg_hdr.msg_name = &name_;
            sent_[i].msg_hdr.msg_namelen = name_bytes_;
            sent_[i].msg_hdr.msg_iov = &sent_pieces_[i];
            sent_[i].msg_hdr.msg_iovlen = 1;
            pieces_[i] = {.iov_base = &buffers_[i * 2048], .iov_len = 2048};
        }
    }
    void send_burst()
    {
        for (std::size_t sent = 0; sent < burst_count; sent += batch_count) {
            (void)sendmmsg(source_.fd(), sent_.data(), batch_count, 0);
        }
    }
    std::size_t receive_burst()
    {
        std::size_t count = 0;
        int received = 0;
        do {
            for (std::size_t i = 0; i < batch_count; ++i) {
                received_[i].msg_hdr = {};
                received_[i].msg_hdr.msg_name = &names_[i];
                received_[i].msg_hdr.msg_namelen = sizeof(names_[i]);
                received_[i].msg_hdr.msg_iov = &pieces_[i];
                received_[i].msg_hdr.msg_iovlen = 1;
            }
            received = recvmmsg(target_.fd(), received_.data(), batch_count, MSG_DONTWAIT, nullptr);
            for (int i = 0; i < received; ++i) {
                benchmark::DoNotOptimize(buffers_[static_cast<std::size_t>(i) * 2048]);
            }
            count += received > 0 ? static_cast<std::size_t>(received) : 0;
        } while (received == static_cast<int>(batch_count));
        return count;
    }

private:
    UdpSocket source_ = plain_socket();
    UdpSocket target_ = plain_socket();
    Bytes payload_;
    Bytes buffers_;
    sockaddr_storage name_{};
    socklen_t name_bytes_ = 0;
    std::array<iovec, batch_count> sent_pieces_{};
    std::array<mmsghdr, batch_count> sent_{};
    std::array<iovec, batch_count> pieces_{};
    std::array<mmsghdr, batch_count> received_{};
    std::array<sockaddr_storage, batch_count> names_{};
};

/// Two NetPorts.
class Ported {
public:
    Ported(ReceiveBackend backend, std::size_t payload_bytes, bool aggregates)
        : source_(options(backend, aggregates))
        , target_(options(backend, aggregates))
        , payload_(payload_bytes, 7)
    {
    }
    void send_burst()
    {
        for (std::size_t i = 0; i < burst_count; ++i) {
            source_.send(Lane::shreds, target_.local(Lane::shreds), payload_);
        }
        source_.flush();
    }
    std::size_t receive_burst()
    {
        std::size_t count = 0;
        // One look may find nothing while the kernel arms a receive again.
        for (std::size_t looks = 0; count < burst_count && looks < 4 * burst_count; ++looks) {
            count += target_.poll(
                [](const Datagram& datagram) {
                    benchmark::DoNotOptimize(datagram.payload.front());
                },
                std::chrono::nanoseconds{0});
        }
        return count;
    }

private:
    static NetPort::Options options(ReceiveBackend backend, bool aggregates)
    {
        NetPort::Options out;
        out.lanes = {{.lane = Lane::shreds,
                      .local = *Endpoint::parse("127.0.0.1:0"),
                      .buffer_count = 64,
                      .socket_buffer_bytes = std::size_t{16} << 20}};
        out.backend = backend;
        out.gro = aggregates;
        out.gso = aggregates;
        return out;
    }
    NetPort source_;
    NetPort target_;
    Bytes payload_;
};

enum class Side : std::uint8_t { send, receive };

template <class Way>
void run(benchmark::State& state, Way& way, Side side)
{
    for ([[maybe_unused]] auto _ : state) {
        const Clock::time_point start = Clock::now();
        way.send_burst();
        const double sending = seconds_since(start);
        const Clock::time_point sent = Clock::now();
        const std::size_t count = way.receive_burst();
        const double receiving = seconds_since(sent);
        if (count != burst_count) {
            state.SkipWithError("datagrams were lost: raise net.core.rmem_max");
            return;
        }
        state.SetIterationTime(side == Side::send ? sending : receiving);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(burst_count));
}

void plain(benchmark::State& state, Side side)
{
    Plain way(static_cast<std::size_t>(state.range(0)));
    run(state, way, side);
}

void ported(benchmark::State& state, Side side, ReceiveBackend backend, bool aggregates)
{
    Ported way(backend, static_cast<std::size_t>(state.range(0)), aggregates);
    run(state, way, side);
}

void link_hop(benchmark::State& state, bool with_bell)
{
    struct Packet {
        std::array<std::uint8_t, 1280> bytes{};
    };
    Doorbell bell;
    SpscRing<Packet> ring(1024, with_bell ? &bell : nullptr);
    for ([[maybe_unused]] auto _ : state) {
        for (std::size_t i = 0; i < batch_count; ++i) {
            Packet* const slot = ring.claim();
            slot->bytes[0] = 1;
            ring.commit();
        }
        ring.publish();
        ring.drain(batch_count,
                   [](const Packet& packet) { benchmark::DoNotOptimize(packet.bytes[0]); });
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch_count));
}

// NOLINTBEGIN(performance-*): benchmark's macros
BENCHMARK_CAPTURE(plain, receive_recvmmsg, Side::receive)->Arg(200)->Arg(1228)->UseManualTime();
BENCHMARK_CAPTURE(ported, receive_multishot_gro, Side::receive, ReceiveBackend::multishot, true)
    ->Arg(200)
    ->Arg(1228)
    ->UseManualTime();
BENCHMARK_CAPTURE(ported, receive_multishot_no_gro, Side::receive, ReceiveBackend::multishot, false)
    ->Arg(200)
    ->Arg(1228)
    ->UseManualTime();
BENCHMARK_CAPTURE(ported, receive_recvmmsg_gro, Side::receive, ReceiveBackend::recvmmsg, true)
    ->Arg(200)
    ->Arg(1228)
    ->UseManualTime();
BENCHMARK_CAPTURE(plain, send_sendmmsg, Side::send)->Arg(200)->Arg(1228)->UseManualTime();
BENCHMARK_CAPTURE(ported, send_gso, Side::send, ReceiveBackend::multishot, true)
    ->Arg(200)
    ->Arg(1228)
    ->UseManualTime();
BENCHMARK_CAPTURE(link_hop, without_bell, false);
BENCHMARK_CAPTURE(link_hop, with_bell, true);
// NOLINTEND(performance-*)

} // namespace
} // namespace belfry::dataplane

BENCHMARK_MAIN();
