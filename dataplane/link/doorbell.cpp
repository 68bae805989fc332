// SPDX-License-Identifier: Apache-2.0
#include "dataplane/link/spsc_ring.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <system_error>

namespace belfry::dataplane {

Doorbell::Doorbell()
    : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
    if (fd_ < 0) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
}

Doorbell::~Doorbell()
{
    close(fd_);
}

void Doorbell::ring() noexcept
{
    const std::uint64_t one = 1;
    ssize_t written = -1;
    do {
        written = write(fd_, &one, sizeof(one));
    } while (written < 0 && errno == EINTR); // EAGAIN: the counter is full, so it is readable
}

void Doorbell::woke() noexcept
{
    // relaxed: a producer that misses it rings once too often; partner: P2. The next announcement
    // is a later store to the same flag, so this one cannot undo it.
    asleep_.store(false, std::memory_order_relaxed);
    std::uint64_t rung = 0;
    while (read(fd_, &rung, sizeof(rung)) < 0 && errno == EINTR) {
    }
}

bool Doorbell::wait(std::chrono::nanoseconds time_max) const noexcept
{
    const auto nanoseconds = time_max.count() > 0 ? time_max.count() : 0;
    const timespec timeout{.tv_sec = nanoseconds / 1'000'000'000,
                           .tv_nsec = nanoseconds % 1'000'000'000};
    pollfd readable{.fd = fd_, .events = POLLIN, .revents = 0};
    return ppoll(&readable, 1, &timeout, nullptr) > 0; // a signal ends the sleep early: harmless
}

} // namespace belfry::dataplane
