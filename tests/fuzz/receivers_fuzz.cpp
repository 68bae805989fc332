// SPDX-License-Identifier: Apache-2.0
// receivers_fuzz: datagrams of any size on two sockets, looks at any time, bells and a stop, the
// same for all three receivers: each gives every datagram once, whole or cut at its buffer, those
// of one socket in order but for single shot, and counts what it armed again.
#include "base/check.hpp"
#include "dataplane/net/receiver.hpp"
#include "tests/base/choices.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>

namespace belfry::dataplane {
namespace {

constexpr std::size_t buffer_bytes = 96;
constexpr std::size_t socket_count = 2;

class Pipes {
public:
    Pipes()
    {
        for (auto& ends : ends_) {
            BELFRY_CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        }
    }
    ~Pipes()
    {
        for (const auto& ends : ends_) {
            close(ends[0]);
            close(ends[1]);
        }
    }
    Pipes(const Pipes&) = delete;
    Pipes& operator=(const Pipes&) = delete;
    [[nodiscard]] int receiving(std::size_t i) const { return ends_[i][0]; }
    /// False when the socket's queue is full.
    bool send(std::size_t i, ByteView datagram) const
    {
        return ::send(ends_[i][1], datagram.data(), datagram.size(), MSG_DONTWAIT) >= 0;
    }

private:
    std::array<std::array<int, 2>, socket_count> ends_{};
};

class Receiving {
public:
    Receiving(ReceiveBackend backend, const Pipes& pipes)
        : ordered_(backend != ReceiveBackend::single_shot)
    {
        ReceiverOptions options;
        for (std::size_t i = 0; i < socket_count; ++i) {
            options.sockets.push_back({.fd = pipes.receiving(i), .buffer_count = 4});
        }
        options.buffer_bytes = buffer_bytes;
        options.bell = &bell_;
        receiver_ = make_receiver(backend, options).receiver;
    }
    void expect(std::size_t socket, Bytes datagram)
    {
        expected_[socket].push_back(std::move(datagram));
        ++waiting_;
    }
    void ring_and_look()
    {
        constexpr std::chrono::seconds wait{5};
        const auto begin = std::chrono::steady_clock::now();
        bell_.ring();
        look(wait);
        BELFRY_CHECK(std::chrono::steady_clock::now() - begin < wait); // the bell ended it
        bell_.woke();
    }
    void look(std::chrono::nanoseconds wait)
    {
        for (const Arrival& arrival : receiver_->collect(wait)) {
            BELFRY_CHECK(arrival.socket_index < socket_count);
            std::deque<Bytes>& queue = expected_[arrival.socket_index];
            const ByteView got{arrival.data, arrival.data_bytes};
            // A buffer may have a little more room than was asked for.
            const auto found = std::ranges::find_if(queue, [&](const Bytes& sent) {
                return got.size() >= std::min(sent.size(), buffer_bytes) &&
                       got.size() <= sent.size() &&
                       std::ranges::equal(got, ByteView(sent).first(got.size())) &&
                       arrival.truncated == (got.size() < sent.size());
            });
            BELFRY_CHECK(found != queue.end() && (!ordered_ || found == queue.begin()));
            queue.erase(found);
            --waiting_;
            ++given_[arrival.socket_index];
        }
    }
    void drain()
    {
        for (int i = 0; waiting_ > 0 && i < 200; ++i) {
            look(std::chrono::milliseconds(20));
        }
        BELFRY_CHECK(waiting_ == 0);
        for (std::size_t i = 0; i < socket_count; ++i) {
            BELFRY_CHECK(receiver_->error_count(i) == 0);
            if (!ordered_) { // arms again after each; the others hardly ever
                BELFRY_CHECK(receiver_->rearm_count(i) == given_[i]);
            }
        }
        receiver_->stop();
        BELFRY_CHECK(receiver_->collect(std::chrono::nanoseconds{0}).empty());
    }

private:
    bool ordered_;
    Doorbell bell_;
    std::unique_ptr<Receiver> receiver_;
    std::array<std::deque<Bytes>, socket_count> expected_;
    std::array<std::uint64_t, socket_count> given_{};
    std::size_t waiting_ = 0;
};

void run(ReceiveBackend backend, Choices choices)
{
    const Pipes pipes;
    Receiving receiving(backend, pipes);
    std::uint8_t number = 0;
    for (int step = 0; choices.more() && step < 100; ++step) {
        const std::uint64_t draw = choices();
        if (draw < 170) {
            Bytes datagram(1 + choices() % 150, static_cast<std::uint8_t>(draw));
            datagram[0] = number++; // each is another one
            if (pipes.send(draw % socket_count, datagram)) {
                receiving.expect(draw % socket_count, std::move(datagram));
            }
        } else if (draw < 240) {
            receiving.look(std::chrono::nanoseconds{0});
        } else {
            receiving.ring_and_look();
        }
    }
    receiving.drain();
}

bool works(ReceiveBackend backend)
{
    try {
        const Pipes pipes;
        const Receiving receiving(backend, pipes);
        return true;
    } catch (const std::exception& error) {
        (void)std::fprintf(stderr, "receivers_fuzz leaves one out: %s\n", error.what());
        return false;
    }
}

} // namespace
} // namespace belfry::dataplane

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry; // NOLINT(google-build-using-namespace)
    using dataplane::ReceiveBackend;
    constexpr std::array all{ReceiveBackend::multishot, ReceiveBackend::single_shot,
                             ReceiveBackend::recvmmsg};
    static const std::array usable{dataplane::works(all[0]), dataplane::works(all[1]),
                                   dataplane::works(all[2])};
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (usable[i]) {
            dataplane::run(all[i], Choices(ByteView(data, size)));
        }
    }
    return 0;
}
