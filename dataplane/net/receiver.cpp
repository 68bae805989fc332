// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/receiver.hpp"

#include "dataplane/net/mmsg_receiver.hpp"
#include "dataplane/net/uring_receiver.hpp"

#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <stdexcept>
#include <system_error>

namespace belfry::dataplane {
namespace {

constexpr std::array backends_best_first{ReceiveBackend::multishot, ReceiveBackend::single_shot,
                                         ReceiveBackend::recvmmsg};

std::unique_ptr<Receiver> make(ReceiveBackend backend, const ReceiverOptions& options)
{
    switch (backend) {
    case ReceiveBackend::multishot:
        return std::make_unique<MultishotReceiver>(options);
    case ReceiveBackend::single_shot:
        return std::make_unique<SingleShotReceiver>(options);
    case ReceiveBackend::automatic:
    case ReceiveBackend::recvmmsg:
        break;
    }
    return std::make_unique<MmsgReceiver>(options);
}

/// Flags that the kernel takes say nothing of the operations behind them, so one datagram goes
/// through a small receiver of the same kind.
void try_out(ReceiveBackend backend)
{
    std::array<int, 2> ends{-1, -1};
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    std::exception_ptr error;
    try {
        ReceiverOptions options;
        options.sockets = {{.fd = ends[0], .buffer_count = 2}};
        options.buffer_bytes = 64;
        const std::unique_ptr<Receiver> receiver = make(backend, options);
        (void)receiver->collect(std::chrono::nanoseconds{0});
        const std::uint8_t letter = 'b';
        if (send(ends[1], &letter, 1, 0) != 1) {
            throw std::system_error(errno, std::generic_category(), "send");
        }
        const std::span<const Arrival> arrivals = receiver->collect(std::chrono::seconds{1});
        if (arrivals.size() != 1 || arrivals[0].data_bytes != 1 || arrivals[0].data[0] != letter) {
            throw std::runtime_error("a datagram did not come through");
        }
        receiver->stop();
    } catch (...) {
        error = std::current_exception();
    }
    close(ends[0]);
    close(ends[1]);
    if (error) {
        std::rethrow_exception(error);
    }
}

} // namespace

std::string_view to_string(ReceiveBackend backend)
{
    switch (backend) {
    case ReceiveBackend::automatic:
        return "automatic";
    case ReceiveBackend::multishot:
        return "io_uring multishot";
    case ReceiveBackend::single_shot:
        return "io_uring single shot";
    case ReceiveBackend::recvmmsg:
        return "recvmmsg";
    }
    return "unknown";
}

ReceiverChoice make_receiver(ReceiveBackend wanted, const ReceiverOptions& options)
{
    ReceiverChoice choice;
    for (const ReceiveBackend backend : backends_best_first) {
        if (wanted != ReceiveBackend::automatic && wanted != backend) {
            continue;
        }
        try {
            if (backend != ReceiveBackend::recvmmsg) {
                try_out(backend);
            }
            choice.receiver = make(backend, options);
            return choice;
        } catch (const std::exception& error) {
            if (!choice.absence.empty()) {
                choice.absence += "; ";
            }
            choice.absence += fmt::format("no {}: {}", to_string(backend), error.what());
        }
    }
    throw std::runtime_error(choice.absence);
}

} // namespace belfry::dataplane
