// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/uring.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>

namespace belfry::dataplane {
namespace {

using namespace std::chrono_literals;

constexpr std::array receives{IORING_OP_RECVMSG, IORING_OP_POLL_ADD};

Uring::Options options(bool restricted)
{
    Uring::Options out{.sqe_count = 8, .cqe_count = 16};
    if (restricted) {
        out.operations = receives;
        out.sqe_flags = IOSQE_BUFFER_SELECT;
    }
    return out;
}

/// The kernel's answer to one request; a file it opened is closed again.
int answer(Uring& uring, const std::function<void(io_uring_sqe*)>& prepare)
{
    io_uring_sqe* const entry = uring.next_sqe();
    if (entry == nullptr) {
        return -ENOBUFS;
    }
    prepare(entry);
    uring.enter(1s);
    io_uring_cqe* completion = nullptr;
    if (io_uring_peek_cqe(uring.get(), &completion) != 0) {
        return -ETIME;
    }
    const int result = completion->res;
    io_uring_cqe_seen(uring.get(), completion);
    return result;
}

void open_a_file(io_uring_sqe* entry)
{
    io_uring_prep_openat(entry, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC, 0);
}

void make_a_socket(io_uring_sqe* entry)
{
    io_uring_prep_socket(entry, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0);
}

TEST(Uring, does_what_it_named_and_nothing_else)
{
    Uring uring(options(true));
    ASSERT_TRUE(uring.is_restricted());
    ASSERT_TRUE(uring.start());
    EXPECT_EQ(answer(uring, open_a_file), -EACCES);
    EXPECT_EQ(answer(uring, make_a_socket), -EACCES);
    EXPECT_EQ(answer(uring, io_uring_prep_nop), -EACCES);
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    const auto poll = [&ends](io_uring_sqe* entry) {
        io_uring_prep_poll_add(entry, ends[0], POLLOUT);
    };
    EXPECT_GT(answer(uring, poll), 0);
    const auto poll_with_a_link = [&](io_uring_sqe* entry) {
        poll(entry);
        entry->flags = IOSQE_IO_LINK;
    };
    EXPECT_EQ(answer(uring, poll_with_a_link), -EACCES);
    close(ends[0]);
    close(ends[1]);
}

TEST(Uring, registers_nothing_more_once_it_runs)
{
    for (const bool restricted : {true, false}) {
        Uring uring(options(restricted));
        ASSERT_TRUE(uring.start());
        std::array<int, 1> files{STDERR_FILENO};
        const auto result = syscall(SYS_io_uring_register, uring.get()->ring_fd,
                                    IORING_REGISTER_FILES, files.data(), 1);
        EXPECT_EQ(result, restricted ? -1 : 0);
        EXPECT_TRUE(!restricted || errno == EACCES);
        uring.cancel_all(); // this one it may
    }
}

/// What the restriction is for: without it the same requests open a file and make a socket.
TEST(Uring, that_names_no_operations_may_all)
{
    Uring uring(options(false));
    EXPECT_FALSE(uring.is_restricted());
    ASSERT_TRUE(uring.start());
    EXPECT_EQ(answer(uring, io_uring_prep_nop), 0);
    for (const auto& request : {open_a_file, make_a_socket}) {
        const int fd = answer(uring, request);
        EXPECT_GE(fd, 0);
        close(fd);
    }
}

} // namespace
} // namespace belfry::dataplane
