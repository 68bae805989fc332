// SPDX-License-Identifier: Apache-2.0
// disk_calls.cpp: what a program and its libraries call instead of libc, when it is preloaded.
#include "tests/cluster/disk_faults.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using disk_faults::die;
using disk_faults::Event;
using disk_faults::faults;
using disk_faults::file_of;
using disk_faults::Verdict;

/// Does what make() would, unless it is decided otherwise. some() writes the first so many bytes.
template <class Make, class Some>
ssize_t pass(const Event& event, std::size_t bytes, const Make& make, const Some& some)
{
    switch (faults().judge(event, bytes)) {
    case Verdict::go:
        break;
    case Verdict::die_before:
        die();
    case Verdict::die_half:
        (void)some(bytes / 2);
        die();
    case Verdict::die_after:
        (void)make();
        die();
    case Verdict::skip:
        return static_cast<ssize_t>(bytes);
    case Verdict::fail:
        if (const std::size_t room = faults().room(); room > 0 && room < bytes) {
            return some(room); // as a disk that fills: a short write first
        }
        errno = faults().code();
        return -1;
    }
    return make();
}

ssize_t write_pieces(int fd, std::span<const iovec> pieces, std::int64_t offset)
{
    const auto count = static_cast<int>(pieces.size());
    return offset < 0 ? syscall(SYS_writev, fd, pieces.data(), count)
                      : syscall(SYS_pwritev, fd, pieces.data(), count, offset, 0);
}

/// offset -1: where the descriptor stands.
ssize_t write_event(int fd, std::span<const iovec> pieces, std::int64_t offset)
{
    const Event event = faults().event(fd, "write");
    if (event.file.empty()) {
        if (fd == STDOUT_FILENO) {
            faults().record('m', {}, 0, pieces);
        }
        return write_pieces(fd, pieces, offset);
    }
    std::size_t bytes = 0;
    for (const iovec& piece : pieces) {
        bytes += piece.iov_len;
    }
    const auto make = [&] {
        const std::int64_t at = offset < 0 ? syscall(SYS_lseek, fd, 0, SEEK_CUR) : offset;
        const bool durable = event.file.ends_with("_meta");
        faults().record(durable ? 'd' : 'w', event.path, static_cast<std::uint64_t>(at), pieces);
        const ssize_t written = write_pieces(fd, pieces, offset);
        if (durable && written == static_cast<ssize_t>(bytes)) {
            faults().record('e', event.path, static_cast<std::uint64_t>(at), {});
        }
        return written;
    };
    const auto some = [&](std::size_t count) {
        std::vector<iovec> part(pieces.begin(), pieces.end());
        for (iovec& piece : part) {
            piece.iov_len = std::min(piece.iov_len, count);
            count -= piece.iov_len;
        }
        return write_pieces(fd, part, offset);
    };
    return pass(event, bytes, make, some);
}

int sync_event(int fd, long number)
{
    const Event event = faults().event(fd, "sync");
    const auto make = [&] {
        const ssize_t done = syscall(number, fd);
        if (done == 0 && !event.file.empty()) {
            faults().record('s', event.path, 0, {});
        }
        return done;
    };
    const auto none = [](std::size_t /*count*/) {
        return ssize_t{0};
    };
    return static_cast<int>(event.file.empty() ? make() : pass(event, 0, make, none));
}

iovec piece_of(const void* data, std::size_t bytes)
{
    return {.iov_base = const_cast<void*>(data), .iov_len = bytes};
}

/// Own statements have kinds 1 to 15 behind the prefix (dataplane/wire.hpp).
void note_votes(const Event& event, const msghdr& message)
{
    for (std::size_t i = 0; event.action == "votes" && i < message.msg_iovlen; ++i) {
        const iovec& piece = message.msg_iov[i];
        const auto* const bytes = static_cast<const unsigned char*>(piece.iov_base);
        if (piece.iov_len > 5 && bytes[5] >= 1 && bytes[5] <= 15) {
            faults().count_vote();
            const iovec statement = piece_of(bytes + 5, piece.iov_len - 5);
            faults().record('v', {}, 0, {&statement, 1});
        }
    }
}

/// A file that comes into being, or is emptied, is told of; the opening itself is never hindered.
int open_event(int directory, const char* path, int flags, mode_t mode)
{
    struct stat status{};
    const bool was_there =
        (flags & O_CREAT) == 0 || fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
    const int fd = static_cast<int>(syscall(SYS_openat, directory, path, flags, mode));
    if (fd >= 0 && (flags & O_CREAT) != 0 && (!was_there || (flags & O_TRUNC) != 0)) {
        if (const Event event = faults().event(fd, "create"); !event.file.empty()) {
            faults().record('c', event.path, 0, {});
        }
    }
    return fd;
}

/// The file that takes this name.
std::string renamed_file(std::string_view to)
{
    return to == "votes"                         ? "journal"
           : to.ends_with("/history/ledger.mdb") ? "history"
           : to.ends_with("/ledger.mdb")         ? "ledger"
                                                 : "";
}

int rename_event(int from_directory, const char* from, int to_directory, const char* to)
{
    const Event event{.fd = -1, .file = renamed_file(to), .action = "rename", .path = from};
    const auto make = [&]() -> ssize_t {
        const iovec name = piece_of(to, std::strlen(to));
        faults().record('r', event.path, 0, {&name, 1});
        return syscall(SYS_renameat, from_directory, from, to_directory, to);
    };
    const auto none = [](std::size_t /*count*/) {
        return ssize_t{0};
    };
    return static_cast<int>(event.file.empty()
                                ? syscall(SYS_renameat, from_directory, from, to_directory, to)
                                : pass(event, 0, make, none));
}

mode_t mode_of(int flags, va_list arguments)
{
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

} // namespace

extern "C" {

ssize_t write(int fd, const void* data, size_t bytes)
{
    const iovec piece = piece_of(data, bytes);
    return write_event(fd, {&piece, 1}, -1);
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset)
{
    const iovec piece = piece_of(data, bytes);
    return write_event(fd, {&piece, 1}, offset);
}

ssize_t pwrite64(int fd, const void* data, size_t bytes, off64_t offset)
{
    const iovec piece = piece_of(data, bytes);
    return write_event(fd, {&piece, 1}, offset);
}

ssize_t writev(int fd, const iovec* pieces, int count)
{
    return write_event(fd, {pieces, static_cast<std::size_t>(count)}, -1);
}

ssize_t pwritev(int fd, const iovec* pieces, int count, off_t offset)
{
    return write_event(fd, {pieces, static_cast<std::size_t>(count)}, offset);
}

ssize_t pwritev64(int fd, const iovec* pieces, int count, off64_t offset)
{
    return write_event(fd, {pieces, static_cast<std::size_t>(count)}, offset);
}

int fsync(int fd)
{
    return sync_event(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_event(fd, SYS_fdatasync);
}

int posix_fallocate(int fd, off_t offset, off_t bytes)
{
    const Event event = faults().event(fd, "allocate");
    const auto make = [&]() -> ssize_t {
        faults().record('a', event.path, static_cast<std::uint64_t>(offset + bytes), {});
        return syscall(SYS_fallocate, fd, 0, offset, bytes) == 0 ? 0 : -1;
    };
    const auto none = [](std::size_t /*count*/) {
        errno = faults().code();
        return ssize_t{-1};
    };
    const ssize_t done =
        event.file.empty() ? make() : pass(event, static_cast<std::size_t>(bytes), make, none);
    return done == 0 ? 0 : errno;
}

int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept
{
    return rename_event(from_directory, from, to_directory, to);
}

int rename(const char* from, const char* to) noexcept
{
    return rename_event(AT_FDCWD, from, AT_FDCWD, to);
}

int open(const char* path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_event(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_event(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_event(directory, path, flags, mode);
}

int openat64(int directory, const char* path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_event(directory, path, flags, mode);
}

int mkdir(const char* path, mode_t mode) noexcept
{
    const auto done = static_cast<int>(syscall(SYS_mkdir, path, mode));
    if (done == 0) {
        faults().record('k', path, 0, {});
    }
    return done;
}

int unlink(const char* path) noexcept
{
    const auto done = static_cast<int>(syscall(SYS_unlink, path));
    if (done == 0 && !file_of(-1, path, "remove").empty()) {
        faults().record('u', path, 0, {});
    }
    return done;
}

ssize_t sendmsg(int fd, const msghdr* message, int flags)
{
    const Event event = faults().event(fd, "send");
    const auto make = [&]() -> ssize_t {
        note_votes(event, *message);
        return syscall(SYS_sendmsg, fd, message, flags);
    };
    const auto none = [](std::size_t /*count*/) {
        return ssize_t{0};
    };
    return event.file.empty() ? make() : pass(event, 0, make, none);
}

int sendmmsg(int fd, mmsghdr* messages, unsigned int count, int flags)
{
    const Event event = faults().event(fd, "send");
    const auto make = [&]() -> ssize_t {
        for (unsigned i = 0; i < count; ++i) {
            note_votes(event, messages[i].msg_hdr);
        }
        return syscall(SYS_sendmmsg, fd, messages, count, flags);
    };
    const auto none = [](std::size_t /*count*/) {
        return ssize_t{0};
    };
    return static_cast<int>(event.file.empty() ? make() : pass(event, 0, make, none));
}

} // extern "C"